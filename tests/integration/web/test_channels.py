"""Every channel through the whole hub: a serious notice goes out over it, and what comes back is stored and counts."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiosmtplib import SMTP, SMTPRecipientsRefused, SMTPResponseException
from joserfc import jwe, jws

from contacts.areas import load_areas
from contacts.model import Certificate, Contact
from contacts.tables import dumps, load_json
from hub.app.keys import acknowledgement_secret, key_ring
from hub.app.running import CannotListen
from hub.cli.receipts import post
from hub.core.api_tokens import digest
from hub.core.records import AttemptRecord, DeliveryRecord, NoticeRecord, ReceiptRecord
from hub.core.tokens import receipt_token, reply_code
from hub.service.ports import StoreUnavailable
from hub.settings import SettingsError
from tests.kit import smsc as smsc_kit
from tests.kit.events import BROMLEY, raw, reported
from tests.kit.govuk_notify import KEY, TEMPLATE, Notify, notify_server
from tests.kit.hub import hub_settings, story_bundle
from tests.kit.pushing import RECEIVER
from tests.kit.receiver import PushServer, Request, push_server
from tests.kit.reports import report
from tests.kit.smtp import SmtpServer
from tests.kit.whole import Whole, whole

MOBILE = "+447700900123"
ROOT = Path(__file__).parents[3]
CALLBACK = "the bearer token of the callbacks"
HTTPS = {"public_url": "https://hub.example"}


def directory(*more: tuple[str, str, int]) -> bytes:
    """That of the story, with further ways to Bromley's front door: channel, address, order."""
    bundle = _story()
    contacts = tuple(
        Contact(
            id=f"bromley-{channel}",
            organisation=BROMLEY,
            desk="front_door",
            channel=channel,  # type: ignore[arg-type]  # each test names channels
            address=address,
            order=order,
        )
        for channel, address, order in more
    )
    keys = tuple(
        Certificate(address=address, der=RECEIVER.document, fingerprint=RECEIVER.mark, pinned=True)
        for channel, address, _ in more
        if channel == "push"
    )
    return dumps(replace(bundle, contacts=bundle.contacts + contacts, certificates=bundle.certificates + keys))


@cache
def _story() -> Any:
    return load_json(story_bundle(), load_areas(), datetime.now(UTC)).bundle


class Looked:
    """What the ledger says of the way to the front door by one channel."""

    def __init__(self, hub: Whole, channel: str) -> None:
        self.hub, self.channel = hub, channel

    async def all(self) -> list[tuple[NoticeRecord, DeliveryRecord, Sequence[AttemptRecord]]]:
        async def work(unit: Any) -> list[tuple[NoticeRecord, DeliveryRecord, Sequence[AttemptRecord]]]:
            return [
                (notice, delivery, await unit.attempts(delivery.id))
                for episode in await unit.episode_list()
                for notice in await unit.notices(episode.id)
                for delivery in await unit.deliveries(notice.id)
                if notice.organisation == BROMLEY and delivery.contact in self._contacts
            ]

        found: list[tuple[NoticeRecord, DeliveryRecord, Sequence[AttemptRecord]]] = await self.hub.hub.store.read(work)
        return found

    @property
    def _contacts(self) -> tuple[str, ...]:
        return (f"bromley-{self.channel}", f"{BROMLEY}.front_door".lower() if self.channel == "email" else "")

    async def until(
        self, attempt: str, notice: str | None = None
    ) -> tuple[NoticeRecord, DeliveryRecord, AttemptRecord]:
        """Wait until the newest attempt, and the notice, are in these states."""
        async with asyncio.timeout(20):
            while True:
                for told, delivery, attempts in await self.all():
                    if attempts and attempts[-1].state == attempt and notice in (None, told.state):
                        return told, delivery, attempts[-1]
                await asyncio.sleep(0.05)

    async def receipts(self, delivery: DeliveryRecord) -> Sequence[ReceiptRecord]:
        return await self.hub.hub.store.read(lambda unit: unit.receipts(delivery.id))


