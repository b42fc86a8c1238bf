"""Nothing personal anywhere but inside the encryption, and there nothing that is not for its reader.

One real hub, as a process, lives through a whole episode whose every personal value is a marker (tests/kit/marked.py);
then everything that it wrote, said, answered or sent is searched. What may hold a marker is named here with the reason.
"""

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from hub.app.ledger import open_ledger
from hub.core.api_tokens import digest
from hub.core.records import NoticeRecord
from hub.core.webhook import sign
from hub.service.ports import Unit
from hub.settings import load
from routing.decision import Decision
from tests.kit import marked
from tests.kit.commands import run
from tests.kit.events import LEEDS, merged, raw
from tests.kit.marked import STEM, Marker, Marking, finds, traces
from tests.kit.serving import BRISK, Answered, Served, Site, document, opened, serving, site
from tests.kit.smtp import Fault, Received, SmtpServer, smtp_server
from tests.kit.tokens import Token, file_tokens
from tests.kit.web import CLOUD_EVENT, KEY

DESKS = (
    *(f"@{code}.council.example" for code in ("e09000006", "e06000013", "e08000035", "e09000007")),
    *(f"@{code}.police.example" for code in ("e23000001", "e23000012", "e23000010")),
    *("@school.example", "@home-office.gov.example", "@bureau.agency.example", "@ceop.agency.example"),
)
"""Who has a certificate besides the persons. Whoever else is told gets the content-free alert."""


@dataclass
class Lived:
    """What is left of a hub that lived through the episode."""

    mark: Marking
    site: Site
    relay: SmtpServer
    answers: dict[str, Answered] = field(default_factory=dict)
    """By what was asked."""
    process: dict[str, bytes] = field(default_factory=dict)
    """What the system shows of the running process."""
    typed: dict[str, str] = field(default_factory=dict)
    """What the commands printed, beside the running hub."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Every file it had, while it ran and after it had stopped."""


async def live(folder: Path) -> Lived:
    mark = Marking(datetime.now(UTC))
    first, second = marked.report(mark, "report"), marked.report(mark, "second")
    first["data"]["episode"]["risk"]["level"] = "medium"  # only the shorter one is circulated, to all of London
    people = [*first["data"]["people"], *second["data"]["people"]]
    persons = [person["email"] for person in people if person["role"] != "carer"]
    async with smtp_server() as relay:
        # A relay that repeats what it should not: its words must not be kept in clear.
        repeats = f"{persons[1]} {mark.one('report child.name')}"
        relay.fail("rcpt", *[Fault(reply=f"450 4.2.0 {repeats} is busy")] * 2)
        relay.fail("content", Fault(reply=f"451 4.3.0 {repeats}"))
        made = await site(folder, relay.port, certified=[*DESKS, *persons], **BRISK)
        lived = Lived(mark=mark, site=made, relay=relay)
        async with serving(made) as hub:
            await episode(lived, hub, first, second)
            await refusals(lived, hub, first)
            await answering(lived, hub)
            await looking(lived, hub)
            lived.process.update(seen_of(hub.process.pid))
            lived.files.update((f"running: {name}", content) for name, content in files_of(folder))
            await hub.stop()
        lived.files.update((f"stopped: {name}", content) for name, content in files_of(folder))
    return lived


async def episode(lived: Lived, hub: Served, first: dict[str, Any], second: dict[str, Any]) -> None:
    mark, ref = lived.mark, first["data"]["episode"]["ref"]
    events = {
        "report": lambda: first,
        "update": lambda: marked.update(mark, ref, first["data"]["people"]),
        "second": lambda: second,
        "retracted": lambda: marked.retracted(mark, second["data"]["episode"]["ref"]),
        "found": lambda: marked.found(mark, ref),
        "returned": lambda: marked.returned(mark, ref),
        "completed": lambda: marked.completed(mark, ref),
    }
    for name, make in events.items():
        event = make()
        lived.answers[name] = await hub.post(event)
        assert lived.answers[name].status == 202, (name, lived.answers[name].content)
        await hub.drained()
        if name == "report":
            lived.answers["again"] = await hub.post(event)
            assert lived.answers["again"].status == 200
            await collecting(lived, hub)


