"""The conversation with the relay: pooled, encrypted, and every way for it to break off."""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from typing import Any

import pytest

from adapters.email.chain import Trust
from adapters.email.connection import Timeouts, xtext
from adapters.email.credentials import Credentials, Secret
from adapters.email.smime import Signer
from adapters.email.smtp import EmailTransport
from adapters.port import (
    Accepted,
    Alert,
    Attachment,
    Content,
    Deferred,
    Envelope,
    Reachable,
    Rejected,
    Result,
    Transport,
    Unconfirmed,
)
from tests.kit.pki import NOW, SERVER, authority, curve_key, intermediate, person, root, rsa_key
from tests.kit.smtp import Fault, Place, SmtpServer, client_context, server_context, smtp_server
from tests.kit.transport import MARKERS, content

ADDRESS = "jo.worker@council.example"
RECIPIENT = person(ADDRESS, issuer=intermediate())
HUB = person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub"))
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
PASSWORD = "correct-horse-battery"


def transport(server: SmtpServer, **changes: Any) -> EmailTransport:
    settings: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "tls_context": client_context(),
        "sender": "notices@hub.example",
        "mail_domain": "hub.example",
        "signer": Signer(certificate=HUB.certificate, key=HUB.key),
        "trust": Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,)),
        "timeouts": Timeouts(connect=5, command=5, content=5, total=15, close=1),
    }
    return EmailTransport(**(settings | changes))


def envelope(delivery: str = "dl-1", **changes: Any) -> Envelope:
    fields: dict[str, Any] = {
        "delivery": delivery,
        "reference": "FP-2345-6789",
        "address": ADDRESS,
        "body": content(),
        "certificates": (RECIPIENT.der,),
    }
    return Envelope(**(fields | changes))


@asynccontextmanager
async def serving(
    server_options: dict[str, Any] | None = None, **changes: Any
) -> AsyncIterator[tuple[SmtpServer, EmailTransport]]:
    async with smtp_server(**(server_options or {})) as server:
        subject = transport(server, **changes)
        try:
            yield server, subject
        finally:
            await subject.aclose()


async def test_it_is_a_transport() -> None:
    async with serving() as (_, subject):
        port: Transport = subject
        assert port.channel == "email"
        assert subject.longest_send == 15


async def test_accepted_is_what_the_server_took() -> None:
    async with serving() as (server, subject):
        result = await subject.deliver(envelope(), NOW)
        (received,) = server.received
        assert result == Accepted(
            provider_reference="QUEUE0001",
            digest=hashlib.sha256(received.data).hexdigest(),
            certificate=RECIPIENT.fingerprint,
        )
        assert received.recipients == [ADDRESS]
        assert received.mail_from == "notices@hub.example"


async def test_a_delivery_report_is_asked_for_where_the_server_offers_it() -> None:
    async with serving() as (server, subject):
        assert isinstance(
            await subject.deliver(
                envelope(
                    "dl_01ARZ",
                    address="o+hara@council.example",
                    body=Alert(subject="", text="x"),
                    receipt_token=TOKEN,
                ),
                NOW,
            ),
            Accepted,
        )
        mail, rcpt = (line for line in server.lines if line.startswith((b"MAIL", b"RCPT")))
        assert mail.startswith(b"MAIL FROM:<notices@hub.example> SIZE=")
        assert mail.endswith(b" RET=HDRS ENVID=" + TOKEN.encode())
        assert rcpt == (
            b"RCPT TO:<o+hara@council.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;o+2Bhara@council.example"
        )


@pytest.mark.parametrize(("offered", "token"), [(False, TOKEN), (True, None)])
async def test_no_delivery_report_where_it_is_not_offered_or_nobody_waits_for_it(
    offered: bool, token: str | None
) -> None:
    async with serving({"dsn": offered, "size": None}) as (server, subject):
        assert isinstance(await subject.deliver(envelope(receipt_token=token), NOW), Accepted)
        mail, rcpt = (line for line in server.lines if line.startswith((b"MAIL", b"RCPT")))
        assert mail == b"MAIL FROM:<notices@hub.example>"
        assert rcpt == b"RCPT TO:<jo.worker@council.example>"