def serious(number: int = 1) -> bytes:
    """A report of now, so that no clock of the episode falls due while the test runs."""
    now = datetime.now(UTC)
    minutes = [(now - timedelta(minutes=ago)).isoformat() for ago in (1, 15, 30)]
    return raw(
        reported(
            id=f"E{number}",
            time=minutes[0],
            child={"ref": f"BRM-C-{number}"},
            episode={
                "ref": f"BRM-EP-{number}",
                "since": minutes[1],
                "last_seen": {"at": minutes[2]},
                "risk": {"level": "high"},
            },
        )
    )


def secret_of(folder: Path) -> bytes:
    return acknowledgement_secret(key_ring(hub_settings(folder)))


def line(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text + "\n")
    return file


# HTTPS push


def push_settings(folder: Path, server: PushServer) -> dict[str, Any]:
    return {
        "push": True,
        "push_networks": ("127.0.0.0/8",),
        "push_ports": (server.port,),
        "push_ca_file": folder / "root.pem",
        "push_secrets_file": line(folder, "secrets", f"{server.url} whsec_{'c2VjcmV0' * 4}"),
    }


def opened(request: Request) -> dict[str, Any]:
    """What the receiver reads."""
    sealed = jwe.decrypt_compact(request.body, RECEIVER.private, algorithms=["ECDH-ES+A256KW", "A256GCM"])
    assert sealed.plaintext is not None
    payload: dict[str, Any] = json.loads(jws.extract_compact(sealed.plaintext).payload)
    return payload


def acknowledged(request: Request) -> tuple[int, bytes, str]:
    claims = opened(request)
    return 200, json.dumps({"received": claims["jti"], "receipt": claims["receipt"]}).encode(), "application/json"


async def test_a_push_that_the_receivers_system_acknowledges_is_a_receipt(tmp_path: Path) -> None:
    async with push_server() as server:
        server.answer = acknowledged
        options = {"bundle": directory(("push", server.url, 0)), "lookup": server.lookup}
        async with whole(tmp_path, **options, **push_settings(tmp_path, server)) as hub:
            assert (await hub.post(serious()))[0] == 202
            looked = Looked(hub, "push")
            told, delivery, attempt = await looked.until("delivered", "receipted")
            assert told.priority in ("high", "immediate")
            (kept,) = await looked.receipts(delivery)
            claims = opened(server.requests[0])
            assert (kept.kind, kept.code, kept.attempt) == ("answered", "received", 1)
            assert json.loads(kept.raw) == {"received": delivery.id, "receipt": claims["receipt"]}
            assert claims["receipt"] == receipt_token(secret_of(tmp_path), delivery.id)
            assert claims["iss"] == "http://127.0.0.1:8080"
            assert attempt.certificate == RECEIVER.mark
            # One by the hub's own key, one by the secret that it shares with this receiver.
            assert len(server.requests[0].headers["webhook-signature"].split()) == 2
            assert server.url not in repr(hub.log.lines)