async def collecting(lived: Lived, hub: Served) -> None:
    """The links in clear lead to pages that anybody may see."""
    alerts = [mail for mail in lived.relay.received if mail.answered and not sealed(mail)]
    texts = [str(message_from_bytes(mail.data, policy=policy.default).get_content()) for mail in alerts]
    links = {link for text in texts for link in re.findall(r"/p/[A-Za-z0-9_-]{43}", text)}
    assert len(links) >= 2, texts
    for link in sorted(links)[:3]:
        lived.answers[f"pick-up {link}"] = await hub.ask("GET", link)
        assert lived.answers[f"pick-up {link}"].status == 200
        lived.answers[f"code {link}"] = await hub.ask("POST", link)
        assert lived.answers[f"code {link}"].status in (303, 409)


async def refusals(lived: Lived, hub: Served, first: dict[str, Any]) -> None:
    mark = lived.mark
    elsewhere = {"responsible_authority": LEEDS, "host_authority": LEEDS}
    foreign = marked.report(mark, "foreign")
    foreign["data"]["placement"] |= elsewhere
    foreign["data"]["episode"]["missing_from_authority"] = LEEDS
    wrong = marked.invalid(mark)
    unknown = {**foreign, "source": f"urn:{mark.word('unknown source')}"}
    late = raw(marked.report(mark, "late"))
    stale = sign(late, webhook_id="msg_late", at=datetime.now(UTC) - timedelta(hours=1), keys=[KEY])
    broken = raw(foreign)[:-40]
    large = merged(foreign, {"data": {"form": {"x": "y" * 1_100_000}}})
    kept = marked.update(mark, mark.text("kept episode.ref"), [])
    other = merged(first, {"data": {"episode": {"clothing": mark.text("other episode.clothing")}}})
    bearer = {"authorization": f"Bearer {mark.word('path d')}"}
    asked = {
        "401 unsigned": lambda: hub.ask("POST", "/v1/events", raw(first), {"content-type": CLOUD_EVENT}),
        "401 wrong": lambda: hub.post(first, webhook_signature="v1,AAAA"),
        "401 unknown": lambda: hub.ask("POST", "/v1/events", raw(unknown), {"content-type": CLOUD_EVENT}),
        "401 stale": lambda: hub.ask("POST", "/v1/events", late, {**stale, "content-type": CLOUD_EVENT}),
        "403 foreign": lambda: hub.post(foreign),
        "409 other": lambda: hub.post(other),
        "413 large": lambda: hub.post(large),
        "415 type": lambda: hub.post(first, content_type="application/json"),
        "422 invalid": lambda: hub.post(wrong),
        "422 broken": lambda: hub.post(broken),
        "422 again": lambda: hub.post({**first, "id": mark.text("again envelope.id")}),
        "202 kept": lambda: hub.post(kept),
        "404 page": lambda: hub.ask("GET", f"/a/{mark.word('path a')}0123456789abcdef"),
        "404 path": lambda: hub.ask("GET", f"/v1/{mark.word('path b')}?q={mark.word('path c')}"),
        "405 method": lambda: hub.ask("DELETE", "/v1/events", raw(first)),
        "401 episodes": lambda: hub.ask("GET", "/v1/episodes", headers=bearer),
    }
    for name, question in asked.items():
        lived.answers[name] = await question()
        assert str(lived.answers[name].status) == name[:3], (name, lived.answers[name].content)


async def answering(lived: Lived, hub: Served) -> None:
    mark = lived.mark
    letters = [document(opened(mail)) for mail in lived.relay.received if mail.answered and sealed(mail)]
    links = [letter["acknowledge_url"] for letter in letters if letter["kind"] == "missing"]
    form = {"content-type": "application/x-www-form-urlencoded"}
    given = {
        "200 accepted": (links[0], f"name={mark.word('answer name')}&answer=accepted"),
        "200 redirected": (
            links[1],
            f"name={mark.word('answer second')}&answer=redirected&redirected_to={mark.word('answer redirected_to')}",
        ),
        "422 mistake": (links[2], f"name=Jo&answer={mark.word('answer code')}"),
    }
    for name, (link, body) in given.items():
        path = link.removeprefix(hub.url)
        lived.answers[f"200 page before {name}"] = await hub.ask("GET", path)
        lived.answers[name] = await hub.ask("POST", path, body.encode(), form)
        assert str(lived.answers[name].status) == name[:3], (name, lived.answers[name].content)
        lived.answers[f"200 page after {name}"] = await hub.ask("GET", path)


