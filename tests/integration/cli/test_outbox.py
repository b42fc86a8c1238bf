"""``fingerpost outbox`` and ``fingerpost episode``, typed beside a ledger that a hub has written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.app.ledger import open_ledger
from hub.core.records import AcknowledgementRecord, Changes, ReceiptRecord
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from hub.settings import load
from routing.decision import Recipient
from tests.kit.clock import START
from tests.kit.commands import run
from tests.kit.failing import ledger
from tests.kit.hub import hub_environment
from tests.kit.records import SECRETS, Story, result

MINUTE = timedelta(minutes=1)
PERSONAL = tuple(SECRETS.values())
LEDGER = "fingerpost.sqlite3"
LOOKS = {"episode.viewed", "episodes.listed", "outbox.listed", "delivery.viewed"}


@dataclass
class Typed:
    """A ledger, and what to type beside it."""

    folder: Path
    environment: Mapping[str, str]
    episode: str = ""
    failed: str = ""
    due: str = ""
    told: str = ""

    def run(self, *arguments: str, columns: int = 200) -> tuple[int, str, str]:
        return run(self.environment, *arguments, columns=columns)

    def actions(self) -> list[str]:
        """What the audit log says was done by an operator, but for looking."""
        return sorted(one for one in self._said() if one not in LOOKS)

    def looks(self) -> list[str]:
        """What they looked at."""
        return [one for one in self._said() if one in LOOKS]

    def _said(self) -> list[str]:
        return [str(row[3]) for row in ledger(self.folder, LEDGER)["audit"] if row[2] == "operator"]

    def states(self) -> list[str]:
        return sorted(str(row) for rows in ledger(self.folder, LEDGER)["deliveries"] for row in rows
                      if row in ("due", "leased", "sent", "failed", "cancelled"))  # fmt: skip


@pytest.fixture
async def typed(tmp_path: Path) -> Typed:
    """Three desks: one cannot be told, one waits, one has answered; a parent is withheld."""
    made = Typed(folder=tmp_path, environment=hub_environment(tmp_path, smtp_port=2525))
    story = Story(SeededIds("typed"))

    async def write(unit: Unit) -> None:
        await story.meet(unit)
        changes = story.report(3)
        withheld = story.decision(
            changes.event.id if changes.event else None, 3, outcome="withhold",
            recipients=(Recipient(role="parent", organisation=None, person=SECRETS["person"]),), why=SECRETS["place"],
        )  # fmt: skip
        roles = (("police",), ("responsible_authority",), ("school",))
        notices = tuple(
            replace(one, roles=names, organisation=f"E0900000{number}", chase_at=START + 15 * MINUTE)
            for number, (one, names) in enumerate(zip(changes.notices, roles, strict=True))
        )
        changes = replace(changes, decisions=(*changes.decisions, withheld), notices=notices)
        await unit.save(changes)
        made.episode = changes.episode.id
        made.failed, made.due, made.told = sorted(one.id for one in changes.deliveries)
        await tries(unit, changes)

    async def tries(unit: Unit, changes: Changes) -> None:
        claimed = {one.delivery.id: one for one in await unit.claim(START, START + MINUTE, "n", 3)}
        lost = result(claimed[made.failed], START, state="failed", attempt="temporary_failure",
                      notice_state="undeliverable")  # fmt: skip
        lost = replace(lost, attempt=replace(lost.attempt, reason="connection_failed", carried=None))
        await unit.finish([lost, result(claimed[made.told], START)], "n")
        await unit.release([made.due], "n", START)
        receipt = ReceiptRecord(id="rc_1", arrived_at=START + MINUTE, channel="email", kind="displayed", attempt=1,
                                delivery=made.told, code="", raw=SECRETS["body"].encode())  # fmt: skip
        await unit.add_receipt(receipt)
        notice = next(one for one in changes.notices if one.id == claimed[made.told].notice.id)
        answer = AcknowledgementRecord(id="ack_1", notice=notice.id, delivery=made.told, at=START + 2 * MINUTE,
                                       answer="accepted", name=SECRETS["answered"])  # fmt: skip
        await unit.acknowledge(answer, replace(notice, state="acknowledged", chase_at=None), None, [])

    async with open_ledger(load(environment=made.environment)) as store:
        await store.write(write)
    return made


def test_the_outbox_is_listed_and_shown(typed: Typed) -> None:
    status, out, err = typed.run("outbox", "list")
    assert (status, err) == (0, "")
    assert out.index(typed.failed) < out.index(typed.due) and typed.told not in out
    assert "connection failed" in out and "E09000000: police" in out and "co_1" in out
    assert "due 1, leased 0, failed 1, late 1, stuck 2" in out, "a ledger of 2026, looked at today"
    body = json.loads(typed.run("outbox", "list", "--state", "failed", "--json")[1])
    assert [one["delivery"] for one in body["deliveries"]] == [typed.failed]
    status, out, _ = typed.run("outbox", "show", typed.failed)
    assert status == 0
    assert "1  2026-03-01 20:00:00Z  temporary failure: connection failed" in out
    assert "next: nothing by this way; the notice is looked at again at 2026-03-01 20:00:00Z" in out
    assert "redrive: possible" in out and "cancel: possible" in out
    status, out, _ = typed.run("outbox", "show", typed.told)
    assert "came back 2026-03-01 20:01:00Z: displayed" in out
    assert "redrive: not possible: it has been sent" in out
    assert typed.run("outbox", "show", "dl_none")[0] == 1
    assert json.loads(typed.run("outbox", "show", typed.failed, "--json")[1])["redrive"] == {
        "refused": None, "cautions": []
    }  # fmt: skip


def test_no_line_breaks_an_id_where_the_window_is_narrow(typed: Typed) -> None:
    for command in (("outbox", "list"), ("outbox", "show", typed.failed), ("episode", typed.episode)):
        out = typed.run(*command, columns=40)[1]
        assert typed.failed in out


@pytest.mark.parametrize("option", [("--older-than", "soon"), ("--state", "lost"), ("--limit", "0")])
def test_a_question_that_is_not_understood(typed: Typed, option: tuple[str, str]) -> None:
    assert typed.run("outbox", "list", *option)[0] == 2


def test_older_than_counts_from_now(typed: Typed) -> None:
    for length, found in (("1d", [typed.failed]), ("99999d", [])):
        out = typed.run("outbox", "list", "--state", "failed", "--older-than", length, "--json")[1]
        assert [one["delivery"] for one in json.loads(out)["deliveries"]] == found


def test_a_letter_is_put_back_after_a_preview_with_a_reason_and_yes(typed: Typed) -> None:
    before = typed.states()
    status, out, err = typed.run("outbox", "redrive", "--reason", "connection_failed")
    assert (status, typed.states()) == (0, before)
    assert typed.failed in out and "1 would be put back, 0 left as they are." in out and "Nothing has been done" in err
    for wrong in ((), ("--why", "because"), ("--why", "duplicate")):
        assert typed.run("outbox", "redrive", typed.failed, "--yes", *wrong)[0] == 2
    assert typed.run("outbox", "redrive", "--yes", "--why", "mended")[0] == 2, (
        "everything is not said by saying nothing"
    )
    assert typed.states() == before and typed.actions() == []
    put_back = ("outbox", "redrive", typed.failed, "--yes", "--why", "mended")
    assert "1 put back, 0 left as they are." in typed.run(*put_back)[1]
    assert typed.states() == ["due", "due", "sent"]
    status, out, _ = typed.run(*put_back)
    assert (status, "left as it is: it is due already" in out) == (0, True)
    assert typed.actions() == ["delivery.redriven"]
    assert typed.run("outbox", "redrive", typed.told, "--yes", "--why", "asked")[0] == 1
    assert "there is no such delivery" in typed.run("outbox", "redrive", "dl_none")[1]


def test_a_way_is_called_off_and_the_last_one_not_in_silence(typed: Typed) -> None:
    status, out, _ = typed.run("outbox", "cancel", typed.due)
    assert status == 0
    assert "no other way carries this notice: alarm, and the next step" in out
    status, out, _ = typed.run("outbox", "cancel", typed.due, "--yes", "--why", "wrong_contact", "--json")
    assert [(one["refused"], one["last_way"]) for one in json.loads(out)["deliveries"]] == [(None, True)]
    assert typed.states() == ["cancelled", "failed", "sent"]
    [alarm] = ledger(typed.folder, LEDGER)["alarms"]
    assert {"undeliverable", "cancelled: wrong_contact", "E09000001"} < set(alarm)
    assert typed.actions() == ["delivery.cancelled", "notice.undeliverable"]
    assert typed.run("outbox", "cancel", typed.due, "--yes", "--why", "other")[0] == 0, "it is cancelled already"


def test_an_episode_says_first_who_does_not_know_yet(typed: Typed) -> None:
    status, out, err = typed.run("episode", typed.episode)
    assert (status, err) == (0, "")
    assert f"{typed.episode}  missing, open, since 2026-03-01 20:00:00Z, Bromley (E09000006)" in out
    assert "2 of 3 do not know yet; 0 are told and have not answered; of 1 nothing more is asked." in out
    places = [
        out.index(line)
        for line in (
            "police E09000000: cannot be told",
            "responsible authority City of London (E09000001): not told yet",
            "school Barking and Dagenham (E09000002): accepted",
            "Not told:",
            "parent: withheld, missing",
            "Ahead:",
            "away limit, hub: open, due 2026-03-02 02:00:00Z",
        )
    ]
    assert places == sorted(places)
    assert "because of national B-13" in out
    assert "email, content, first way, co_1: failed" in out
    assert "1  2026-03-01 20:00:00Z  temporary failure: connection failed" in out
    assert "undeliverable since 2026-03-01 20:00:00Z, looked at again 2026-03-01 20:00:00Z" in out
    assert "came back 2026-03-01 20:01:00Z: displayed" in out
    assert "2026-03-01 20:02:00Z  accepted, says a named person" in out


def test_personal_data_is_shown_when_asked_for_and_the_audit_log_says_so(typed: Typed) -> None:
    for arguments in ((), ("--json",)):
        out = typed.run("episode", typed.episode, *arguments)[1]
        assert not [value for value in PERSONAL if value in out]
    assert (typed.actions(), typed.looks()) == ([], ["episode.viewed", "episode.viewed"])
    out = typed.run("episode", typed.episode, "--personal")[1]
    assert f"accepted, says {SECRETS['answered']}" in out
    assert "because of national B-13: the police are told of every missing child" in out
    body = json.loads(typed.run("episode", typed.episode, "--personal", "--json")[1])
    names = [answer["name"] for d in body["decisions"] for n in d["notices"] for answer in n["answers"]]
    assert names == [SECRETS["answered"]]
    assert typed.actions() == ["episode.read", "episode.read"]
    assert SECRETS["address"] not in out, "an address is never shown"


def test_an_episode_that_is_not_there_is_a_sentence_and_no_line_of_the_audit_log(typed: Typed) -> None:
    status, _, err = typed.run("episode", "ep_none", "--personal")
    assert (status, "There is no episode ep_none" in err) == (1, True)
    assert (typed.actions(), typed.looks()) == ([], [])


def test_without_an_id_the_newest_are_listed(typed: Typed) -> None:
    assert typed.episode in typed.run("episode")[1]
    assert [one["id"] for one in json.loads(typed.run("episode", "--json")[1])["episodes"]] == [typed.episode]