async def test_an_address_that_is_gone_gets_nothing_more_until_it_is_enabled_again(tmp_path: Path) -> None:
    async with push_server() as server:
        server.answer = lambda request: (410, b"", "")
        options = {"bundle": directory(("push", server.url, 0)), "lookup": server.lookup}
        async with whole(tmp_path, **options, **push_settings(tmp_path, server)) as hub:
            await hub.post(serious())
            looked = Looked(hub, "push")
            await looked.until("permanent_failure")
            (closed,) = await hub.hub.store.read(lambda unit: unit.closed_endpoints())
            assert (closed.contact, closed.organisation, closed.address) == ("bromley-push", BROMLEY, server.url)
            assert hub.hub.directory().contact("bromley-push", closed.closed_at) is None
            alarms = [
                one for one in await hub.hub.store.read(lambda unit: unit.alarms()) if one.kind == "endpoint_gone"
            ]
            assert {(one.owner, one.reason) for one in alarms} == {
                (BROMLEY, closed.contact),
                ("operator", closed.contact),
            }
            await hub.post(serious(2))
            await Looked(hub, "email").until("sent")
            await hub.settled()
            assert len(server.requests) == 1
            # As `fingerpost channels enable` does, beside a running hub.
            assert await hub.hub.store.write(lambda unit: unit.open_endpoint("bromley-push", ()))
            server.answer = acknowledged
            assert await hub.hub.directory.refresh(hub.hub.clock.now())
            await hub.post(serious(3))
            await looked.until("delivered", "receipted")
            assert len(server.requests) == 2


async def test_a_closed_address_stays_closed_over_a_restart(tmp_path: Path) -> None:
    async with push_server() as server:
        server.answer = lambda request: (410, b"", "")
        options: dict[str, Any] = {"bundle": directory(("push", server.url, 0)), "lookup": server.lookup}
        options |= push_settings(tmp_path, server)
        async with whole(tmp_path, **options) as hub:
            await hub.post(serious())
            await Looked(hub, "push").until("permanent_failure")
        async with whole(tmp_path, **options) as again:
            await again.post(serious(2))
            await again.settled()
            assert len(server.requests) == 1


# Text messages


def notify_settings(folder: Path, server: Notify) -> dict[str, Any]:
    return {
        **HTTPS,
        "sms_provider": "govuk_notify",
        "sms_replies": True,
        "govuk_notify_api_key_file": line(folder, "api-key", KEY),
        "govuk_notify_template_id": TEMPLATE,
        "govuk_notify_url": server.url,
        "govuk_notify_ca_file": Path(server.ca_file),
        "govuk_notify_callback_token_files": (line(folder, "callbacks", CALLBACK),),
    }


async def called_back(hub: Whole, path: str, body: dict[str, Any], token: str = CALLBACK) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with hub.session.post(
        f"{hub.hub.url}/v1/callbacks/govuk-notify/{path}", json=body, headers=headers
    ) as answer:
        return answer.status


async def test_an_alert_through_govuk_notify_and_all_that_comes_back(tmp_path: Path) -> None:
    async with notify_server() as server:
        bundle = directory(("sms", MOBILE, 1))
        async with whole(tmp_path, bundle=bundle, **notify_settings(tmp_path, server)) as hub:
            assert (await hub.post(serious()))[0] == 202
            looked = Looked(hub, "sms")
            told, delivery, _ = await looked.until("sent", "notified")
            (posted,) = server.posted
            code = reply_code(secret_of(tmp_path), delivery.id)
            assert (posted["reference"], posted["phone_number"]) == (delivery.id, MOBILE)
            text = posted["personalisation"]["text"]
            assert text.startswith(f"Secure notice {told.reference} is waiting, perhaps urgent. https://hub.example/a/")
            assert text.endswith(f"Read it? Reply 1 {code}")
            delivered = {
                "id": server.kept[0]["id"],
                "reference": delivery.id,
                "status": "delivered",
                "completed_at": None,
                "notification_type": "sms",
            }
            assert await called_back(hub, "receipts", delivered, "guessed") == 401
            assert await called_back(hub, "receipts", delivered) == 204
            # An alert that arrived says nothing of the notice: that one still waits for its own receipt.
            after, _, _ = await looked.until("delivered")
            assert after.state == "notified"
            reply = {
                "id": "6c5b7c3f-2a54-4b9e-9f6e-7b1e0f6a0001",
                "source_number": MOBILE.removeprefix("+"),
                "destination_number": "07700900999",
                "message": f"1 {code.lower()}",
                "date_received": "2026-03-01T19:50:00.000000Z",
                "service_id": "26785a09-ab16-4eb0-8407-a37497a57506",
            }
            assert await called_back(hub, "texts", reply) == 204
            assert [one.kind for one in await looked.receipts(delivery)] == ["delivered", "displayed"]
            for wrong in ({"source_number": "447700900124"}, {"message": "1 CDFGHJ"}, {"message": "who is this"}):
                assert await called_back(hub, "texts", {**reply, **wrong}) == 204
            assert await called_back(hub, "receipts", {**delivered, "reference": "dl_of_somebody_else"}) == 204
            assert await called_back(hub, "receipts", {"id": "x"}) == 204
            apart = await hub.hub.store.read(lambda unit: unit.receipts_apart(told.created_at, 10))
            assert sorted(one.why for one in apart) == ["body", "reply", "reply_seen", "reply_seen", "unknown"]
            assert len(await looked.receipts(delivery)) == 2
            said = repr(hub.log.lines)
            assert not any(personal in said for personal in (MOBILE, code, text))