async def looking(lived: Lived, hub: Served) -> None:
    for path in ("/metrics", "/health/live", "/health/ready", "/health/overdue", "/v1/openapi.json", "/nothing"):
        lived.answers[path] = await hub.ask("GET", path)
    scopes = frozenset({"episodes:read", "outbox:write"})
    token = Token(name="leaks", scopes=scopes, sha256=digest("fpt_leaks"), created_at=datetime.now(UTC))
    async with open_ledger(load(environment=lived.site.environment)) as store:
        await file_tokens(store, [token])
    bearer = {"authorization": "Bearer fpt_leaks"}
    lived.answers["episodes"] = await hub.ask("GET", "/v1/episodes", headers=bearer)
    reported = [one["id"] for one in lived.answers["episodes"].body["episodes"]]
    deliveries = [delivery.id for _, delivery in await lived.site.told()]
    asked = {f"/v1/episodes/{one}" for one in reported} | {f"/v1/outbox/{one}" for one in deliveries[:20]}
    for path in sorted(asked | {"/v1/outbox", "/v1/outbox?state=sent", "/v1/outbox?state=failed"}):
        lived.answers[path] = await hub.ask("GET", path, headers=bearer)
        assert lived.answers[path].status == 200, (path, lived.answers[path].content)
    order = json.dumps({"deliveries": deliveries}).encode()
    for deed in ("redrive", "cancel"):
        answer = await hub.ask("POST", f"/v1/outbox/{deed}", order, {**bearer, "content-type": "application/json"})
        assert answer.status == 200, answer.content
        lived.answers[deed] = answer
    commands = [("episode",), ("alarms", "list"), ("outbox", "list", "--state", "sent"), ("outbox", "list", "--json")]
    commands += [("episode", one, *more) for one in reported for more in ((), ("--json",), ("--personal",))]
    commands += [
        ("outbox", "show", deliveries[0]),
        ("outbox", "redrive", *deliveries),
        ("outbox", "cancel", *deliveries),
    ]
    for command in commands:
        status, out, err = await asyncio.to_thread(run, lived.site.environment, *command)
        assert status == 0, (command, out, err)
        lived.typed[" ".join(command)[:60] + (" --personal" if "--personal" in command else "")] = out + err


def seen_of(pid: int) -> Iterator[tuple[str, bytes]]:
    """What anybody on the machine may see of a process, and the files it holds open that have no name any more."""
    proc = Path(f"/proc/{pid}")
    yield "arguments", (proc / "cmdline").read_bytes()
    yield "environment", (proc / "environ").read_bytes()
    for entry in (proc / "fd").iterdir():
        target = os.readlink(entry)
        if target.startswith("/") and target.endswith(" (deleted)"):
            yield f"open: {target}", entry.read_bytes()
    for thread in (proc / "task").iterdir():
        yield f"thread {thread.name}", (thread / "comm").read_bytes()


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything below a folder, and its name."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        yield name, name.encode() + (path.read_bytes() if path.is_file() else b"")


def sealed(mail: Received) -> bool:
    return b"application/pkcs7-mime" in mail.data


