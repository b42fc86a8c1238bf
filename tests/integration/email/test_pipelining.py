"""Everything in one write, and every way for the answers to come: torn, merged, too many, too few, and not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from adapters.email.chain import Trust
from adapters.email.connection import Timeouts
from adapters.email.smime import Signer
from adapters.email.smtp import EmailTransport
from adapters.port import Accepted, Alert, Deferred, Envelope, Rejected, Result, Unconfirmed
from tests.kit.pki import NOW, curve_key, person, root
from tests.kit.scripted import Script, Scripted, Talk, scripted
from tests.kit.smtp import client_context, smtp_server

HUB = person("notices@hub.example", issuer=root(), key=curve_key("hub"))
ALERT = Envelope(
    delivery="dl-1",
    reference="FP-2345-6789",
    address="jo@council.example",
    body=Alert(subject="", text="Ring us.\n.\nA dot stood alone.\n"),
)
TAKEN = "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go on\r\n"
OK = "250 2.0.0 Ok: queued as QUEUE1\r\n"
HASTY = Timeouts(connect=5, command=0.15, content=0.15, total=5, close=1)


def transport(port: int, **changes: Any) -> EmailTransport:
    given: dict[str, Any] = {
        "host": "localhost",
        "port": port,
        "tls_context": client_context(),
        "tls": "opportunistic",
        "sender": "notices@hub.example",
        "mail_domain": "hub.example",
        "signer": Signer(certificate=HUB.certificate, key=HUB.key),
        "trust": Trust(),
        "pool_size": 1,
        "timeouts": Timeouts(connect=5, command=5, content=5, total=15, close=1),
    }
    return EmailTransport(**(given | changes))


@asynccontextmanager
async def talking(
    *scripts: Script, offers: tuple[str, ...] = ("PIPELINING",), **changes: Any
) -> AsyncIterator[tuple[Scripted, EmailTransport]]:
    async with scripted(*scripts, offers=offers) as server:
        subject = transport(server.port, **changes)
        try:
            yield server, subject
        finally:
            await subject.aclose()


async def takes(talk: Talk) -> None:
    """One message, as a server should."""
    await talk.lines()
    await talk.say(TAKEN)
    assert (await talk.content()).startswith(b"Subject: ")
    await talk.say(OK)


async def again(talk: Talk) -> None:
    """What follows a refusal, and the message after it."""
    assert await talk.line() == b"RSET"
    await talk.say("250 2.0.0 Ok\r\n")
    await takes(talk)


@pytest.mark.parametrize(
    "packets",
    [
        (TAKEN,),
        tuple(TAKEN),
        ("250-2.1.0 Ok\r\n250-two\r\n250 three\r\n25", "0 2.1.5 Ok\r\n3", "54-Go\r\n354 on\r\n"),
        ("250\r\n250 2.1.5 \udcff\n354 bare line ends\n",),
    ],
    ids=["at once", "octet by octet", "of several lines", "odd"],
)
async def test_all_is_asked_before_anything_is_answered(packets: tuple[str, ...]) -> None:
    async def script(talk: Talk) -> None:
        assert await talk.lines() == [b"MAIL FROM:<notices@hub.example>", b"RCPT TO:<jo@council.example>", b"DATA"]
        await talk.say(*packets)
        assert b"\r\n\r\nRing us.\r\n..\r\nA dot stood alone.\r\n" in await talk.content()
        await talk.say(*OK)
        await takes(talk)

    async with talking(script) as (server, subject):
        for _ in range(2):
            result = await subject.deliver(ALERT, NOW)
            assert isinstance(result, Accepted) and result.provider_reference == "QUEUE1"
        assert server.connections == 1


class TestARefusal:
    """It is what counts, whatever is said to the rest; and the connection is good for the next message."""

    @pytest.mark.parametrize(
        ("answers", "reason"),
        [
            ("550 5.7.1 no\r\n503 5.5.1 MAIL first\r\n503 5.5.1 RCPT first\r\n", "misconfigured"),
            ("250 2.1.0 Ok\r\n550 5.1.1 nobody\r\n503 5.5.1 RCPT first\r\n", "rejected"),
            ("250 2.1.0 Ok\r\n550 5.1.1 nobody\r\n554 5.5.1 No valid recipients\r\n", "rejected"),
            ("250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n552 5.3.4 too large\r\n", "too_large"),
        ],
    )
    async def test_the_rest_is_refused_too(self, answers: str, reason: str) -> None:
        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say(*answers.splitlines(keepends=True))
            await again(talk)

        async with talking(script) as (server, subject):
            result = await subject.deliver(ALERT, NOW)
            assert isinstance(result, Rejected) and result.reason == reason
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
            assert server.connections == 1

    @pytest.mark.parametrize("to_nothing", ["554 5.5.1 No valid recipients\r\n", "250 2.0.0 Ok: queued as NOTHING\r\n"])
    @pytest.mark.parametrize("first", ["451 4.3.0 later\r\n", "250 2.1.0 Ok\r\n"])
    async def test_the_content_is_wanted_all_the_same_and_is_empty(self, first: str, to_nothing: str) -> None:
        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say(first + "450 4.2.0 later\r\n354 Go on\r\n")
            assert await talk.content() == b""
            await talk.say(to_nothing)
            await again(talk)

        async with talking(script) as (server, subject):
            assert isinstance(await subject.deliver(ALERT, NOW), Deferred), "nothing was sent"
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
            assert server.connections == 1

    async def test_a_recipient_who_was_taken_is_not_sent_an_empty_message(self) -> None:
        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say("451 4.3.0 later\r\n250 2.1.5 Ok\r\n354 Go on\r\n")
            assert await talk.end() == b""

        async with talking(script, takes) as (_, subject):
            assert isinstance(await subject.deliver(ALERT, NOW), Deferred)
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)

    async def test_it_stands_though_the_connection_breaks_then(self) -> None:
        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say("250 2.1.0 Ok\r\n550 5.1.1 nobody\r\n")
            talk.cut()

        async with talking(script, takes) as (_, subject):
            result = await subject.deliver(ALERT, NOW)
            assert isinstance(result, Rejected) and result.reason == "rejected"
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)


class TestShuttingDown:
    @pytest.mark.parametrize("before", ["", "250 2.1.0 Ok\r\n", "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"])
    async def test_in_the_middle(self, before: str) -> None:
        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say(before + "421 4.3.2 going down\r\n")

        async with talking(script, takes) as (_, subject):
            result = await subject.deliver(ALERT, NOW)
            assert isinstance(result, Deferred) and result.reason == "provider_unavailable"
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)

    @pytest.mark.parametrize("more", ["421 4.3.2 going down\r\n", "25"])
    async def test_between_the_go_ahead_and_the_content(self, more: str) -> None:
        """Nothing is handed over, so that nothing can have been sent; nor is the rest of it an answer to content."""

        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say(TAKEN + more)
            assert await talk.end() == b""

        async with talking(script, takes) as (_, subject):
            assert await subject.deliver(ALERT, NOW) == Deferred(
                reason="connection_failed", detail="SMTPServerDisconnected"
            )
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)

    async def test_right_behind_the_answer_that_counts(self) -> None:
        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say(TAKEN)
            await talk.content()
            await talk.say(OK + "421 4.3.2 going down\r\n")
            await talk.end()

        async with talking(script, takes) as (server, subject):
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
            assert server.connections == 2

    async def test_while_nothing_is_asked_costs_nothing(self) -> None:
        async def script(talk: Talk) -> None:
            await takes(talk)
            await talk.say("421 4.4.2 idle too long\r\n")
            await talk.end()

        async with talking(script, takes) as (server, subject):
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
            assert server.connections == 2


@pytest.mark.parametrize(
    ("said", "kind"),
    [("", Deferred), ("250 a\r\n", Deferred), ("250 a\r\n250 b\r\n354", Deferred), (TAKEN, Unconfirmed)],
)
async def test_a_lost_connection_is_unconfirmed_only_after_the_content(said: str, kind: type[Result]) -> None:
    async def script(talk: Talk) -> None:
        await talk.lines()
        await talk.say(said)
        if kind is Unconfirmed:
            await talk.content()
        talk.cut()

    async with talking(script, takes) as (_, subject):
        result = await subject.deliver(ALERT, NOW)
        assert isinstance(result, kind)
        assert result.reason == ("provider_timeout" if kind is Unconfirmed else "connection_failed")  # type: ignore[union-attr]
        assert isinstance(await subject.deliver(ALERT, NOW), Accepted)


async def by_steps(talk: Talk) -> None:
    """One message from a client that waits for each answer."""
    for said, answer in ((b"MAIL", "250 a\r\n"), (b"RCPT", "250 b\r\n"), (b"DATA", "354 c\r\n")):
        assert (await talk.line()).startswith(said)
        assert not talk.reader._buffer, "nothing is asked ahead"  # type: ignore[attr-defined]  # there is no other way to look
        await talk.say(answer)
    await talk.content()
    await talk.say(OK)


class TestAServerThatCannotDoWhatItOffers:
    async def test_too_many_answers_are_answers_to_nothing(self) -> None:
        """And after that it is asked one thing at a time, on a connection that is in step."""

        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say("250 early\r\n" + TAKEN)
            assert await talk.end() == b"", "no content follows an answer that may be to something else"

        async with talking(script, by_steps) as (server, subject):
            assert await subject.deliver(ALERT, NOW) == Deferred(reason="connection_failed", detail="OutOfStep")
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
            assert server.connections == 2

    @pytest.mark.parametrize("said", ["250 a\r\n354 c\r\n", "250 early\r\n250 a\r\n250 b\r\n"])
    async def test_an_answer_to_something_else_is_none(self, said: str) -> None:
        """One is missing, or the one too many is not there yet."""

        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say(said)
            assert await talk.end() == b""

        async with talking(script, by_steps) as (_, subject):
            assert await subject.deliver(ALERT, NOW) == Deferred(reason="connection_failed", detail="OutOfStep")
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)

    async def test_two_answers_to_the_content_confirm_nothing(self) -> None:
        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say(TAKEN)
            await talk.content()
            await talk.say(OK + "554 5.6.0 no\r\n")
            await talk.end()

        async with talking(script, by_steps) as (_, subject):
            assert isinstance(await subject.deliver(ALERT, NOW), Unconfirmed)
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)

    @pytest.mark.parametrize("said", ["250 a\r\n", "250 a\r\n250 b\r\n", "250 a\r\n550 5.1.1 nobody\r\n"])
    async def test_what_it_threw_away_is_asked_step_by_step_next_time(self, said: str) -> None:
        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say(said)
            assert await talk.end() == b""

        async with talking(script, by_steps, timeouts=HASTY) as (_, subject):
            result = await subject.deliver(ALERT, NOW)
            assert isinstance(result, Rejected if "550" in said else Deferred), result
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)

    @pytest.mark.parametrize(
        "said",
        ["hello\r\n", "250-a\r\n550 b\r\n", "25\r\n", "250-" + "x" * 70_000, "250 a\r\n" + "250-b\r\n" * 20_000],
    )
    async def test_what_is_no_answer_ends_it(self, said: str) -> None:
        async def script(talk: Talk) -> None:
            await talk.lines()
            await talk.say(said)
            await talk.end()

        async with talking(script, takes) as (_, subject):
            result = await subject.deliver(ALERT, NOW)
            assert result == Rejected(reason="unknown", detail="SMTPResponseException", technical=True)
            assert isinstance(await subject.deliver(ALERT, NOW), Accepted)


LARGE = replace(ALERT, body=Alert(subject="", text="0123456789" * 1_000_000))


@pytest.mark.parametrize(
    ("answer", "kind", "then"), [("552 5.3.4 too large\r\n", Rejected, takes), (OK, Unconfirmed, by_steps)]
)
async def test_who_answers_before_the_end_of_the_content_is_not_sent_the_rest(
    answer: str, kind: type[Result], then: Script
) -> None:
    """Nor can it have taken what it has not got."""

    async def script(talk: Talk) -> None:
        await talk.lines()
        await talk.say(TAKEN)
        await talk.reader.readexactly(100_000)
        await talk.say(answer)
        assert not (await talk.end()).endswith(b"\r\n.\r\n")

    async with talking(script, then) as (server, subject):
        assert isinstance(await subject.deliver(LARGE, NOW), kind)
        assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
        assert server.connections == 2


@pytest.mark.parametrize("over_tls", [True, False])
async def test_only_what_is_offered_over_tls_counts(over_tls: bool) -> None:
    async with smtp_server(pipelining=over_tls) as server:
        server.pipelining_in_clear = not over_tls
        subject = transport(server.port, tls="required")
        assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
        assert server.asked_ahead == (1 if over_tls else 0)
        await subject.aclose()


async def test_without_the_offer_it_goes_step_by_step() -> None:
    async with talking(by_steps, offers=("SIZE 1000000",)) as (_, subject):
        assert isinstance(await subject.deliver(ALERT, NOW), Accepted)


@pytest.mark.parametrize("more", ["250 early\r\n", "25", "421 4.3.2 going down\r\n"])
@pytest.mark.parametrize("behind", ["MAIL", "DATA"])
async def test_nor_is_there_a_step_to_which_an_answer_to_nothing_is_one(behind: str, more: str) -> None:
    """Whoever answers twice is asked step by step, and what it says too much must not confirm the content there."""

    async def script(talk: Talk) -> None:
        for command, answer in (("MAIL", "250 a\r\n"), ("RCPT", "250 b\r\n"), ("DATA", "354 c\r\n")):
            if not (await talk.reader.readline()).startswith(command.encode()):
                return
            await talk.say(answer + (more if command == behind else ""))
        assert await talk.end() == b"", "no content is handed over"

    async with talking(script, by_steps, offers=()) as (_, subject):
        result = await subject.deliver(ALERT, NOW)
        assert not isinstance(result, Accepted | Unconfirmed), result
        assert isinstance(await subject.deliver(ALERT, NOW), Accepted)


async def test_goodbye_is_said() -> None:
    parted = asyncio.Event()

    async def script(talk: Talk) -> None:
        await takes(talk)
        assert await talk.line() == b"QUIT"
        await talk.say("221 2.0.0 Bye\r\n")
        parted.set()

    async with talking(script) as (_, subject):
        assert isinstance(await subject.deliver(ALERT, NOW), Accepted)
        await subject.aclose()
        await asyncio.wait_for(parted.wait(), 5)