async def test_a_text_that_came_back_takes_the_next_step(tmp_path: Path) -> None:
    async with notify_server() as server:
        bundle = directory(("sms", MOBILE, 1))
        async with whole(tmp_path, bundle=bundle, **notify_settings(tmp_path, server)) as hub:
            await hub.post(serious())
            looked = Looked(hub, "sms")
            _, delivery, _ = await looked.until("sent")
            failed = {
                "id": server.kept[0]["id"],
                "reference": delivery.id,
                "status": "permanent-failure",
                "completed_at": "2026-03-01T19:46:00.000000Z",
                "notification_type": "sms",
            }
            assert await called_back(hub, "receipts", failed) == 204
            _, after, attempt = await looked.until("permanent_failure")
            assert (after.state, attempt.detail) == ("failed", "permanent-failure")
            alarms = await hub.hub.store.read(lambda unit: unit.alarms())
            assert ("contact_failed", BROMLEY) in {(one.kind, one.owner) for one in alarms}


@asynccontextmanager
async def over_smpp(folder: Path, server: smsc_kit.Smsc, **more: Any) -> AsyncIterator[Whole]:
    options: dict[str, Any] = {
        **HTTPS,
        "sms_provider": "smpp",
        "smpp_host": "127.0.0.1",
        "smpp_port": server.port,
        "smpp_tls": "none",
        "smpp_system_id": "hub",
        "smpp_password_file": line(folder, "smpp", "secret"),
        "smpp_source": "+447700900999",
        **more,
    }
    async with whole(folder, bundle=directory(("sms", MOBILE, 1)), **options) as hub:
        yield hub


async def test_an_alert_over_smpp_and_its_receipt(tmp_path: Path) -> None:
    async with smsc_kit.smsc() as server, over_smpp(tmp_path, server) as hub:
        await hub.post(serious())
        looked = Looked(hub, "sms")
        _, delivery, attempt = await looked.until("sent")
        (submitted,) = server.submits
        assert (submitted["key"], submitted["registered_delivery"]) == (delivery.id, 1)
        assert "Reply" not in submitted["text"]
        receipt = f"id:{attempt.provider_reference} sub:001 dlvrd:001 stat:DELIVRD err:000 text:Secure"
        assert await server.deliver(esm_class=4, source_addr="447700900123", short_message=receipt) == 0
        await looked.until("delivered")
        (kept,) = await looked.receipts(delivery)
        assert (kept.kind, kept.code, receipt.encode() in kept.raw) == ("delivered", "DELIVRD", True)
        assert hub.hub.health.alive["sms"]
        assert await hub.hub.health.overdue() == {}


async def test_an_smsc_that_is_not_there_stops_nothing_else_and_health_knows(tmp_path: Path) -> None:
    async with smsc_kit.smsc() as server:
        server.fail("bind", status=0x0D)
        async with over_smpp(tmp_path, server, smpp_port=9, overdue_after=0.5) as hub:
            await hub.post(serious())
            await Looked(hub, "email").until("sent")
            await Looked(hub, "sms").until("temporary_failure")
            async with asyncio.timeout(10):
                while "smpp_unbound_seconds" not in await hub.hub.health.overdue():
                    await asyncio.sleep(0.1)


