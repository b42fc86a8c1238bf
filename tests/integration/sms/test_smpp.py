"""SMPP with an SMSC that others wrote: what goes out, what comes back, and what becomes of a connection that breaks."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.email.credentials import Secret
from adapters.port import (
    UNTOUCHED,
    Accepted,
    Alert,
    Deferred,
    Envelope,
    Reachable,
    Receipt,
    Rejected,
    Result,
    Unconfirmed,
)
from adapters.sms.inbound import Inbound, Reply, Unreadable
from adapters.sms.smpp import Account, SmppTransport
from adapters.sms.smpp_session import Smsc
from adapters.sms.text import alert_text, gsm
from tests.kit import smsc as kit
from tests.kit.pki import SERVER, person, root, rsa_key
from tests.kit.smtp import client_context
from tests.kit.transport import NOW

NUMBER = "+447700900123"
TEXT = alert_text("FP-2345-6789", link="https://hub.example/c/a_b-c", code="CDFGHJ")


class Hub:
    """A transport to the SMSC, and what came back over it."""

    def __init__(self, server: kit.Smsc, *, account: Account | None = None, **where: object) -> None:
        self.came: list[Inbound] = []
        self.raw: list[bytes] = []
        self.refusals = 0
        self.blocked: asyncio.Event | None = None
        settings = {
            "host": "127.0.0.1",
            "port": server.port,
            "tls": None,
            "system_id": "hub",
            "password": Secret("secret"),
            "connect": 5.0,
            "answer": 5.0,
            "close": 1.0,
            **where,
        }
        self.transport = SmppTransport(
            smsc=Smsc(**settings),  # type: ignore[arg-type]  # passed through
            account=account or Account(source="+447700900999"),
            inbox=self._take,
            now=lambda: NOW,
            total=10,
        )

    async def _take(self, inbound: Inbound, raw: bytes) -> None:
        if self.blocked is not None:
            await self.blocked.wait()
        if self.refusals:
            self.refusals -= 1
            raise OSError("the database is gone")
        self.came.append(inbound)
        self.raw.append(raw)

    async def send(self, delivery: str = "de_1", text: str = TEXT, *, token: str | None = "t" * 32) -> Result:
        body = Alert(subject="A notice", text=text)
        envelope = Envelope(delivery=delivery, reference="FP-2345-6789", address=NUMBER, body=body, receipt_token=token)
        return await self.transport.deliver(envelope, NOW)


@pytest.fixture
async def server() -> AsyncIterator[kit.Smsc]:
    async with kit.smsc() as state:
        yield state


MakeHub = Callable[..., Hub]


@pytest.fixture
async def a_hub(server: kit.Smsc) -> AsyncIterator[MakeHub]:
    made: list[Hub] = []

    def make(**more: object) -> Hub:
        made.append(Hub(server, **more))  # type: ignore[arg-type]  # passed through
        return made[-1]

    yield make
    for hub in made:
        await hub.transport.aclose()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def test_no_receipt_is_asked_for_where_nobody_waits_for_one(server: kit.Smsc, a_hub: MakeHub) -> None:
    await a_hub().send(token=None)
    assert [one["registered_delivery"] for one in server.submits] == [0]


async def test_what_the_smsc_is_sent(server: kit.Smsc, a_hub: MakeHub) -> None:
    result = await a_hub().send()
    assert result == Accepted(provider_reference="id-1", digest=hashlib.sha256(gsm(TEXT)).hexdigest())
    (one,) = server.submits
    assert one == {
        "key": "de_1",
        "source": "447700900999",
        "source_ton": 1,
        "destination": "447700900123",
        "destination_ton": 1,
        "destination_npi": 1,
        "text": TEXT,
        "data_coding": 0,
        "registered_delivery": 1,
        "validity_period": one["validity_period"],
        "bound": True,
    }
    assert one["validity_period"], "an alert is not tried for ever"


async def test_the_whole_alphabet_arrives_as_it_was_written(server: kit.Smsc, a_hub: MakeHub) -> None:
    text = "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà"
    assert isinstance(await a_hub().send(text=text), Accepted)
    assert server.submits[0]["text"] == text


async def test_an_smsc_whose_alphabet_is_latin_1(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub(account=Account(source="Fingerpost", alphabet="latin-1"))
    result = await hub.send(text="Reference FP-2345-6789: £@_")
    assert isinstance(result, Accepted)
    assert "Reference FP-2345-6789: £@_".encode("latin-1") in server.bytes_seen
    refused = await hub.send(text="Δ")
    assert refused == Rejected(reason="misconfigured", detail="body: not in Latin-1", technical=True)
    assert len(server.submits) == 1


@pytest.mark.parametrize(("source", "ton"), [("Fingerpost", 5), ("60777", 0)])
async def test_a_name_or_a_short_code_for_a_sender(server: kit.Smsc, a_hub: MakeHub, source: str, ton: int) -> None:
    await a_hub(account=Account(source=source)).send()
    assert (server.submits[0]["source"], server.submits[0]["source_ton"]) == (source, ton)


async def test_the_key_is_left_out_for_an_smsc_that_refuses_what_it_does_not_know(
    server: kit.Smsc, a_hub: MakeHub
) -> None:
    hub = a_hub(account=Account(source="Fingerpost", tag=None))
    assert isinstance(await hub.send("de_unseen"), Accepted)
    assert server.submits[0]["key"] is None
    assert b"de_unseen" not in server.bytes_seen


async def test_many_at_once_share_one_bind_and_the_window(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub(window=3)
    results = await asyncio.gather(*(hub.send(f"de_{n}") for n in range(40)))
    assert all(isinstance(result, Accepted) for result in results)
    assert len({result.provider_reference for result in results if isinstance(result, Accepted)}) == 40
    assert server.connections == 1


async def test_no_more_than_the_window_await_their_answers(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub(window=2, answer=1.5)
    for _ in range(2):
        server.fail("submit", hang=True)
    results = await asyncio.gather(*(hub.send(f"de_{n}") for n in range(3)))
    assert [type(result) for result in results] == [Unconfirmed, Unconfirmed, Accepted]


@pytest.mark.parametrize(
    ("fields", "kind", "code"),
    [
        ({"short_message": "id:id-1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:Secure"}, "delivered", "DELIVRD"),
        ({"short_message": "id:id-1 sub:001 dlvrd:000 stat:UNDELIV err:0B1 text:"}, "bounced", "UNDELIV 0B1"),
        ({"short_message": "", "receipted_message_id": "id-1", "message_state": 3}, "expired", "EXPIRED"),
        (
            {"short_message": "id:9 stat:DELIVRD", "receipted_message_id": "id-1", "message_state": 8},
            "bounced",
            "REJECTD",
        ),
    ],
)
async def test_a_receipt_names_the_message(
    server: kit.Smsc, a_hub: MakeHub, fields: dict[str, object], kind: str, code: str
) -> None:
    hub = a_hub()
    sent = await hub.send()
    assert isinstance(sent, Accepted)
    assert await server.deliver(esm_class=4, source_addr="447700900123", destination_addr="447700900999", **fields) == 0
    (receipt,) = hub.came
    assert isinstance(receipt, Receipt)
    assert (receipt.provider_reference, receipt.kind, receipt.code) == (sent.provider_reference, kind, code)
    assert (receipt.at, receipt.channel, receipt.delivery, receipt.token) == (NOW, "sms", None, None)


async def test_an_id_in_hexadecimal_here_and_in_decimal_there_is_one_id(server: kit.Smsc, a_hub: MakeHub) -> None:
    server.call("ids", form="hex")
    hub = a_hub(account=Account(source="Fingerpost", submit_ids="hex", receipt_ids="decimal"))
    sent = await hub.send()
    assert isinstance(sent, Accepted)
    number = int("ABC001", 16)
    await server.deliver(esm_class=4, short_message=f"id:00{number} stat:DELIVRD err:000 text:")
    await server.deliver(esm_class=4, short_message="", receipted_message_id="ABC001", message_state=2)
    assert [one.provider_reference for one in hub.came if isinstance(one, Receipt)] == [sent.provider_reference] * 2


async def test_a_reply_comes_in(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    await hub.send()
    assert await server.deliver(source_addr_ton=1, source_addr="447700900123", short_message="1 cdfghj") == 0
    assert hub.came == [Reply(source=NUMBER, text="1 cdfghj", at=NOW)]
    assert await server.deliver(source_addr="447700900123", data_coding=8, short_message={"message": "Yés 1"}) == 0
    assert hub.came[1] == Reply(source=NUMBER, text="Yés 1", at=NOW)


async def test_a_text_that_reads_like_a_receipt_is_a_reply(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    await hub.send()
    await server.deliver(source_addr="447700900123", short_message="id:id-1 stat:DELIVRD err:000")
    assert [type(one) for one in hub.came] == [Reply]


async def test_what_nobody_understands_is_kept_as_it_came_and_taken(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    await hub.send()
    assert await server.deliver(esm_class=4, short_message="it went well") == 0
    (kept,) = hub.came
    assert isinstance(kept, Unreadable)
    assert kept.why == "id"
    assert b"it went well" in kept.raw
    assert "went well" not in repr(kept)


async def test_what_could_not_be_stored_is_offered_again(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    await hub.send()
    hub.refusals = 1
    fields = {"esm_class": 4, "short_message": "id:id-1 stat:DELIVRD"}
    assert await server.deliver(**fields) == 0x64
    assert hub.came == []
    assert await server.deliver(**fields) == 0
    assert len(hub.came) == 1


async def test_receipts_that_wait_to_be_stored_hold_up_no_message(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    await hub.send()
    hub.blocked = asyncio.Event()
    offers = [
        asyncio.create_task(server.deliver(esm_class=4, short_message=f"id:id-{n} stat:DELIVRD")) for n in range(130)
    ]
    assert isinstance(await hub.send("de_2"), Accepted)
    await until(lambda: sum(offer.done() for offer in offers) >= 29)
    assert {offer.result() for offer in offers if offer.done()} == {0x14}, "told that the queue is full"
    hub.blocked.set()
    answers = await asyncio.gather(*offers)
    assert len(hub.came) == answers.count(0) <= 101


async def test_a_connection_that_broke_is_made_again(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    await hub.send()
    server.call("hangUp")
    await until(lambda: not hub.transport.is_bound)
    assert isinstance(await hub.send("de_2"), Accepted)
    assert server.connections == 2


async def test_every_message_in_flight_is_in_doubt_when_the_connection_breaks(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    reached = [server.hang("taken") for _ in range(3)]
    sending = [asyncio.create_task(hub.send(f"de_{n}")) for n in range(3)]
    for event in reached:
        await event.wait()
    server.call("hangUp")
    assert [type(result) for result in await asyncio.gather(*sending)] == [Unconfirmed] * 3


async def test_silence_after_writing_is_doubt_and_the_connection_stays(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub(answer=1.5)
    server.fail("taken", hang=True)
    assert await hub.send() == Unconfirmed(detail="TimeoutError")
    assert isinstance(await hub.send("de_2"), Accepted)
    assert server.connections == 1


async def test_a_wrong_password_is_told_from_a_silent_smsc(server: kit.Smsc, a_hub: MakeHub) -> None:
    wrong = await a_hub(password=Secret("guess")).send()
    assert wrong == Rejected(reason="misconfigured", detail="0x0000000E ESME_RINVPASWD", technical=True)
    server.fail("bind", hang=True)
    assert await a_hub(answer=0.3).send() == Deferred(reason="provider_unavailable", detail="bind TimeoutError")
    assert server.submits == []


async def test_nobody_at_home_leaves_no_doubt(a_hub: MakeHub) -> None:
    assert await a_hub(port=9).send() == Deferred(reason="connection_failed", detail="ConnectionRefusedError")


async def test_it_can_be_asked_whether_it_is_there(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    assert isinstance(hub.transport, Reachable)
    assert await hub.transport.reachable()
    assert isinstance(await hub.send(), Accepted)
    assert server.connections == 1, "the session is kept for whoever comes next"
    assert not await a_hub(port=9).transport.reachable()
    assert not await a_hub(password=Secret("guess")).transport.reachable()
    assert len(server.submits) == 1


@pytest.mark.parametrize(
    "garbage",
    ["00000001", "7fffffff80000004", "00000010800000ff0000000000000001", "000000118000000400000000000000"],
    ids=["too short", "too long", "unknown response", "half a header"],
)
async def test_garbage_ends_the_connection_at_worst(server: kit.Smsc, a_hub: MakeHub, garbage: str) -> None:
    hub = a_hub(keep_alive=0.3, answer=1.5)
    await hub.send()
    server.call("raw", hex=garbage)
    results = [await hub.send(f"de_{n}") for n in range(2, 5)]
    assert isinstance(results[-1], Accepted), results
    # One that was written into the broken connection is in doubt, and none is said to be refused.
    assert all(isinstance(result, Accepted | Unconfirmed) for result in results)


async def test_an_smsc_that_says_goodbye_is_bound_to_again(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    await hub.send()
    assert (await server.acall("request", command="unbind", fields={}))["command"] == "unbind_resp"
    await until(lambda: not hub.transport.is_bound)
    assert isinstance(await hub.send("de_2"), Accepted)


async def test_the_smsc_is_answered_when_it_asks(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    await hub.send()
    assert (await server.acall("request", command="enquire_link", fields={}))["command"] == "enquire_link_resp"
    unknown = await server.acall("request", command="query_sm", fields={"message_id": "id-1"})
    assert unknown == {"command": "generic_nack", "status": 3}
    assert hub.transport.is_bound


async def test_silence_is_asked_about_and_a_dead_connection_given_up(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub(keep_alive=0.1, answer=1.5)
    await hub.send()
    await asyncio.sleep(0.6)
    assert hub.transport.is_bound, "each question was answered"
    server.call("mute", on=True)
    await until(lambda: not hub.transport.is_bound)


async def test_closing_unbinds(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    await hub.send()
    await hub.transport.aclose()
    assert not hub.transport.is_bound
    assert bytes.fromhex("00000010000000060000000000000002") not in server.bytes_seen
    assert bytes.fromhex("00000010000000060000000000000003") in server.bytes_seen
    assert server.call("seen")["bound"] == 0


async def test_closing_while_it_binds_leaves_nothing_open(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    reached = server.hang("bind")
    sending = asyncio.create_task(hub.send())
    await reached.wait()
    await hub.transport.aclose()
    assert await sending == Deferred(reason="provider_unavailable", detail="closed")
    await until(lambda: server.call("seen")["bound"] == 0)


@pytest.mark.parametrize(("place", "untouched"), [("bind", True), ("submit", False), ("taken", False)])
async def test_a_cancelled_try_says_whether_anything_was_handed_over(
    server: kit.Smsc, a_hub: MakeHub, place: kit.Place, untouched: bool
) -> None:
    hub = a_hub()
    reached = server.hang(place)
    sending = asyncio.create_task(hub.send())
    await reached.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await sending
    assert (raised.value.args == (UNTOUCHED,)) is untouched


async def test_one_who_stops_waiting_for_a_bind_does_not_stop_the_others(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub(answer=2.0)
    reached = server.hang("bind")
    first, second = asyncio.create_task(hub.send("de_1")), asyncio.create_task(hub.send("de_2"))
    await reached.wait()
    first.cancel()
    assert await second == Deferred(reason="provider_unavailable", detail="bind TimeoutError")
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_it_stays_bound_and_waits_longer_after_each_failure(server: kit.Smsc, a_hub: MakeHub) -> None:
    hub = a_hub()
    for _ in range(8):
        server.fail("bind", status=0x0D)
    pauses: list[float] = []

    async def wait(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    keeping = asyncio.create_task(hub.transport.keep_bound(wait))
    await until(lambda: hub.transport.is_bound)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert await server.deliver(esm_class=4, short_message="id:old stat:DELIVRD") == 0
    assert len(hub.came) == 1, "a receipt comes in although nothing was sent"
    server.call("hangUp")
    await until(lambda: server.connections == 10 and hub.transport.is_bound)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_over_tls() -> None:
    async with kit.smsc(tls=kit.identity()) as server:
        hub = Hub(server, host="localhost", port=server.tls_port, tls=client_context())
        assert isinstance(await hub.send(), Accepted)
        assert await server.deliver(esm_class=4, short_message="id:id-1 stat:DELIVRD") == 0
        await hub.transport.aclose()
        assert len(hub.came) == 1


async def test_a_certificate_of_another_name_or_of_nobody_is_not_spoken_to() -> None:
    other = person(issuer=root(), purposes=SERVER, hosts=["smsc.example"], key=rsa_key("smsc"))
    async with kit.smsc(tls=other) as server:
        for trust in (client_context(), ssl.create_default_context()):
            hub = Hub(server, host="localhost", port=server.tls_port, tls=trust)
            result = await hub.send()
            await hub.transport.aclose()
            assert result == Deferred(reason="tls_failed", detail="SSLCertVerificationError")
        assert b"secret" not in server.bytes_seen


@pytest.mark.parametrize(
    ("where", "account", "named"),
    [
        ({"system_id": ""}, {}, "system_id"),
        ({"password": Secret("ninechars")}, {}, "password"),
        ({"system_id": "hüb"}, {}, "ASCII"),
        ({}, {"source": "Robin is missing"}, "source"),
        ({}, {"tag": 0x0204}, "tag"),
        ({}, {"validity": timedelta(days=90)}, "validity"),
        ({"window": 0}, {}, "window"),
        ({"answer": 60.0}, {}, "answer"),
    ],
)
def test_settings_that_cannot_work_are_named_and_not_shown(
    where: dict[str, object], account: dict[str, object], named: str
) -> None:
    smsc = Smsc(host="smsc.example", port=3550, tls=None, system_id="hub", password=Secret("secret"))

    async def inbox(_: Inbound, raw: bytes) -> None: ...

    with pytest.raises(ValueError, match=named) as raised:
        SmppTransport(
            smsc=replace(smsc, **where),  # type: ignore[arg-type]  # that is the test
            account=replace(Account(source="Fingerpost"), **account),  # type: ignore[arg-type]  # that is the test
            inbox=inbox,
            now=lambda: NOW,
        )
    assert not any(secret in str(raised.value) for secret in ("ninechars", "Robin", "hüb"))
    assert "secret" not in repr(smsc)
