"""The conformance kit: what every transport towards recipients must do, whatever it speaks.

An adapter's test module subclasses :class:`TransportConformance` and gives a ``bench`` fixture: the transport, talking
to a real peer, and the means to make that peer misbehave.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from adapters.port import (
    Accepted,
    Alert,
    Attachment,
    Content,
    Deferred,
    Envelope,
    Reason,
    Rejected,
    Result,
    Transport,
    Unconfirmed,
)

NOW = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
MARKERS = ("Robin", "Exampleson", "2014-02-29", "Marker Street", "QXZ-CHILD-77", "Sam Example")
"""Personal values that stand in the content of every envelope here, and must be seen nowhere outside it."""
FREE_TEXT = "PROVIDER-FREE-TEXT"
"""What the peer says beside its codes; it must not get into a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCase:
    """One way for the peer to answer, and what the transport must make of it."""

    name: str
    arrange: Callable[[], None]
    result: type[Accepted] | type[Deferred] | type[Rejected] | type[Unconfirmed]
    reason: Reason | None = None
    technical: bool | None = None


@dataclass(slots=True, kw_only=True)
class Bench:
    """One transport and its peer."""

    transport: Transport
    envelope: Callable[[str], Envelope]
    """For a usable recipient, for this delivery id: content, or an alert of a channel that carries nothing else."""
    cases: Sequence[StatusCase]
    hang: Callable[[], asyncio.Event]
    """The next delivery hangs in the middle; the event is set once it does."""
    keys: Callable[[], list[str]]
    """The idempotency keys of what the peer received, oldest first."""
    seen: Callable[[], bytes]
    """Every byte the peer was shown, commands and bodies."""
    contacts: Callable[[], int]
    """How often the peer was contacted (connections or requests)."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Credentials of the transport."""
    peer_loggers: tuple[str, ...] = ()
    """Loggers of the peer, which run in the same process only here."""


def content(*, text: str = "", attachments: tuple[Attachment, ...] | None = None) -> Content:
    """Content with every marker in it, in every place there is."""
    everything = ", ".join(MARKERS)
    return Content(
        subject=f"Missing: {everything}",
        text=text or f"What has happened\n\n{everything}\n.\n.. a line with dots\nFrom the hub\n",
        html=f"<p>{everything}</p>",
        attachments=(Attachment(name="notice.json", media_type="application/json", data=everything.encode()),)
        if attachments is None
        else attachments,
    )


def alert() -> Alert:
    return Alert(subject="A secure notice is waiting", text="Reference FP-2345-6789.\nRing the hub to collect it.\n")


