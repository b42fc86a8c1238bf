"""Under load: none lost, none twice, counted at the relay. A small part of ``make soak`` (bench/soak.py)."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.kit.fire import Relay, Site
from tests.kit.fire_posting import Posted
from tests.kit.fire_runs import CLIENTS, Loaded, ground, load
from tests.kit.fire_verdict import judge

EVENTS = 24
SAMPLE = 5

Line = dict[str, Any]


async def test_under_load_every_notice_arrives_once_and_nothing_else(tmp_path: Path) -> None:
    with ground(tmp_path) as (mail, site):
        result = await load(mail, site, EVENTS, clients=CLIENTS, sample=SAMPLE)
        _as_it_should_be(result)
        for number, (sabotage, complaint) in enumerate(SABOTAGES.items()):
            await _must_be_noticed(sabotage, complaint, tmp_path / f"sabotaged-{number}", mail, site, result.posted)


def _as_it_should_be(result: Loaded) -> None:
    verdict = result.verdict
    assert verdict.events >= EVENTS
    assert verdict.extra == 0
    assert verdict.mails == verdict.distinct == verdict.notices - verdict.superseded
    assert verdict.mails > EVENTS, "most of what was decided was to be sent"
    assert result.repeated == verdict.events
    assert verdict.opened_by_openssl == SAMPLE


def _lost(lines: list[Line]) -> None:
    del lines[::2]  # one alone could be of those that an ending overtook, and that may come or not


def _twice(lines: list[Line]) -> None:
    lines.append(lines[0])


def _twice_under_another_id(lines: list[Line]) -> None:
    lines.append(lines[0] | {"message_id": "<dl_other@fingerpost.example>"})


def _in_clear(lines: list[Line]) -> None:
    lines[-1]["tls"] = False


def _to_two(lines: list[Line]) -> None:
    lines[0]["recipients"] = [*lines[0]["recipients"], "sam@family.example"]


SABOTAGES: dict[Callable[[list[Line]], None], str] = {
    _lost: "never told|never came",
    _twice: "sent again",
    _twice_under_another_id: "different Message-IDs",
    _in_clear: "in clear",
    _to_two: "to 2 mailboxes",
}


async def _must_be_noticed(
    sabotage: Callable[[list[Line]], None], complaint: str, folder: Path, mail: Relay, site: Site, posted: Posted
) -> None:
    """The verdict over the same run, with what the relay wrote down changed by one thing."""
    folder.mkdir()
    lines = [json.loads(line) for line in (mail.folder / "index").read_text().splitlines()]
    sabotage(lines)
    (folder / "index").write_text("".join(json.dumps(line) + "\n" for line in lines))
    shutil.copyfile(mail.folder / "mails", folder / "mails")
    with pytest.raises(AssertionError, match=complaint):
        await judge(site, replace(mail, folder=folder), posted, sample=0)
