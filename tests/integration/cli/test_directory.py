"""``fingerpost directory``: previews, imports, what waits for a second person, and what was."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contacts.export import ordered
from contacts.model import Bundle
from contacts.scope import part_of
from contacts.tables import dumps
from hub.app.ledger import open_ledger
from hub.service.directory.outcome import Outcome
from tests.kit.changing import FRONT_DOOR, JO, front_door, office
from tests.kit.commands import run
from tests.kit.directory import BROMLEY, small_bundle
from tests.kit.failing import ledger
from tests.kit.hub import hub_environment, hub_settings

SMALL = ordered(small_bundle())
NEW = "new-front-door@council.example"


@pytest.fixture
def env(tmp_path: Path) -> Mapping[str, str]:
    return hub_environment(tmp_path, smtp_port=2525)


def written(folder: Path, bundle: Bundle = SMALL, name: str = "directory.json") -> str:
    file = folder / name
    file.write_bytes(dumps(bundle))
    return str(file)


def moved(bundle: Bundle = SMALL, **changes: Any) -> Bundle:
    return ordered(
        replace(bundle, contacts=tuple(replace(c, **changes) if c.id == FRONT_DOOR else c for c in bundle.contacts))
    )


def imported(env: Mapping[str, str], folder: Path, bundle: Bundle = SMALL) -> str:
    status, out, err = run(env, "directory", "import", written(folder, bundle))
    assert status == 0, err
    return out


def proposed(folder: Path, *changes: Any) -> Outcome:
    """As an administrator of Bromley, in the browser or over the API."""

    async def work() -> Outcome:
        async with open_ledger(hub_settings(folder)) as store:
            return await office(store).changing.propose(JO, changes, confirm=True)

    return asyncio.run(work())


def waiting(folder: Path, **changes: Any) -> str:
    outcome = proposed(folder, front_door(**{"address": NEW, **changes}))
    assert outcome.result == "waiting"
    assert outcome.draft is not None
    return outcome.draft.id


def exported(env: Mapping[str, str]) -> str:
    return run(env, "directory", "export")[1]


def test_an_export_imports_back_byte_for_byte(env: Mapping[str, str], tmp_path: Path) -> None:
    assert "in force as version 1" in imported(env, tmp_path)
    (tmp_path / "again.json").write_text(exported(env), "utf-8")
    assert (tmp_path / "again.json").read_bytes() == dumps(SMALL)
    status, out, _ = run(env, "directory", "import", str(tmp_path / "again.json"))
    assert (status, "is so already" in out) == (0, True)
    assert run(env, "directory", "export", str(tmp_path / "csv"), "--csv")[0] == 0
    status, out, _ = run(env, "directory", "import", str(tmp_path / "csv"))
    assert (status, "is so already" in out) == (0, True)


def test_a_dry_run_shows_every_difference_and_changes_nothing(env: Mapping[str, str], tmp_path: Path) -> None:
    imported(env, tmp_path)
    hours = tuple(replace(h, times="mon-fri 09:00-17:00") if h.name == "office" else h for h in SMALL.hours)
    file = written(tmp_path, replace(moved(address=NEW), hours=hours), "new.json")
    status, out, _ = run(env, "directory", "import", file, "--dry-run", columns=500)
    assert status == 0
    assert out.splitlines() == [
        f"~ contacts[{FRONT_DOOR}]  address: front-door@e09000006.example → {NEW}  (takes two: another address)",
        "~ hours[office]  times: mon-fri 08:30-17:30 → mon-fri 09:00-17:00",
        "3 organisations, 8 desks, 7 contacts: no problems, 2 differences, 1 of which take two persons elsewhere. "
        "Nothing was imported (--dry-run).",
    ]
    assert exported(env) == dumps(SMALL).decode()


def test_a_dry_run_tells_every_problem_with_its_row(env: Mapping[str, str], tmp_path: Path) -> None:
    imported(env, tmp_path)
    folder = tmp_path / "csv"
    run(env, "directory", "export", str(folder), "--csv")
    table = (folder / "contacts.csv").read_text("utf-8")
    (folder / "contacts.csv").write_text(table.replace("front-door@e09000006.example", "nowhere"), "utf-8")
    status, _, err = run(env, "directory", "import", str(folder), "--dry-run")
    assert status == 1
    assert "contacts.csv:5:address: an e-mail address has an @" in err
    assert "1 problem: nothing was imported" in err


def test_a_file_is_checked_where_there_is_no_hub_and_nothing_is_made(tmp_path: Path) -> None:
    env = {"FINGERPOST_DATA_FOLDER": str(tmp_path / "hub")}
    status, out, _ = run(env, "directory", "import", written(tmp_path), "--dry-run")
    assert (status, "no problems" in out) == (0, True)
    assert not (tmp_path / "hub").exists()


def test_one_organisations_file_leaves_the_others_alone(env: Mapping[str, str], tmp_path: Path) -> None:
    imported(env, tmp_path)
    part = written(tmp_path, part_of(moved(address=NEW), BROMLEY), "bromley.json")
    status, out, _ = run(env, "directory", "import", part, "--organisation", BROMLEY)
    assert (status, "1 differences, in force as version 2" in out) == (0, True)
    assert exported(env) == dumps(moved(address=NEW)).decode()
    status, _, err = run(env, "directory", "import", written(tmp_path), "--organisation", BROMLEY)
    assert (status, f"this is the directory of {BROMLEY} alone" in err) == (1, True)


def test_what_waits_is_listed_shown_and_approved_by_name(env: Mapping[str, str], tmp_path: Path) -> None:
    imported(env, tmp_path)
    change = waiting(tmp_path)
    assert run(env, "directory", "changes", "list")[0] == 0
    [listed] = json.loads(run(env, "directory", "changes", "list", "--json")[1])["changes"]
    assert (listed["id"], listed["state"], listed["proposed_name"]) == (change, "waiting", "Jo Example")
    assert NEW in run(env, "directory", "changes", "show", change, columns=400)[1]
    assert run(env, "directory", "changes", "approve", change)[0] == 2, "a name is asked for"
    assert run(env, "directory", "changes", "approve", change, "--name", " ")[0] == 2
    assert exported(env) == dumps(SMALL).decode()
    status, out, _ = run(env, "directory", "changes", "approve", change, "--name", "Kim Example")
    assert (status, out) == (0, f"{change} is approved: in force as version 2.\n")
    assert exported(env) == dumps(moved(address=NEW)).decode()
    status, _, err = run(env, "directory", "changes", "approve", change, "--name", "Kim Example")
    assert (status, "decided already" in err) == (1, True)
    body = json.loads(run(env, "directory", "changes", "show", change, "--json")[1])
    assert (body["proposed_name"], body["decided_name"], body["how"]) == ("Jo Example", "Kim Example", "approved")
    assert json.loads(run(env, "directory", "changes", "list", "--json")[1])["changes"] == []
    assert len(json.loads(run(env, "directory", "changes", "list", "--all", "--json")[1])["changes"]) == 2


def test_what_is_rejected_changes_nothing(env: Mapping[str, str], tmp_path: Path) -> None:
    imported(env, tmp_path)
    change = waiting(tmp_path)
    reject = ("directory", "changes", "reject", change, "--name", "Kim Example", "--why", "The mailbox is unknown")
    status, _, said = run(env, *reject[:-1], "x" * 501)
    assert (status, "why: plain text on one line" in said, "when this was proposed" in said) == (1, True, False)
    assert run(env, *reject)[0] == 0
    assert exported(env) == dumps(SMALL).decode()
    assert "The mailbox is unknown" in run(env, "directory", "changes", "show", change)[1]
    assert run(env, "directory", "changes", "reject", "ch_nothing", "--name", "Kim")[0] == 1
    assert run(env, "directory", "changes", "show", "ch_nothing")[0] == 1
    assert run(env, "directory", "changes", "list", "--state", "lost")[0] == 2


def test_what_the_directory_has_overtaken_says_which_entry(env: Mapping[str, str], tmp_path: Path) -> None:
    imported(env, tmp_path)
    change = waiting(tmp_path)
    imported(env, tmp_path, moved(address="third@council.example"))
    status, _, err = run(env, "directory", "changes", "approve", change, "--name", "Kim Example")
    assert status == 1
    assert f"contacts[{FRONT_DOOR}]: has been changed since" in err
    assert "proposed anew" in err


def test_the_history_names_both_and_the_machine(env: Mapping[str, str], tmp_path: Path) -> None:
    imported(env, tmp_path)
    change = waiting(tmp_path)
    run(env, "directory", "changes", "approve", change, "--name", "Kim Example")
    newest, oldest = json.loads(run(env, "directory", "history", "--json")[1])["versions"]
    assert (newest["version"], newest["change"]["id"], newest["change"]["decided_name"]) == (2, change, "Kim Example")
    assert (oldest["version"], oldest["change"]["how"], oldest["change"]["proposed_by"]) == (1, "imported", "operator")
    assert run(env, "directory", "history")[0] == 0
    entry = run(env, "directory", "history", f"contacts[{FRONT_DOOR}]", columns=400)[1]
    assert f"address: front-door@e09000006.example → {NEW}" in entry
    assert "Jo Example" in entry and "Kim Example" in entry
    assert run(env, "directory", "history", "contacts")[0] == 2
    assert "No change" in run(env, "directory", "history", "hours[never]")[1]


def test_as_it_stood_at_a_time(env: Mapping[str, str], tmp_path: Path) -> None:
    imported(env, tmp_path)
    assert run(env, "directory", "show", "--at", "2001-01-01")[0] == 1
    status, out, _ = run(env, "directory", "show")
    assert (status, "version 1, in force since" in out) == (0, True)
    assert run(env, "directory", "show", "--json")[1] == dumps(SMALL).decode()
    part = run(env, "directory", "show", "--organisation", BROMLEY, "--json")[1]
    assert part == dumps(part_of(SMALL, BROMLEY)).decode()


def test_nothing_personal_is_in_the_audit_log(env: Mapping[str, str], tmp_path: Path) -> None:
    imported(env, tmp_path)
    change = waiting(tmp_path)
    run(env, "directory", "changes", "approve", change, "--name", "Kim Example")
    lines = [line for line in ledger(tmp_path, "fingerpost.sqlite3")["audit"] if "directory" in repr(line)]
    actions = {str(cell) for line in lines for cell in line if str(cell).startswith("directory.")}
    assert actions == {"directory.imported", "directory.proposed", "directory.approved"}
    assert not any(word in repr(lines) for word in ("Kim", "Jo ", "council.example"))