async def test_nothing_personal_anywhere_but_where_it_has_to_be(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """One life, every search of it."""
    lived = await live(tmp_path / "site")
    for search in (
        it_lived_through_all_of_it,
        nowhere_in_the_files,
        nowhere_in_what_the_system_shows_of_the_process,
        no_answer_repeats_what_was_sent,
        no_command_prints_what_it_was_not_asked_for,
        nothing_outside_the_encryption_of_any_mail,
        nothing_in_the_commands_to_the_relay_but_who_a_mail_is_for,
    ):
        with subtests.test(search.__name__):
            search(lived)
    with subtests.test("each notice shows what was decided, and nothing beyond its reader's need"):
        await each_notice_shows_what_was_decided(lived)


def it_lived_through_all_of_it(lived: Lived) -> None:
    kinds = Counter(document(opened(mail))["kind"] for mail in lived.relay.received if mail.answered and sealed(mail))
    assert set(kinds) >= {"missing", "update", "found", "returned", "retraction"}, kinds
    assert [mail for mail in lived.relay.received if not sealed(mail)], "nobody got a content-free alert"
    assert [mail for mail in lived.relay.received if not mail.answered], "the relay refused nothing"
    assert len(lived.mark.made) > 200


def nowhere_in_the_files(lived: Lived) -> None:
    names = {name.partition(": ")[2] for name in lived.files}
    assert {"data/fingerpost.sqlite3", "data/fingerpost.sqlite3-wal", "data/fingerpost.sqlite3-shm"} <= names
    assert {"data/keys.sqlite3", "data/keys/index.key", "stdout", "stderr", "temporary", "working"} <= names
    assert b'"level":' in lived.files["stopped: stderr"]
    found = {name: seen for name, content in lived.files.items() if (seen := surplus(content, lived.mark))}
    assert found == {}


def surplus(content: bytes, mark: Marking) -> list[str]:
    """What must not stand in a file, or be shown of the ledger. The number of a school may: codes of organisations do
    (hub/core/records)."""
    return [what for what in traces(content, mark) if not what.endswith(" school.urn")]


def nowhere_in_what_the_system_shows_of_the_process(lived: Lived) -> None:
    assert b"serve" in lived.process["arguments"] and b"FINGERPOST_" in lived.process["environment"]
    assert {name: seen for name, content in lived.process.items() if (seen := traces(content, lived.mark))} == {}


SEEN = ("/v1/episodes", "/v1/outbox", "redrive", "cancel")
"""Answers that show the ledger."""
OWN: Mapping[str, tuple[str, ...]] = {
    # events.md, Answers: the answer repeats the sender's own id and reference, and nothing else.
    **{name: (f"{name} envelope.id",) for name in ("second", "report")},
    **{name: (f"{name} envelope.id", "report episode.ref") for name in ("update", "found", "returned", "completed")},
    "report": ("report envelope.id", "report episode.ref"),
    "again": ("report envelope.id", "report episode.ref"),
    "second": ("second envelope.id", "second episode.ref"),
    "retracted": ("retracted envelope.id", "second episode.ref"),
    "202 kept": ("update envelope.id", "kept episode.ref"),
    # events.md, Envelope: an unknown key is refused with a message naming the key.
    "422 invalid": ("invalid key.unknown",),
}


def no_answer_repeats_what_was_sent(lived: Lived) -> None:
    found = {}
    for name, answer in lived.answers.items():
        head = "\n".join(f"{key}: {value}" for key, value in answer.headers.items()).encode()
        search = surplus if name.startswith(SEEN) else traces
        seen = set(search(head + b"\n\n" + answer.content, lived.mark))
        if more := seen - set(OWN.get(name, ())):
            found[name] = sorted(more)
    assert found == {}
    # The same search finds what does stand there.
    assert set(traces(lived.answers["report"].content, lived.mark)) == set(OWN["report"])


def no_command_prints_what_it_was_not_asked_for(lived: Lived) -> None:
    """Only ``--personal`` does: who answered, by name, and what they typed."""
    seen = {name: set(surplus(out.encode(), lived.mark)) for name, out in lived.typed.items()}
    assert {name: found for name, found in seen.items() if found and "--personal" not in name} == {}
    named = set().union(*(found for name, found in seen.items() if "--personal" in name))
    assert named == {"answer name", "answer second", "answer redirected_to"}


def nothing_outside_the_encryption_of_any_mail(lived: Lived) -> None:
    found: dict[str, list[str]] = {}
    for number, mail in enumerate(lived.relay.received):
        (address,) = mail.recipients
        head, _, body = mail.data.partition(b"\r\n\r\n")
        # The address itself has to stand in To, or the mail could not be brought.
        head, times = re.subn(rb"(?mi)^(To:[^\r\n]*?)" + re.escape(address.encode()), rb"\1", head)
        assert times == 1, head
        if seen := traces(head + b"\r\n\r\n" + body, lived.mark):
            found[f"{number} to {address}"] = seen
    assert found == {}


def nothing_in_the_commands_to_the_relay_but_who_a_mail_is_for(lived: Lived) -> None:
    assert len(lived.relay.lines) > 100
    # RFC 5321, 4.1.1.3, and RFC 3461, 4.2: the recipient's address, twice.
    commands = [re.sub(rb"(?i)(RCPT TO:<|ORCPT=rfc822;)[^ >]+", rb"\1", line) for line in lived.relay.lines]
    assert traces(b"\n".join(commands), lived.mark) == []
    assert traces(b"\n".join(lived.relay.lines), lived.mark) != []


COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("police", "police_missing_from", "police_responsible", "police_senior_officer",
                     "responsible_authority", "host_authority", "social_worker"), "A"),
    **dict.fromkeys(("iro", "practice_supervisor", "missing_advocate", "supervising_social_worker",
                     "quality_assurance", "group_manager", "assistant_director"), "B"),
    **dict.fromkeys(("home_office", "home_office_evidence", "home_office_immigration_enforcement"), "H"),
    **dict.fromkeys(("circulation:london", "circulation:national", "mash", "mase_panel", "early_help",
                     "youth_offending_service"), "C"),
    **dict.fromkeys(("missing_persons_bureau", "ceop"), "M"),
    "designated_nurse": "N", "school": "S", "parent": "P", "carer": "K", "operator": "",
}  # fmt: skip
NEED: Mapping[str, str] = {
    "child.name": "ABHCMNSPK", "child.date_of_birth": "ABHCMNSPK",
    **dict.fromkeys(("child.other_names", "child.gender", "child.description", "child.photo",
                     "child.photo.data_base64", "episode.clothing"), "ABHCMSPK"),
    **dict.fromkeys(("episode.noticed_at", "episode.last_seen.at", "episode.last_seen.with",
                     "episode.companions"), "ABHCMPK"),
    "episode.last_seen.place": "ABHCMK",  # not the parents of a looked-after child (readings.md D3)
    "episode.circumstances": "ABCM",
    **dict.fromkeys(("episode.belongings", "episode.vehicle", "episode.intentions", "episode.initial_checks"), "ABM"),
    "episode.police.incident_number": "ABHCMNSPK",
    **dict.fromkeys(("episode.risk.assessed_by", "episode.risk.basis", "episode.risk.at",
                     "episode.police.reported_at"), "ABM"),
    "child.medical": "AMNK", "child.disabilities": "AMNK", "child.medication": "ABCMNK",
    **dict.fromkeys(("placement.address", "placement.provider", "placement.phone"), "AB"),
    "child.mobile": "AM", "people": "AM", "people.parent.name": "ACM", "child.home_office_reference": "AH",
    "child.ethnicity": "ABHCM", "child.preferred_language": "ABHCM",
    **dict.fromkeys(("form.question", "form.answer", "form.score", "form.nested"), "AB"),
    "found.place": "A",  # it may not be shared
    "returned.concerns": "AB", "retraction.reason": "AB", "duty.note": "AB",  # readings.md D10
}  # fmt: skip
"""vocabulary.md, Need to know, by hand: where a marker stood -> the columns that may see it. Else nobody."""


