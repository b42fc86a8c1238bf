"""What a person is told by e-mail when their account was touched: a recovery was started, a passkey added."""

import asyncio
from pathlib import Path

from adapters.port import Accepted, Alert, Deferred, Envelope, Result, Unconfirmed
from hub.core.passkeys import RelyingParty
from hub.edge.ids import SeededIds
from hub.service.accounts.passkeys import Passkeys
from hub.service.accounts.telling import PASSKEY, telling
from hub.service.alarming import ALARM_IDS
from tests.kit.accounts import accounts_over
from tests.kit.authenticator import FLAGS, ORIGIN, Authenticator
from tests.kit.clock import FakeClock
from tests.kit.store import sqlite_store
from tests.kit.web import Lines

ROWAN = "rowan@bromley.example"


class Relay:
    """Answers as it is told to."""

    channel = "email"

    def __init__(self, answer: Result | None) -> None:
        self.answer = answer
        self.sent: list[Envelope] = []

    async def deliver(self, envelope: Envelope, now: object) -> Result:
        self.sent.append(envelope)
        if self.answer is None:
            await asyncio.Event().wait()
        assert self.answer is not None
        return self.answer

    async def aclose(self) -> None: ...


async def told(answer: Result | None, **options: float) -> tuple[list[Envelope], list[tuple[str, dict[str, object]]]]:
    relay, log = Relay(answer), Lines()
    await telling(relay, FakeClock(), SeededIds("mail"), log, **options)(ROWAN)
    return relay.sent, log.lines


async def test_it_is_content_free_and_bears_no_link() -> None:
    [envelope], lines = await told(Accepted())
    assert (envelope.address, envelope.delivery.startswith(ALARM_IDS), envelope.certificates) == (ROWAN, True, ())
    assert isinstance(envelope.body, Alert)
    said = envelope.body.subject + envelope.body.text
    assert "recovery" in said and "http" not in said and "@" not in said
    assert lines == []


async def test_what_did_not_go_out_is_in_the_log_without_the_address() -> None:
    _, lines = await told(Deferred(reason="connection_failed"))
    assert lines == [("account.not_told", {"reason": "connection_failed"})]
    assert (await told(Unconfirmed()))[1] == []


async def test_nobody_is_kept_waiting_for_a_relay_that_hangs() -> None:
    _, lines = await told(None, patience=0.01)
    assert lines == [("account.not_told", {"reason": "provider_timeout"})]


async def test_whoever_has_another_passkey_is_told_and_nobody_of_one_that_was_refused(tmp_path: Path) -> None:
    store, clock, told, device = await sqlite_store(tmp_path), FakeClock(), list[str](), Authenticator()

    async def tell(address: str) -> None:
        told.append(address)

    accounts = accounts_over(store, clock)
    rowan = (await accounts.member(ROWAN)).viewer
    passkeys = Passkeys(
        store=store, clock=clock, ids=accounts.ids, limits=accounts.limits, tell=tell, secret=b"s" * 32,
        party=RelyingParty(id="localhost", origin=ORIGIN),
    )  # fmt: skip
    for flags in (0, FLAGS):
        options = await passkeys.creation_options(rowan, "browser")
        assert options is not None and told == []
        await passkeys.add(rowan, "browser", name="Telephone", text=device.make(options, flags=flags))
    assert told == [ROWAN]
    await store.aclose()


def test_the_word_of_a_passkey_bears_no_link() -> None:
    assert "passkey" in PASSKEY and "http" not in PASSKEY and "@" not in PASSKEY


async def test_without_mail_nothing_is_sent() -> None:
    await telling(None, FakeClock(), SeededIds("mail"), Lines())(ROWAN)