RECEIPTS = "r+{token}@receipts.hub.example"
ALERT = Alert(subject="", text="x")


def fields(data: bytes, name: str) -> list[str]:
    return [str(value) for value in message_from_bytes(data).get_all(name, [])]


async def test_the_return_path_bears_the_token_if_the_settings_say_so() -> None:
    async with serving(return_path=RECEIPTS) as (server, subject):
        await subject.deliver(envelope(receipt_token=TOKEN), NOW)
        assert server.received[0].mail_from == f"r+{TOKEN}@receipts.hub.example"
        assert fields(server.received[0].data, "Disposition-Notification-To") == [f"r+{TOKEN}@receipts.hub.example"]


async def test_without_a_token_bounces_go_to_the_sender_and_nothing_is_asked_for() -> None:
    async with serving(return_path=RECEIPTS) as (server, subject):
        await subject.deliver(envelope(), NOW)
        assert server.received[0].mail_from == "notices@hub.example"
        assert fields(server.received[0].data, "Disposition-Notification-To") == []


async def test_an_alert_is_bounced_to_its_token_but_nobody_is_asked_whether_it_was_read() -> None:
    async with serving(return_path=RECEIPTS) as (server, subject):
        await subject.deliver(envelope(body=ALERT, receipt_token=TOKEN), NOW)
        assert server.received[0].mail_from == f"r+{TOKEN}@receipts.hub.example"
        assert fields(server.received[0].data, "Disposition-Notification-To") == []


async def test_readers_programs_may_report_to_another_address_than_bounces_go_to() -> None:
    async with serving(receipts_address="read-{token}@hub.example") as (server, subject):
        await subject.deliver(envelope(receipt_token=TOKEN), NOW)
        assert server.received[0].mail_from == "notices@hub.example"
        assert fields(server.received[0].data, "Disposition-Notification-To") == [f"read-{TOKEN}@hub.example"]


@pytest.mark.parametrize("body", [None, ALERT])
async def test_robots_are_asked_not_to_answer(body: Alert | None) -> None:
    async with serving() as (server, subject):
        await subject.deliver(envelope(body=body or content()), NOW)
        data = server.received[0].data
        assert fields(data, "Auto-Submitted") == ["auto-generated"]
        assert fields(data, "X-Auto-Response-Suppress") == ["OOF, AutoReply"]


async def test_a_token_that_the_hub_did_not_make_is_never_sent() -> None:
    async with serving(return_path=RECEIPTS) as (server, subject):
        for odd in ("short", "UPPERCASEUPPERCASE", f"{TOKEN}> SIZE=1", ""):
            result = await subject.deliver(envelope(receipt_token=odd), NOW)
            assert result == Rejected(
                reason="misconfigured", detail="receipt_token: not a token made by the hub", technical=True
            )
        assert server.received == []


def test_xtext() -> None:
    assert xtext("a+b=c é~!") == b"a+2Bb+3Dc+20+C3+A9~!"


async def test_connections_are_kept_and_never_shared_at_once() -> None:
    async with serving(pool_size=3) as (server, subject):
        results = await asyncio.gather(*(subject.deliver(envelope(f"dl-{number}"), NOW) for number in range(30)))
        assert all(isinstance(result, Accepted) for result in results)
        assert server.most_at_once == server.connections == subject.idle_connections == 3
        good_for = [connection.most for _, connection in subject._pool._idle]
        assert (len(set(good_for)), max(good_for)) == (3, 100), "all used up by the same mail"
        assert sorted(one.data.split(b"Message-ID: <")[1].split(b"@")[0] for one in server.received) == sorted(
            f"dl-{number}".encode() for number in range(30)
        )
        assert all(one.recipients == [ADDRESS] for one in server.received)
        await subject.aclose()
        assert subject.idle_connections == 0