async def each_notice_shows_what_was_decided(lived: Lived) -> None:
    async def work(unit: Unit) -> dict[str, tuple[NoticeRecord, Decision]]:
        return {
            notice.reference: (notice, record.decision)
            for episode in await unit.episode_list()
            for notice in await unit.notices(episode.id)
            for record in await unit.decisions(episode.id)
            if record.id == notice.decision
        }

    decided = await lived.site.read(work)
    seen: dict[str, set[str]] = {}
    for mail in lived.relay.received:
        if not (mail.answered and sealed(mail)):
            continue
        (address,) = mail.recipients
        entity = opened(mail)
        told = document(entity)
        notice, decision = decided[told["reference"]]
        if notice.gap_role is None:
            assert set(told["fields"]) == set(decision.fields), (told["roles"], told["kind"])
        assert told["roles"] == list(notice.roles)
        columns = {COLUMNS[role] for role in told["roles"]}
        allowed = {marker.what for marker in lived.mark.made if may(marker, columns, told, address)}
        there = set(finds(parts_of(entity), lived.mark.made))
        assert there <= allowed, (told["roles"], told["kind"], sorted(there - allowed))
        seen.setdefault("".join(sorted(columns)), set()).update(there)
    # The search did see: the police everything that is anybody's, the school what is its own.
    full = {marker.what for marker in lived.mark.of("report ") if "A" in NEED.get(base_of(marker), "")}
    full.remove("report child.photo.data_base64")  # that is how it came; it is sent as a picture
    assert full <= seen["A"], sorted(full - seen["A"])
    assert {"report child.name", "report child.photo"} <= seen["S"]
    assert set("ABCHMPS") <= set("".join(seen)), seen.keys()


