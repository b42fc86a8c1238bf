"""What a person is told by e-mail when somebody starts a recovery of their account."""

import asyncio

from adapters.port import Accepted, Alert, Deferred, Envelope, Result, Unconfirmed
from hub.edge.ids import SeededIds
from hub.service.accounts.telling import telling
from hub.service.alarming import ALARM_IDS
from tests.kit.clock import FakeClock
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


async def test_without_mail_nothing_is_sent() -> None:
    await telling(None, FakeClock(), SeededIds("mail"), Lines())(ROWAN)