def bound_for(domain: str, number: int) -> Envelope:
    return envelope(f"dl-{domain}-{number}", address=f"jo@{domain}", body=Alert(subject="", text="x"), certificates=())


class TestADomainThatHangs:
    """The relay asks the recipient's own server before it answers, and waits for it."""

    PATIENT = Timeouts(connect=5, command=3, content=5, total=15, close=1, patience=0.1)

    @pytest.mark.parametrize("place", ["rcpt", "data"])
    async def test_it_keeps_nobody_else_waiting(self, place: Place) -> None:
        async with serving(pool_size=2, timeouts=self.PATIENT) as (server, subject):
            server.hanging = {"slow.example": place}
            slow = [asyncio.create_task(subject.deliver(bound_for("slow.example", n), NOW)) for n in range(10)]
            await server.reached.wait()
            began = asyncio.get_running_loop().time()
            for number in range(20):
                assert isinstance(await subject.deliver(bound_for("quick.example", number), NOW), Accepted)
            assert asyncio.get_running_loop().time() - began < 2, "not until the first of them is given up"
            assert not any(one.done() for one in slow)
            assert server.most_at_once == 3, "the slow ones have the two there are, and no more"
            for one in slow:
                one.cancel()
            await asyncio.gather(*slow, return_exceptions=True)

    async def test_once_it_is_known_it_is_not_waited_for_at_all(self) -> None:
        """Each domain has had its say; after that the quick ones find a place while the slow ones still are new."""
        patient = Timeouts(connect=5, command=0.5, content=5, total=15, close=1, patience=0.3)
        async with serving(pool_size=1, timeouts=patient) as (server, subject):
            server.hanging = {"slow.example": "rcpt"}
            assert isinstance(await subject.deliver(bound_for("slow.example", 0), NOW), Deferred)
            again = asyncio.create_task(subject.deliver(bound_for("slow.example", 1), NOW))
            await asyncio.sleep(0)
            began = asyncio.get_running_loop().time()
            assert isinstance(await subject.deliver(bound_for("quick.example", 0), NOW), Accepted)
            assert asyncio.get_running_loop().time() - began < 0.3
            server.hanging = {}
            await again
            assert isinstance(await subject.deliver(bound_for("slow.example", 2), NOW), Accepted)

    async def test_there_is_an_end_to_it(self) -> None:
        """Not as many connections as there are domains that hang."""
        async with serving(pool_size=2, timeouts=self.PATIENT) as (server, subject):
            server.hanging = {f"slow{n}.example": "rcpt" for n in range(12)}
            slow = [asyncio.create_task(subject.deliver(bound_for(domain, 0), NOW)) for domain in server.hanging]
            async with asyncio.timeout(5):
                while len(server.open_now) < 8:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            assert server.most_at_once == 8
            for one in slow:
                one.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
            server.hanging = {}
            assert isinstance(await subject.deliver(bound_for("quick.example", 0), NOW), Accepted), "and they are free"

    async def test_who_gives_up_waiting_leaves_no_place_taken(self) -> None:
        async with serving(pool_size=1, timeouts=self.PATIENT) as (server, subject):
            server.hanging = {"slow.example": "rcpt"}
            slow = [asyncio.create_task(subject.deliver(bound_for("slow.example", n), NOW)) for n in range(5)]
            await server.reached.wait()
            for one in reversed(slow):
                one.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
            server.hanging = {}
            assert isinstance(await subject.deliver(bound_for("slow.example", 9), NOW), Accepted)
            assert server.most_at_once == 1


async def test_a_kept_connection_that_went_cold_costs_nothing() -> None:
    async with serving(pool_size=1) as (server, subject):
        for number in range(3):
            assert isinstance(await subject.deliver(envelope(f"dl-{number}"), NOW), Accepted)
            server.hang_up()
        assert server.connections == 3
        server.fail("mail", Fault(drop=True))
        assert isinstance(await subject.deliver(envelope("dl-3"), NOW), Deferred), "a fresh one is not tried again"
        assert isinstance(await subject.deliver(envelope("dl-4"), NOW), Accepted)
        for how in (Fault(drop=True), Fault(reply="421 4.4.2 idle too long")):
            before = server.connections
            server.fail("mail", how)
            assert isinstance(await subject.deliver(envelope("dl-5"), NOW), Accepted)
            assert server.connections == before + 1


