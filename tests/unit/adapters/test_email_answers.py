"""A server's answers are the same however the network cuts them, and no more are taken than were asked for."""

import asyncio
import itertools

import aiosmtplib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.email.answers import Answers, OutOfStep
from adapters.email.connection import _stuffed
from adapters.email.dialogue import Dialogue

REPLIES = st.lists(
    st.tuples(st.integers(200, 599), st.lists(st.text("ab .5-", max_size=6), min_size=1, max_size=3)), max_size=6
)


def wire(code: int, lines: list[str]) -> bytes:
    return b"".join(
        f"{code}{' ' if number == len(lines) else '-'}{line}\r\n".encode() for number, line in enumerate(lines, 1)
    )


@settings(max_examples=60)
@given(REPLIES, st.lists(st.integers(0, 120), max_size=8))
def test_the_cuts_of_the_network_do_not_matter(replies: list[tuple[int, list[str]]], cuts: list[int]) -> None:
    async def taken() -> list[tuple[int, str]]:
        answers = Answers()
        answers.due = len(replies)
        said = b"".join(wire(*one) for one in replies)
        places = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
        for start, end in itertools.pairwise(places):
            answers.data_received(said[start:end])
        found = [tuple(await answers.take(1)) for _ in replies]
        assert answers.in_step
        return found  # type: ignore[return-value]  # pairs

    meant = [(code, "\n".join(line.strip() for line in lines)) for code, lines in replies]
    assert asyncio.run(taken()) == meant


async def test_what_was_answered_counts_before_what_was_lost() -> None:
    answers = Answers()
    answers.due = 2
    answers.data_received(b"250 a\r\n55")
    answers.eof_received()
    answers.connection_lost(ConnectionResetError())
    assert (await answers.take(1)).code == 250
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await answers.take(1)
    assert not answers.in_step


async def test_an_answer_to_nothing_spoils_those_before_it() -> None:
    answers = Answers()
    answers.due = 1
    answers.data_received(b"250 a\r\n250 b\r\n")
    with pytest.raises(OutOfStep):
        await answers.take(1)


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return False

    def write(self, data: object) -> None:
        self.written.append(bytes(data))  # type: ignore[call-overload]  # bytes


@pytest.mark.parametrize("control", [b"\r\nRSET", b"\n", b"\0", b"\x7f"])
def test_no_command_holds_another(control: bytes) -> None:
    dialogue = Dialogue(wire := Wire(), at_once=True)
    with pytest.raises(ValueError, match="control character"):
        dialogue.ask([b"MAIL FROM:<a@b.example" + control + b">", b"DATA"])
    assert wire.written == []
    dialogue.ask([b"MAIL FROM:<a@b.example>", b"DATA"])
    assert wire.written == [b"MAIL FROM:<a@b.example>\r\nDATA\r\n"]


@pytest.mark.parametrize("size", [128 * 1024 - 1, 128 * 1024, 128 * 1024 + 1, 256 * 1024, 300_000])
async def test_content_is_whole_however_it_is_cut_and_ends_once(size: int) -> None:
    dialogue = Dialogue(wire := Wire(), at_once=True)
    data = b"x" * (size - 2) + b"\r\n"
    sending = asyncio.create_task(dialogue.hand_over(data, 5))
    while len(b"".join(wire.written)) < size + 3:
        await asyncio.sleep(0)
    wire.protocol.data_received(b"250 taken\r\n")  # type: ignore[attr-defined]  # Answers
    assert (await sending).code == 250
    assert b"".join(wire.written) == data + b".\r\n"
    assert dialogue.in_step and dialogue.content_out


@settings(max_examples=60)
@given(st.text("a.\r\n", max_size=30), st.text("a.\r\n", max_size=60))
def test_no_line_is_taken_for_the_end(head: str, body: str) -> None:
    data = ("F: " + head + "\r\n\r\n" + body).encode()
    assert _stuffed(data) == data.replace(b"\r\n.", b"\r\n..")


async def test_each_answer_is_waited_for_as_long_as_was_said() -> None:
    loop = asyncio.get_running_loop()
    answers = Answers()
    for seconds in (30.0, 0.02, 0.06):
        answers.due = 1
        loop.call_later(0.01, answers.data_received, b"250 a\r\n")
        assert (await answers.take(seconds)).code == 250
    for seconds in (0.05, 0.01):
        answers.due = 1
        began = loop.time()
        with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
            await answers.take(seconds)
        assert seconds <= loop.time() - began < seconds + 1.0
    answers.data_received(b"250 late\r\n")
    assert (await answers.take(1)).message == "late"


async def test_a_lost_connection_leaves_no_timer_behind() -> None:
    answers = Answers()
    answers.due = 1
    waiting = asyncio.create_task(answers.take(30))
    await asyncio.sleep(0)
    answers.connection_lost(None)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await waiting
    assert not [one for one in asyncio.get_running_loop()._scheduled if not one.cancelled()]  # type: ignore[attr-defined]  # asyncio's own