class TransportConformance:
    """Inherited by each adapter's conformance test."""

    async def test_the_status_table(self, bench: Bench) -> None:
        assert bench.cases
        for number, case in enumerate(bench.cases):
            case.arrange()
            result = await bench.transport.deliver(bench.envelope(f"dl-status-{number}"), NOW)
            assert isinstance(result, case.result), (case.name, result)
            assert case.reason is None or getattr(result, "reason", None) == case.reason, (case.name, result)
            assert case.technical is None or getattr(result, "technical", None) == case.technical, (case.name, result)
            self._is_content_free(result, bench)

    async def test_accepted_names_what_was_handed_over(self, bench: Bench) -> None:
        result = await bench.transport.deliver(bench.envelope("dl-accepted"), NOW)
        assert isinstance(result, Accepted)
        assert result.digest is not None and len(bytes.fromhex(result.digest)) == 32

    async def test_cancelling_mid_send_leaves_a_transport_that_works(self, bench: Bench) -> None:
        for number in range(6):
            reached = bench.hang()
            sending = asyncio.create_task(bench.transport.deliver(bench.envelope(f"dl-cancelled-{number}"), NOW))
            async with asyncio.timeout(10):
                await reached.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        results = await asyncio.gather(
            *(bench.transport.deliver(bench.envelope(f"dl-after-{number}"), NOW) for number in range(8))
        )
        assert all(isinstance(result, Accepted) for result in results), results
        assert {f"dl-after-{number}" for number in range(8)} <= set(bench.keys())

    async def test_every_try_of_a_delivery_bears_the_same_key(self, bench: Bench) -> None:
        reached = bench.hang()
        sending = asyncio.create_task(bench.transport.deliver(bench.envelope("dl-again"), NOW))
        await reached.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert isinstance(await bench.transport.deliver(bench.envelope("dl-again"), NOW), Accepted)
        assert isinstance(await bench.transport.deliver(bench.envelope("dl-again"), NOW), Accepted)
        assert len(bench.keys()) >= 2
        assert set(bench.keys()) == {"dl-again"}

    async def test_nothing_secret_is_printed_or_logged(
        self, bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        envelope = bench.envelope("dl-printed")
        results: list[Result] = [await bench.transport.deliver(envelope, NOW)]
        for case in bench.cases:
            case.arrange()
            results.append(await bench.transport.deliver(envelope, NOW))
        ours = [record for record in caplog.records if not record.name.startswith(bench.peer_loggers or ("\0",))]
        printed = [repr(bench.transport), repr(envelope), repr(envelope.body), *map(repr, results)]
        printed += [record.getMessage() + str(record.exc_text) for record in ours]
        printed += list(capfd.readouterr())
        for secret in (*MARKERS, *bench.secrets, envelope.address, FREE_TEXT):
            assert not any(secret in text for text in printed), secret

    async def test_content_is_never_seen_by_the_peer(self, bench: Bench) -> None:
        assert isinstance(await bench.transport.deliver(bench.envelope("dl-unseen"), NOW), Accepted)
        seen = bench.seen()
        assert b"dl-unseen" in seen
        for marker in MARKERS:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                assert marker.encode(encoding) not in seen, marker

    async def test_hostile_envelopes_are_refused_without_an_exception(self, bench: Bench) -> None:
        good = bench.envelope("dl-hostile")
        before = bench.contacts()
        for change in (
            {"address": "jo@worker.example\r\nRCPT TO:<eve@evil.example>"},
            {"address": "not an address"},
            {"address": ""},
            {"delivery": "dl\r\nBcc: eve@evil.example"},
            {"delivery": ""},
            {"reference": "Robin is missing"},
            {"headers": {"X-Fingerpost-Status": "exercise\r\nBcc: eve@evil.example"}},
        ):
            hostile = Envelope(
                **{  # type: ignore[arg-type]  # each change is of the field's own type
                    "delivery": good.delivery,
                    "reference": good.reference,
                    "address": good.address,
                    "body": good.body,
                    "certificates": good.certificates,
                    "pinned": good.pinned,
                    **change,
                }
            )
            result = await bench.transport.deliver(hostile, NOW)
            assert isinstance(result, Rejected), change
            self._is_content_free(result, bench)
        assert bench.contacts() == before
        assert b"evil.example" not in bench.seen()

    async def test_after_closing_nothing_is_sent_and_nothing_raised(self, bench: Bench) -> None:
        assert isinstance(await bench.transport.deliver(bench.envelope("dl-open"), NOW), Accepted)
        async with asyncio.timeout(5):
            await bench.transport.aclose()
            await bench.transport.aclose()
        result = await bench.transport.deliver(bench.envelope("dl-closed"), NOW)
        assert isinstance(result, Deferred)
        assert "dl-closed" not in bench.keys()

    def _is_content_free(self, result: Result, bench: Bench) -> None:
        for secret in (*MARKERS, *bench.secrets, FREE_TEXT, bench.envelope("dl-any").address):
            assert secret not in repr(result), result


class SealingConformance(TransportConformance):
    """For a transport that seals to certificates."""

    async def test_without_a_usable_certificate_nothing_is_opened_or_sent(self, bench: Bench) -> None:
        before = bench.contacts()
        good = bench.envelope("dl-unsealed")
        for certificates, reason in (((), "no_certificate"), ((b"not a certificate",), "certificate_unreadable")):
            bare = Envelope(
                delivery=good.delivery,
                reference=good.reference,
                address=good.address,
                body=good.body,
                certificates=certificates,
            )
            result = await bench.transport.deliver(bare, NOW)
            assert result == Rejected(reason=reason)
        assert bench.contacts() == before

    async def test_an_alert_needs_no_certificate(self, bench: Bench) -> None:
        good = bench.envelope("dl-alert")
        bare = Envelope(delivery="dl-alert", reference=good.reference, address=good.address, body=alert())
        result = await bench.transport.deliver(bare, NOW)
        assert isinstance(result, Accepted)
        assert result.certificate is None


class AlertConformance(TransportConformance):
    """For a transport that carries content-free alerts and nothing else."""

    async def test_content_is_refused_as_a_fault_of_ours_and_never_sent(self, bench: Bench) -> None:
        before = bench.contacts()
        good = bench.envelope("dl-content")
        result = await bench.transport.deliver(replace(good, body=content()), NOW)
        assert isinstance(result, Rejected)
        assert (result.reason, result.technical) == ("misconfigured", True)
        assert bench.contacts() == before
        self._is_content_free(result, bench)