async def test_an_alarm_reaches_the_operators_phone_and_asks_for_no_receipt(tmp_path: Path) -> None:
    bundle = json.loads(directory())
    number = {"id": "operator-mobile", "organisation": "operator", "desk": "operator", "channel": "sms"}
    bundle["contacts"].append({**number, "address": MOBILE, "order": 1})
    async with smsc_kit.smsc() as server, over_smpp(tmp_path, server) as hub:
        now = hub.hub.clock.now()
        await hub.hub.store.write(lambda unit: unit.put_directory(json.dumps(bundle).encode(), now, []))
        await hub.hub.directory.refresh(now)
        body = raw(reported(child={"name": 7}))
        assert (await hub.post(body))[0] == 422
        async with asyncio.timeout(20):
            while not server.submits:
                await asyncio.sleep(0.1)
        (submitted,) = server.submits
        assert (submitted["destination"], submitted["registered_delivery"]) == ("447700900123", 0)
        assert submitted["text"].startswith("Fingerpost needs a human. New alarms: 1")


def test_a_provider_without_its_package_is_a_problem_of_the_settings() -> None:
    code = (
        "import sys; sys.modules['notifications_python_client'] = None\n"
        "from hub.app.texts import texts; from hub.settings import SettingsError, load\n"
        "try: texts(load(environment={'FINGERPOST_SMS_PROVIDER': 'govuk_notify'}), None, None)\n"
        "except SettingsError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout.startswith("FINGERPOST_SMS_PROVIDER: needs notifications_python_client"), done.stderr
    assert "pip install 'fingerpost[sms]'" in done.stdout


# Receipts by e-mail


BY_MAIL = {"return_path": "r+{token}@receipts.hub.example", "receipts_port": 0, "receipts_protocol": "smtp"}


def address_of(relay: SmtpServer, mailbox: str) -> str:
    """Where the reports of the mail to this mailbox go."""
    return next(mail.mail_from for mail in relay.received if mail.recipients == [mailbox])


def dsn(action: str, status: str) -> bytes:
    fields = f"Final-Recipient: rfc822; jo@council.example\nAction: {action}\nStatus: {status}"
    return report("Reporting-MTA: dns; mail.example", fields)


async def hand_over(hub: Whole, mail: bytes, to: str) -> int:
    """By SMTP, as the mail server in front does it; the code of the answer."""
    client = SMTP(hostname="127.0.0.1", port=hub.hub.receipts_port, start_tls=False)
    try:
        await client.connect()
        await client.sendmail("", [to], mail)
    except SMTPResponseException as refused:
        return refused.code
    except SMTPRecipientsRefused as refused:
        return refused.recipients[0].code
    finally:
        client.close()
    return 250


async def test_a_report_by_e_mail_is_taken_by_the_listener(tmp_path: Path) -> None:
    async with whole(tmp_path, bundle=directory(), **BY_MAIL) as hub:
        await hub.post(serious())
        looked = Looked(hub, "email")
        _, delivery, _ = await looked.until("sent", "notified")
        to = address_of(hub.relay, delivery.address)
        assert to == f"r+{receipt_token(secret_of(tmp_path), delivery.id)}@receipts.hub.example"
        mail = dsn("delivered", "2.0.0")
        assert await hand_over(hub, mail, to) == 250
        await looked.until("delivered", "receipted")
        (kept,) = await looked.receipts(delivery)
        assert (kept.kind, kept.code, kept.raw.replace(b"\r\n", b"\n").strip()) == ("delivered", "2.0.0", mail.strip())
        assert await hand_over(hub, dsn("failed", "5.1.1"), to) == 250
        told, after, _ = await looked.until("permanent_failure")
        assert (after.state, told.state) == ("failed", "undeliverable")
        # Unknown and forged tokens are taken as well, kept apart and counted.
        assert await hand_over(hub, mail, f"r+{'a' * 32}@receipts.hub.example") == 250
        assert await hand_over(hub, b"Subject: hello\r\n\r\nIs this a person?\r\n", to) == 250
        assert await hand_over(hub, mail, "jo@receipts.hub.example") == 550
        apart = await hub.hub.store.read(lambda unit: unit.receipts_apart(told.created_at, 10))
        assert sorted(one.why for one in apart) == ["plain", "unknown"]
        _, text = await hub.get("/metrics")
        assert 'fingerpost_receipts_total{channel="email",kind="apart"} 2.0' in text
        assert to not in repr(hub.log.lines)


async def test_a_mail_that_cannot_be_stored_stays_with_the_mail_server(tmp_path: Path) -> None:
    async with whole(tmp_path, bundle=directory(), **BY_MAIL) as hub:
        await hub.post(serious())
        _, delivery, _ = await Looked(hub, "email").until("sent")
        to = address_of(hub.relay, delivery.address)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(hub.hub.store), "write", away)
            assert await hand_over(hub, dsn("delivered", "2.0.0"), to) == 451
        assert await hand_over(hub, dsn("delivered", "2.0.0"), to) == 250