def base_of(marker: Marker) -> str:
    if marker.path.startswith("people.parent.") and marker.path.endswith(".name"):
        return "people.parent.name"
    return "people" if marker.path.startswith("people.") else marker.path


NOT_OURS = ("answer second", "answer redirected_to")
"""Who has to choose whom to ask next is told who said that the child is not theirs, and in what words (D12)."""


def may(marker: Marker, columns: set[str], told: Mapping[str, Any], address: str) -> bool:
    """Whether readers in these columns may see this value; their own name, address and number are their own."""
    theirs = {"name": told["person"], "email": address, "urn": told["organisation_code"]}
    own = theirs.get(marker.path.rpartition(".")[2]) or ""
    if told["kind"] == "conversation" and told["message"]["purpose"] == "not_ours" and marker.what in NOT_OURS:
        return True
    return marker.needles[0].lower() in own.lower() or bool(columns & set(NEED.get(base_of(marker), "")))


def parts_of(entity: EmailMessage) -> bytes:
    """All that a reader can get at, decoded: headers, text, HTML, JSON, photo, and what stands between the parts."""
    parts: list[bytes] = []
    for part in entity.walk():
        parts.append(f"{part.preamble or ''}{part.epilogue or ''}".encode())
        parts.append("\n".join(f"{name}: {value}" for name, value in part.items()).encode())
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            parts.append(content)
            if part.get_content_type() == "text/html":
                parts.append(unescape(content.decode()).encode())
    return b"\n".join(parts)


@pytest.mark.parametrize("where", ["file", "mail", "answer"])
def test_the_search_can_fail(where: str) -> None:
    mark = Marking(datetime(2026, 3, 1, 19, 30, tzinfo=UTC))
    marked.report(mark, "report")
    kinds = ("child.name", "child.date_of_birth", "child.mobile", "child.photo.data_base64", "form.score")
    for path in (*kinds, "episode.noticed_at"):
        (marker,) = mark.of(f"report {path}")[:1]
        for sign_ in (s for needle in marker.needles for s in {*marked.disguises(needle), *marked.in_base64(needle)}):
            if where != "file" and b"\0" in sign_:
                continue  # no text is in UTF-16 here
            half = len(sign_) // 2
            planted = {
                "file": b"\0\1 ledger " + sign_ + b" \xff",
                "mail": b"x" * 40 + sign_[:half] + b"\r\n" + sign_[half:] + b"\r\n",
                "answer": b'{"detail":"' + sign_ + b'"}',
            }[where]
            assert marker.what in finds(planted, [marker]), (marker.what, sign_)
    assert traces(b"nothing to see " * 1000, mark) == []
    assert traces(STEM.encode(), mark) == [STEM]
    assert mark.made[0].what in traces(f"in the middle of {mark.made[0].needles[0]} it is".encode(), mark)