async def test_a_connection_is_not_used_for_ever() -> None:
    async with serving(pool_size=1) as (server, subject):
        for number in range(101):
            await subject.deliver(envelope(f"dl-{number}", body=Alert(subject="", text="x")), NOW)
        assert len(server.received) == 101
        assert server.connections == 2


@pytest.mark.parametrize("place", ["mail", "rcpt", "data"])
async def test_a_refusal_keeps_the_connection_and_the_next_recipient_is_not_mixed_up(place: Place) -> None:
    async with serving(pool_size=1) as (server, subject):
        server.fail(place, Fault(reply="550 5.1.1 no"))
        assert isinstance(await subject.deliver(envelope("dl-1"), NOW), Rejected)
        other = person("sam@other.example", issuer=intermediate(), key=rsa_key("sam"))
        good = envelope("dl-2", address="sam@other.example", certificates=(other.der,))
        assert isinstance(await subject.deliver(good, NOW), Accepted)
        assert server.connections == 1
        assert [one.recipients for one in server.received] == [["sam@other.example"]]


PLACES: dict[Place, type[Result]] = {"mail": Deferred, "rcpt": Deferred, "data": Deferred, "content": Unconfirmed}


@pytest.mark.parametrize(("place", "kind"), PLACES.items())
async def test_a_lost_connection_is_unconfirmed_only_after_the_content(place: Place, kind: type[Result]) -> None:
    async with serving() as (server, subject):
        server.fail(place, Fault(drop=True))
        result = await subject.deliver(envelope(), NOW)
        assert isinstance(result, kind)
        assert result.reason == ("provider_timeout" if place == "content" else "connection_failed")  # type: ignore[union-attr]
        assert subject.idle_connections == 0
        assert isinstance(await subject.deliver(envelope(), NOW), Accepted)


@pytest.mark.parametrize(("place", "kind"), PLACES.items())
@pytest.mark.parametrize("by", ["step", "total"])
async def test_silence_is_unconfirmed_only_after_the_content(place: Place, kind: type[Result], by: str) -> None:
    # Generous for every step but the one that hangs, so that a busy machine cannot make another one late.
    short = Timeouts(connect=9, command=9 if place == "content" else 0.2, content=0.2, total=30, close=1)
    whole = Timeouts(connect=9, command=9, content=9, total=1 if place == "content" else 0.3, close=1)
    async with serving(timeouts=short if by == "step" else whole) as (server, subject):
        if place == "content":
            assert isinstance(await subject.deliver(envelope("dl-0"), NOW), Accepted)
        server.fail(place, Fault(hang=True))
        result = await subject.deliver(envelope(), NOW)
        assert isinstance(result, kind), result
        assert result.reason == ("provider_timeout" if place == "content" else "provider_unavailable")  # type: ignore[union-attr]
        assert subject.idle_connections == 0


async def test_a_repeat_after_an_unconfirmed_send_bears_the_same_message_id() -> None:
    async with serving() as (server, subject):
        server.fail("content", Fault(drop=True))
        assert isinstance(await subject.deliver(envelope("dl-9"), NOW), Unconfirmed)
        assert isinstance(await subject.deliver(envelope("dl-9"), NOW), Accepted)
        assert [b"\r\nMessage-ID: <dl-9@hub.example>\r\n" in one.data for one in server.received] == [True, True]
        assert [one.answered for one in server.received] == [False, True]


async def test_temporary_then_taken() -> None:
    async with serving() as (server, subject):
        server.fail("rcpt", Fault(reply="450 4.2.0 grey"), Fault(reply="451 4.3.0 still"))
        kinds = [type(await subject.deliver(envelope(), NOW)) for _ in range(3)]
        assert kinds == [Deferred, Deferred, Accepted]


