"""What was answered with 202 is on the disk, seen from outside the serving process; and who must not hear does not."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.app.domain import domain_of
from hub.app.running import running
from hub.store import SqliteStore
from tests.kit.events import found, reported, updated
from tests.kit.hub import hub_settings
from tests.kit.serving import BRISK, Served, Site, document, opened, serving, site
from tests.kit.smtp import Fault, Received, SmtpServer, smtp_server
from tests.kit.web import Lines

QUIET = {"clock_tick": "3600", "delivery_poll": "3600"}
"""No part of the hub writes anything by itself; a smaller number would let its writes pass for an event's."""
SAM, PAT = "sam@family.example", "pat@family.example"
DESKS = ("@e09000006.council.example", "@e06000013.council.example", "@e23000001.police.example",
         "@e23000012.police.example", "@school.example", "jo.worker@council.example", SAM, PAT)  # fmt: skip
_CALL = re.compile(r"(?P<pid>\d+) +(?:(?P<name>\w+)\((?P<rest>.*)|<\.\.\. (?P<resumed>\w+) resumed>(?P<end>.*))")


@dataclass(frozen=True, slots=True)
class Call:
    """One system call: where in the trace it began and ended."""

    name: str
    what: str
    begun: int
    ended: int


def calls(lines: list[str]) -> Iterator[Call]:
    """The calls of a trace by strace -f, those that another thread interrupted put together again."""
    waiting: dict[str, tuple[str, str, int]] = {}
    for number, line in enumerate(lines):
        match = _CALL.match(line)
        if match is None:
            continue
        if match["resumed"]:
            name, rest, begun = waiting.pop(match["pid"], (match["resumed"], "", number))
            yield Call(name, rest + match["end"], begun, number)
        elif line.endswith("<unfinished ...>"):
            rest = match["rest"].removesuffix("<unfinished ...>").rstrip()
            waiting[match["pid"]] = (match["name"], rest, number)
        else:
            yield Call(match["name"], match["rest"], number, number)


def first(found: list[Call], after: int, name: str, what: str) -> Call:
    """The first call of that name that begins after a line and is about ``what``; a sync must have succeeded."""
    pattern = re.compile(what)
    return min(
        (one for one in found if one.begun > after and re.fullmatch(name, one.name) and pattern.search(one.what)),
        key=lambda one: one.begun,
    )


async def test_each_202_is_written_after_a_sync_of_the_ledger_and_before_it_of_a_new_childs_key(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (Debian package strace)")
    trace = tmp_path / "trace"
    watched = "trace=fsync,fdatasync,pwrite64,recvfrom,read,sendto,sendmsg,write,writev"
    wrapped = (strace, "-f", "-D", "-y", "-qq", "-s", "48", "-e", watched, "-o", str(trace))
    posted = [
        reported(),
        updated(episode={"clothing": "Green coat"}),
        reported(id="E2", episode={"ref": "BRM-EP-0002"}, child={"ref": "BRM-C-0002", "name": "Kim Example"}),
    ]
    async with smtp_server() as relay:
        made = await site(tmp_path / "site", relay.port, certified=(), **QUIET)
        async with serving(made, wrapped_in=wrapped) as hub:
            for event in posted:
                assert (await hub.post(event)).status == 202
            await hub.stop()
    found = list(calls(trace.read_text().splitlines()))
    asked = [one for one in found if re.search(r'<socket:.*"POST /v1/events HTTP', one.what)]
    assert len(asked) == len(posted)
    for question in asked:
        written = first(found, question.ended, "pwrite64", r"fingerpost\.sqlite3-wal>")
        synced = first(found, written.ended, "fsync|fdatasync", r"fingerpost\.sqlite3-wal>\) *= 0")
        answer = first(found, question.ended, "sendto|sendmsg|write|writev", r'"HTTP/1\.1 202')
        assert written.ended < synced.begun and synced.ended < answer.begun
        # Data keys are made some at a time: whatever was written of them is on the disk before anything sealed is.
        keys = [one for one in found if "/keys.sqlite3-wal>" in one.what and one.ended < written.begun]
        made_keys = [one for one in keys if one.name == "pwrite64"]
        kept = [one for one in keys if re.fullmatch("fsync|fdatasync", one.name) and one.what.endswith("= 0")]
        assert made_keys and kept and made_keys[-1].ended < kept[-1].begun


def test_a_sync_that_comes_too_late_would_be_seen() -> None:
    lines = [
        '7 recvfrom(9<socket:[1]>, "POST /v1/events HTTP/1.1", 100) = 24',
        "8 pwrite64(5</x/fingerpost.sqlite3-wal>, 1, 2, 3) = 2",
        "8 fdatasync(5</x/fingerpost.sqlite3-wal> <unfinished ...>",
        '7 sendto(9<socket:[1]>, "HTTP/1.1 202 Accepted", 100) = 21',
        "8 <... fdatasync resumed>) = 0",
    ]
    found = list(calls(lines))
    synced = first(found, 1, "fsync|fdatasync", r"fingerpost\.sqlite3-wal>\) *= 0")
    assert (synced.begun, synced.ended) == (2, 4)
    assert first(found, 0, "sendto", "HTTP/1.1 202").begun < synced.ended


async def test_the_running_writer_syncs_at_every_commit(tmp_path: Path) -> None:
    async with running(hub_settings(tmp_path), domain_of, log=Lines()) as hub:
        assert isinstance(hub.store, SqliteStore)
        store = hub.store

        def asked() -> dict[str, Any]:
            connection = store._open_connection()
            names = ("synchronous", "journal_mode", "foreign_keys")
            return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}

        assert await store._in_writer(asked) == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}


