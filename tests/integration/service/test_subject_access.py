"""Everything held about a child, and what of it speaks of others apart, until somebody has decided."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.core.evidence import Stated
from hub.core.retention import Hold
from hub.core.third_parties import Review
from hub.service.evidence.making import Asked
from hub.service.evidence.subject_access import LIST, Held, SubjectAccess
from hub.store.statements import KINDS
from tests.kit.events import CHILD, EPISODE, merged, reported_in_full, returned, updated
from tests.kit.node import REGISTERED, Hub, a_hub
from tests.kit.store import sqlite_store

ASKED = Asked(actor="operator", why="subject-access", reference="SAR-12")
OTHERS = ("Sam Example", "sam@family.example", "+447700900111", "contact would put the child at risk", "Pat Example",
          "pat@family.example", "Chris Carer", "jo.worker@council.example", "Alex Friend", "Two older people",
          "Did not come back from the shop", "Rang the mobile")  # fmt: skip
OWN = ("Robin Example", "2011-08-17", "Tall, brown hair", "Inhaler", "2 Example Road", "Example School")


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    made = await a_hub(await sqlite_store(tmp_path))
    await made.post(reported_in_full())
    await made.clock.advance(3600)
    await made.post(returned())
    await made.clock.advance(86400)
    again = {"ref": "EP-AGAIN", "since": "2026-03-02T20:30:00Z", "circumstances": "Sam Example rang again"}
    await made.post(merged(reported_in_full(id="E9", time="2026-03-02T20:45:00Z"), {"data": {"episode": again}}))
    await made.post(merged(updated(id="E10"), {"data": {"child": {"ref": CHILD}, "nonsense": "Sam Example"}}))
    other = merged(reported_in_full(id="E11"), {"data": {"episode": {"ref": "EP-O"}, "child": {"ref": "C-OTHER"}}})
    await made.post(merged(other, {"data": {"child": {"name": "Somebody Else"}, "people": None}}))
    yield made
    await made.store.aclose()


async def held(hub: Hub) -> Held:
    access = SubjectAccess(store=hub.store, clock=hub.clock, ids=hub.ids)
    found = await access.by_reference(REGISTERED.id, CHILD, ASKED)
    assert found is not None
    return found


def files_of(found: Held) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(found.data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def given(files: dict[str, bytes]) -> str:
    """What is given out if nobody decides anything."""
    return b"".join(content for name, content in files.items() if not name.startswith("to-review/")).decode()


async def test_all_that_is_the_childs_is_in_it_and_what_is_others_waits_for_a_decision(hub: Hub) -> None:
    child = await hub.see(lambda unit: unit.evidence.child(REGISTERED.id, CHILD))
    assert child is not None
    hold = Hold(id="hd_1", child=child, code="court", reason="Two people ask for it", by="operator",
                since=hub.clock.now())  # fmt: skip
    await hub.store.write(lambda unit: unit.retention.add_hold(hold))
    found = await held(hub)
    files = files_of(found)
    said, review = given(files), json.loads(files[LIST])
    assert [one for one in OWN if one not in said] == []
    assert [one for one in OTHERS if one in said] == []
    listed = json.dumps(review, ensure_ascii=False)
    assert [one for one in OTHERS if one not in listed] == [], "nothing is silently left out"
    assert len(review) == found.to_review and all(f"[to be reviewed: {one['number']}]" in said for one in review)
    assert "Somebody Else" not in said + listed and "C-OTHER" not in said + listed
    whys = {one["value"]: one["why"] for one in review if isinstance(one["value"], str)}
    assert "whom notices are withheld from" in whys["sam@family.example"]
    assert whys["pat@family.example"] == "the details of another person"
    assert whys["Sam Example rang again"].startswith("free text")
    everything = json.loads(files["held.json"])
    assert [one["ref"] for one in everything["episodes"]] == [EPISODE, "EP-AGAIN"]
    assert [one["reason"] for one in everything["quarantine"]] == ["invalid"]
    assert [one["code"] for one in everything["holds"]] == ["court"]
    assert "Two people ask for it" in listed and "Two people ask for it" not in said
    kinds = {record["kind"] for one in everything["episodes"] for record in one["records"]}
    assert {"event", "revision", "decision", "notice", "delivery", "duty", "register"} <= kinds
    assert "police (Humberside Police) is to be told" in files["held.html"].decode()


async def test_it_stands_in_the_audit_log_of_each_episode_and_for_an_unknown_child_nothing_does(hub: Hub) -> None:
    access = SubjectAccess(store=hub.store, clock=hub.clock, ids=hub.ids)
    assert await access.by_reference(REGISTERED.id, "nobody", ASKED) is None
    assert await access.of("ch_unknown", ASKED) is None
    found = await held(hub)

    async def lines(unit: Any) -> list[Any]:
        listed = [await unit.trail.lines(one) for one in await unit.evidence.episodes_of(found.child)]
        return [one.line for some in listed for one in some if one.line.action == "subject_access.made"]

    while await hub.store.write(lambda unit: unit.trail.link(500)):
        pass
    made = await hub.see(lines)
    assert [(one.actor, one.subject, dict(one.detail)) for one in made] == [
        ("operator", found.child, {"why": "subject-access", "reference": "SAR-12"})
    ] * 2
    assert found.episodes == 2


async def test_of_a_child_that_is_erased_it_says_so_and_what_stands_in_clear(hub: Hub) -> None:
    before = await held(hub)
    assert hub.store._keys is not None  # type: ignore[attr-defined]  # the real store
    await hub.store._keys.destroy([before.child], hub.clock.now())  # type: ignore[attr-defined]
    files = files_of(found := await held(hub))
    assert (found.erased, found.episodes) == (True, 2)
    (left,) = json.loads(files[LIST])
    assert "nonsense" in left["value"], (
        "quarantine is sealed with the hub's key, and is looked through by the reference"
    )
    whole = given(files)
    assert [one for one in (*OWN, *OTHERS) if one in whole] == []
    assert "Some of it has been erased" in whole and "police (Humberside Police) is to be told" in whole


SCANNED = {("duty", "sealed"), ("register", "sealed"), ("event", "answer"), ("event", "sender_id")}
"""What programs wrote, of which only names that are known to be others' are taken out."""


@pytest.mark.parametrize(
    ("kind", "column"),
    [(one.name, column) for one in KINDS for column in one.sealed if (one.name, column) not in SCANNED],
)
def test_whatever_a_person_wrote_into_any_record_waits_for_a_decision(kind: str, column: str) -> None:
    wrote = b"Noor Host says that the neighbour hides the child"
    review = Review([])
    kept = review.of(Stated(kind=kind, place="1", clear={}, sealed={column: wrote}, salt=b"salt"))
    assert kept.sealed == {column: b"[to be reviewed: 1]"}
    assert len(review.marks) == 1