async def test_an_answer_that_is_none_after_the_content_is_unconfirmed() -> None:
    async with serving() as (server, subject):
        for answer in ("what?", "354 go on", "999 9.9.9 x"):
            server.fail("content", Fault(reply=answer))
            assert isinstance(await subject.deliver(envelope(), NOW), Unconfirmed), answer
            assert subject.idle_connections == 0


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (
            Fault(reply="554 5.3.2 no service here"),
            Rejected(reason="provider_unavailable", detail="554 5.3.2 CONNECT", technical=True),
        ),
        (Fault(reply="421 4.3.2 busy"), Deferred(reason="provider_unavailable", detail="421 4.3.2 CONNECT")),
        (Fault(drop=True), Deferred(reason="connection_failed", detail="SMTPConnectError")),
        (Fault(hang=True), Deferred(reason="connection_failed", detail="SMTPConnectTimeoutError")),
    ],
)  # fmt: skip
async def test_a_bad_greeting(fault: Fault, result: Result) -> None:
    async with serving(timeouts=Timeouts(connect=0.3 if fault.hang else 9)) as (server, subject):
        server.fail("greeting", fault)
        assert await subject.deliver(envelope(), NOW) == result


class TestAsking:
    """Whether the relay is there, without sending anything."""

    async def test_one_that_is_there_keeps_the_connection_for_the_next(self) -> None:
        async with serving() as (server, subject):
            assert isinstance(subject, Reachable)
            assert await subject.reachable()
            assert subject.idle_connections == 1
            assert isinstance(await subject.deliver(envelope(), NOW), Accepted)
            assert (server.connections, len(server.received)) == (1, 1)

    @pytest.mark.parametrize("fault", [Fault(reply="421 4.3.2 busy"), Fault(drop=True), Fault(hang=True)])
    async def test_one_that_does_not_greet_is_not(self, fault: Fault) -> None:
        hasty = Timeouts(connect=0.3, command=5, content=5, total=15, close=1)
        async with serving(timeouts=hasty) as (server, subject):
            server.fail("greeting", fault)
            assert not await subject.reachable()
            assert subject.idle_connections == 0
            assert await subject.reachable(), "the fault has passed"

    async def test_nor_one_that_nobody_vouches_for_or_that_wants_another_password(self) -> None:
        async with serving(tls_context=client_context(authority("Somebody Else"))) as (_, subject):
            assert not await subject.reachable()
        wrong = Credentials(username="hub", password=Secret("wrong"))
        async with serving({"login": ("hub", PASSWORD)}, credentials=wrong) as (_, subject):
            assert not await subject.reachable()

    async def test_a_greeting_that_does_not_come_is_no_connection(self) -> None:
        """So it is the relay's outage, and the relay is asked whether it is over."""
        async with serving(timeouts=Timeouts(connect=0.3, command=5, content=5, total=15, close=1)) as (
            server,
            subject,
        ):
            server.fail("greeting", Fault(hang=True))
            result = await subject.deliver(envelope(), NOW)
            assert isinstance(result, Deferred)
            assert result.reason == "connection_failed"


async def test_an_address_nobody_can_write_to_is_the_directorys_fault() -> None:
    async with serving() as (server, subject):
        result = await subject.deliver(envelope(address="jo worker@council.example"), NOW)
        assert isinstance(result, Rejected)
        assert (result.reason, result.technical) == ("misconfigured", False)
        assert server.connections == 0


async def test_nobody_listens() -> None:
    async with smtp_server() as server:
        subject = transport(server)
    assert await subject.deliver(envelope(), NOW) == Deferred(reason="connection_failed", detail="SMTPConnectError")
    assert (await transport(server, host="no-such-host.invalid").deliver(envelope(), NOW)).reason == "connection_failed"  # type: ignore[union-attr]