async def away(*_: object) -> None:
    raise StoreUnavailable("away")


async def test_a_report_through_the_pipe_needs_a_token_of_its_own_scope(tmp_path: Path) -> None:
    scopes = {"fpt_mail": "receipts:write", "fpt_reader": "episodes:read"}
    now = datetime(2026, 3, 1, tzinfo=UTC).isoformat()
    rows = [
        {"name": scope.replace(":", "-"), "scopes": [scope], "sha256": digest(token).hex(), "created_at": now}
        for token, scope in scopes.items()
    ]
    (tmp_path / "api-tokens.json").write_text(json.dumps(rows))
    async with whole(tmp_path, bundle=directory(), return_path=BY_MAIL["return_path"]) as hub:
        assert hub.hub.receipts_port is None
        await hub.post(serious())
        looked = Looked(hub, "email")
        _, delivery, _ = await looked.until("sent")
        to, mail = address_of(hub.relay, delivery.address), dsn("delivered", "2.0.0")
        for token, status in (("fpt_guessed", 401), ("fpt_reader", 403)):
            assert await post(mail, to, url=hub.hub.url, token=token) == f"the hub did not store it (HTTP {status})"
        assert await looked.receipts(delivery) == []
        assert await post(mail, to, url=hub.hub.url, token="fpt_mail") is None
        await looked.until("delivered", "receipted")
        assert await post(b"x", "nobody", url=hub.hub.url, token="fpt_mail") == "the hub did not store it (HTTP 400)"


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"push": True, "push_content_key_file": Path("none")}, "PUSH_CONTENT_KEY_FILE"),
        ({"push": True, "push_ca_file": Path("none")}, "PUSH_CA_FILE"),
        ({"push": True, "push_secrets_file": Path("none")}, "PUSH_SECRETS_FILE"),
        ({"sms_provider": "smpp"}, "SMPP_HOST"),
        ({"return_path": "r{token}{token}@hub.example"}, "RETURN_PATH"),
    ],
)
async def test_what_cannot_be_used_stops_the_start(tmp_path: Path, options: dict[str, Any], setting: str) -> None:
    with pytest.raises(SettingsError, match=setting):
        async with whole(tmp_path, **options):
            pass


async def test_a_port_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    async with server:
        taken = {**BY_MAIL, "receipts_port": server.sockets[0].getsockname()[1]}
        with pytest.raises(CannotListen):
            async with whole(tmp_path, **taken):
                pass
