"""Whoever looks at something by typing leaves a line: every command is either a look, or said to be none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from hub.cli import looks
from hub.cli.commands import app
from hub.core.audit_actions import ACTIONS
from hub.service.ports import StoreUnavailable
from tests.kit.commands import run
from tests.kit.failing import ledger
from tests.kit.hub import hub_environment

CODE = Path(looks.__file__).parent


def commands(of: typer.Typer, before: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """By name, with the names of its arguments, as typer itself has them."""

    def walk(one: object, path: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
        for name, inner in getattr(one, "commands", {}).items():
            yield from walk(inner, (*path, name))
        if not hasattr(one, "commands"):
            yield " ".join(path), [each.name for each in one.params]  # type: ignore[attr-defined]

    yield from walk(typer.main.get_command(of), before)


def test_every_command_is_a_look_or_is_said_to_be_none() -> None:
    found = dict(commands(app))
    assert found.keys() == looks.COMMANDS.keys() == {name for name, _ in looks.registered(app)}
    for name, look in looks.COMMANDS.items():
        if isinstance(look, str):
            assert look
            continue
        assert {look.action, look.otherwise} - {None} <= ACTIONS.keys()
        assert look.about is None or look.about in found[name]
        look.when(dict.fromkeys(found[name]))  # goes by arguments that there are


def test_no_command_opens_the_ledger_by_another_way() -> None:
    opening = {path.name for path in CODE.glob("*.py") if "open_ledger" in path.read_text(encoding="utf-8")}
    assert opening == {"ledger.py"}


def test_a_look_is_written_down_with_what_it_was_and_before_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = hub_environment(tmp_path, smtp_port=2525)

    def lines() -> list[tuple[object, ...]]:
        rows = ledger(tmp_path, "fingerpost.sqlite3")["audit"]
        return [(row[2], row[3], row[6], row[7]) for row in rows]

    assert run(environment, "outbox", "list")[0] == 0
    assert run(environment, "outbox", "show", "dv_none")[0] == 1
    assert run(environment, "register", "E09000006")[0] == 0
    assert run(environment, "register", "E09000006", "--names")[0] == 0, "nobody is on it, and nothing is shown"
    assert lines() == [
        ("operator", "outbox.listed", None, '{"route": "fingerpost outbox list"}'),
        ("operator", "episodes.listed", "E09000006", '{"route": "fingerpost register"}'),
    ]

    async def away(self: object, looked: object) -> None:
        raise StoreUnavailable("a full disk")

    monkeypatch.setattr("hub.cli.looks.Looks.note", away)
    status, shown, _ = run(environment, "outbox", "list")
    assert (status, shown) == (75, "")