async def down(relay: SmtpServer) -> None:
    """The relay takes nothing until :func:`up`."""
    relay.fail("greeting", *[Fault(reply="421 4.3.2 Not now")] * 10_000)


def up(relay: SmtpServer) -> None:
    relay.faults.clear()


async def later(hub: Served, event: dict[str, Any]) -> None:
    assert (await hub.post(event)).status == 202


def now_ish(minutes: int) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).replace(microsecond=0).isoformat()


def heard(relay: SmtpServer) -> dict[str, list[str]]:
    """Kinds of notice by who got them."""
    letters: dict[str, list[str]] = {}
    for mail in relay.received:
        letters.setdefault(mail.recipients[0], []).append(kind(mail))
    return letters


def kind(mail: Received) -> str:
    """Of the notice; ``ring: KIND`` where the sender is asked to ring about one that nobody answered."""
    if b"application/pkcs7-mime" not in mail.data:
        return "alert"
    entity = opened(mail)
    if any(part.get_filename() == "notice.json" for part in entity.walk()):
        return str(document(entity)["kind"])
    text = next(part.get_content() for part in entity.walk() if part.get_content_type() == "text/plain")
    about = re.search(r"Kind of notice:?\s+(\w+)", text)
    assert about is not None, "neither a notice nor a hand-over"
    return f"ring: {about[1]}"


async def waited_for(made: Site, roles: set[str]) -> None:
    """Notices for these roles were decided and none of them has left."""
    told = await made.told()
    assert roles <= {role for notice, _ in told for role in notice.roles}
    assert {notice.state for notice, _ in told} == {"pending"}


async def test_a_parent_withheld_while_their_notice_waits_never_gets_it(tmp_path: Path) -> None:
    async with smtp_server() as relay:
        await down(relay)
        made = await site(tmp_path / "site", relay.port, certified=DESKS, **BRISK)
        async with serving(made) as hub:
            report = reported(time=now_ish(8), episode={"since": now_ish(10)})
            await later(hub, report)
            await waited_for(made, {"parent", "police"})
            people = report["data"]["people"]
            pat = next(person for person in people if person["name"] == "Pat Example")
            pat["notify"] = {"decision": "withhold", "reason": "a threat", "decided_by": "Jo Worker, social worker"}
            await later(hub, updated(time=now_ish(5), people=people, episode={"clothing": "Green coat"}))
            up(relay)
            await hub.drained()
            await hub.stop()
        states = {notice.person: notice.state for notice, _ in await made.told() if "parent" in notice.roles}
    assert states == {"Pat Example": "withheld"}
    letters = heard(relay)
    assert sorted(letters["missing-persons-unit@e23000012.police.example"]) == ["missing", "update"]
    assert PAT not in letters and SAM not in letters
    assert not [line for line in relay.lines if PAT.encode() in line or SAM.encode() in line]


async def test_found_before_anything_was_delivered_nobody_hears_missing(tmp_path: Path) -> None:
    async with smtp_server() as relay:
        await down(relay)
        made = await site(tmp_path / "site", relay.port, certified=DESKS, **BRISK)
        async with serving(made) as hub:
            await later(hub, reported(time=now_ish(8), episode={"since": now_ish(10)}))
            await waited_for(made, {"parent", "police", "school"})
            await later(hub, found(time=now_ish(3), found={"at": now_ish(3)}))
            up(relay)
            await hub.drained()
            await hub.stop()
        states = {(notice.kind, notice.state) for notice, _ in await made.told()}
    letters = heard(relay)
    assert len(letters) >= 8
    assert {kind for kinds in letters.values() for kind in kinds} <= {"found", "alert", "ring: found"}
    assert ("missing", "superseded") in states
    assert {state for kind, state in states if kind == "missing"} == {"superseded"}
    # Whoever would have heard "missing" hears "found", once.
    assert letters[PAT] == letters["missing-persons-unit@e23000012.police.example"] == ["found"]