class TestTls:
    async def test_nothing_is_sent_without_starttls(self) -> None:
        async with serving({"starttls": False}) as (server, subject):
            result = await subject.deliver(envelope(), NOW)
            assert result == Deferred(reason="tls_failed", detail="STARTTLS not offered")
            assert not server.received and not any(line.startswith(b"MAIL") for line in server.lines)

    @pytest.mark.parametrize(
        "certificate",
        [
            person(issuer=authority("Evil Root"), purposes=SERVER, hosts=["localhost"]),
            person(issuer=root(), purposes=SERVER, hosts=["other.example"]),
            person(issuer=None, purposes=SERVER, hosts=["localhost"]),
        ],
        ids=["another authority", "another host", "self-signed"],
    )
    async def test_a_relay_that_cannot_prove_itself_gets_nothing(self, certificate: Any) -> None:
        async with serving({"tls": server_context(certificate)}) as (server, subject):
            result = await subject.deliver(envelope(), NOW)
            assert isinstance(result, Deferred) and result.reason == "tls_failed"
            assert not server.received and not any(line.startswith(b"MAIL") for line in server.lines)

    async def test_a_curve_certificate_of_the_relay(self) -> None:
        relay = person(issuer=root(), purposes=SERVER, hosts=["localhost"], key=curve_key("relay"), usage=False)
        async with serving({"tls": server_context(relay)}) as (_, subject):
            assert isinstance(await subject.deliver(envelope(), NOW), Accepted)

    async def test_tls_from_the_first_byte(self) -> None:
        async with serving({"implicit": True}, tls="implicit") as (_, subject):
            assert isinstance(await subject.deliver(envelope(), NOW), Accepted)

    async def test_tls_from_the_first_byte_with_the_wrong_authority(self) -> None:
        context = client_context(authority("Evil Root"))
        async with serving({"implicit": True}, tls="implicit", tls_context=context) as (_, subject):
            result = await subject.deliver(envelope(), NOW)
            assert isinstance(result, Deferred) and result.reason == "tls_failed"

    async def test_opportunistic_takes_it_where_offered_and_does_without_else(self) -> None:
        for starttls in (True, False):
            async with serving({"starttls": starttls}, tls="opportunistic") as (server, subject):
                assert isinstance(await subject.deliver(envelope(), NOW), Accepted)
                assert len(server.received) == 1


class TestLogin:
    async def test_with_the_right_password(self) -> None:
        credentials = Credentials(username="hub", password=Secret(PASSWORD))
        async with serving({"login": ("hub", PASSWORD)}, credentials=credentials) as (_, subject):
            assert isinstance(await subject.deliver(envelope(), NOW), Accepted)

    async def test_with_a_wrong_or_no_password(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        for credentials in (Credentials(username="hub", password=Secret("wrong-wrong-wrong")), None):
            async with serving({"login": ("hub", PASSWORD)}, credentials=credentials) as (server, subject):
                result = await subject.deliver(envelope(), NOW)
                assert isinstance(result, Rejected)
                assert (result.reason, result.technical) == ("misconfigured", True)
                assert not server.received
                assert "wrong-wrong" not in repr(result)

    async def test_where_login_is_not_offered(self) -> None:
        credentials = Credentials(username="hub", password=Secret(PASSWORD))
        async with serving({"implicit": True}, tls="opportunistic", tls_context=client_context()) as (server, _):
            with pytest.raises(ValueError, match="password is only sent over TLS") as refused:
                transport(server, tls="opportunistic", credentials=credentials)
            assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "hub"},
        {"mail_domain": "hub"},
        {"return_path": "b+{token}"},
        {"return_path": "b@{token}.hub.example"},
        {"return_path": "b+{token}{token}@hub.example"},
        {"return_path": f"{'b' * 33}{{token}}@hub.example"},
        {"return_path": "b+{delivery}@hub.example"},
        {"receipts_address": "read@hub.example"},
        {"pool_size": 0},
        {"sender": "a@b\r\n.x"},
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        transport(SmtpServer(), **changes)


