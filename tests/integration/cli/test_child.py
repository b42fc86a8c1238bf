"""``fingerpost child find``: ids and no name, and a line of the audit log."""

import json
from dataclasses import replace
from pathlib import Path

from hub.app.ledger import open_ledger
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from hub.settings import load
from tests.kit.clock import START
from tests.kit.commands import run
from tests.kit.hub import hub_environment
from tests.kit.records import Story

CHILD = {"name": "Sam Marker-Findme", "ref": "BRM-C-77", "date_of_birth": "2014-05-06"}


async def test_a_child_is_found_by_what_is_known_of_them(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=2525)
    story = Story(SeededIds("find"))

    async def work(unit: Unit) -> None:
        await story.meet(unit)
        await unit.save(replace(story.report(), doc={"child": CHILD}))

    async with open_ledger(load(environment=env)) as store:
        await store.write(work)
    status, out, err = run(env, "child", "find", "--name", "findme marker, SAM", "--born", "2014-05-06")
    assert (status, story.episode in out, story.child in out) == (0, True, True)
    assert "1 episode of 1 child." in out and "Findme" not in out and "not all in the index" in err
    async with open_ledger(load(environment=env)) as store:
        assert await store.write(lambda unit: unit.search.bring_in(10, START)) == "whole"
    status, out, err = run(env, "child", "find", "--ref", "brm-c-77", "--json", "--organisation", "E09000006")
    assert [one["episode"] for one in json.loads(out)] == [story.episode] and err == ""
    assert "0 episodes of 0 children." in run(env, "child", "find", "--name", "Sam")[1]
    assert run(env, "child", "find")[0] == run(env, "child", "find", "--born", "06/05/2014")[0] == 2


def test_a_name_may_come_from_standard_input(tmp_path: Path) -> None:
    """So that it stands in no list of processes."""
    env = hub_environment(tmp_path, smtp_port=2525)
    asked = ("child", "find", "--name", "-", "--ref", "-")
    assert run(env, *asked, given="Sam Marker\nBRM-C-77\n")[:2] == (0, "0 episodes of 0 children.\n")
    assert run(env, *asked)[0] == 2, "nothing was asked for"