class TestSize:
    LARGE = Content(
        subject="x",
        text="x",
        html="x",
        attachments=(Attachment(name="photo.jpg", media_type="image/jpeg", data=bytes(400_000)),),
    )

    async def test_over_our_own_limit_no_connection_is_opened(self) -> None:
        async with serving(size_limit=300_000) as (server, subject):
            result = await subject.deliver(envelope(body=self.LARGE), NOW)
            assert isinstance(result, Rejected) and result.reason == "too_large"
            assert server.connections == 0

    async def test_over_the_relays_limit_nothing_is_sent(self) -> None:
        async with serving({"size": 300_000}) as (server, subject):
            result = await subject.deliver(envelope(body=self.LARGE), NOW)
            assert isinstance(result, Rejected) and result.reason == "too_large"
            assert not server.received
            assert isinstance(await subject.deliver(envelope(), NOW), Accepted)
            assert server.connections == 1

    async def test_a_large_photo_is_sealed_beside_the_loop(self) -> None:
        async with serving() as (server, subject):
            sent = (subject.deliver(envelope(f"dl-{number}", body=self.LARGE), NOW) for number in range(2))
            assert all(isinstance(result, Accepted) for result in await asyncio.gather(*sent))
            assert len(server.received[0].data) > 600_000


class TestSealing:
    @pytest.mark.parametrize(
        ("certificates", "reason"),
        [
            ((), "no_certificate"),
            ((person("sam@other.example", issuer=intermediate()).der,), "certificate_name_mismatch"),
            ((person(ADDRESS, issuer=None).der,), "certificate_untrusted"),
        ],
    )
    async def test_a_refused_certificate_opens_no_connection(
        self, certificates: tuple[bytes, ...], reason: str
    ) -> None:
        async with serving() as (server, subject):
            result = await subject.deliver(envelope(certificates=certificates), NOW)
            assert result == Rejected(reason=reason)  # type: ignore[arg-type]  # a reason
            assert server.connections == 0

    async def test_a_pin_of_the_envelope_counts(self) -> None:
        own = person(ADDRESS, issuer=None)
        async with serving() as (_, subject):
            pinned = envelope(certificates=(own.der,), pinned=frozenset({own.fingerprint}))
            result = await subject.deliver(pinned, NOW)
            assert isinstance(result, Accepted) and result.certificate == own.fingerprint

    async def test_the_instant_decides(self) -> None:
        short = person(ADDRESS, issuer=intermediate(), end=NOW)
        async with serving() as (_, subject):
            good = envelope(certificates=(short.der,))
            assert isinstance(await subject.deliver(good, NOW), Accepted)
            assert await subject.deliver(good, NOW.replace(hour=23)) == Rejected(reason="certificate_expired")

    async def test_no_personal_value_is_seen_by_the_server(self) -> None:
        async with serving() as (server, subject):
            for place in ("mail", "rcpt", "data", "content"):
                server.fail(place, Fault(reply="451 4.3.0 later"))  # type: ignore[arg-type]  # a place
                await subject.deliver(envelope(), NOW)
            assert isinstance(await subject.deliver(envelope(), NOW), Accepted)
            seen = b"\n".join([*server.lines, *(one.data for one in server.received)])
            assert not any(marker.encode() in seen for marker in MARKERS)
            assert len(server.received) == 2


async def test_a_fault_of_our_own_is_a_result_without_its_text() -> None:
    async with serving() as (server, subject):
        result = await subject.deliver(envelope(headers="Robin Exampleson"), NOW)
        assert result == Rejected(reason="unknown", detail="AttributeError", technical=True)
        assert server.connections == 0


async def test_closing_while_a_send_is_under_way() -> None:
    async with serving(timeouts=Timeouts(connect=5, command=5, content=0.5, total=5, close=0.5)) as (server, subject):
        server.fail("content", Fault(hang=True))
        sending = asyncio.create_task(subject.deliver(envelope(), NOW))
        await server.reached.wait()
        await subject.aclose()
        assert isinstance(await sending, Unconfirmed)
        assert subject.idle_connections == 0


def test_the_client_context_verifies() -> None:
    assert client_context().verify_mode is ssl.CERT_REQUIRED
