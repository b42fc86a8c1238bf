"""The list of the audit log's actions, and what the code writes, are the same."""

import ast
from pathlib import Path

from hub.cli.looks import COMMANDS, Look
from hub.core.audit_actions import ACTIONS, entry, page, says
from hub.service.directory.step import ACTION
from hub.service.peers.introducing import STEPS
from hub.web.looks import SEEN
from tests.kit.audit_calls import trees, written

ROOT = Path(__file__).parents[3]
TYPED = {
    action for one in COMMANDS.values() if isinstance(one, Look) for action in (one.action, one.otherwise) if action
}
TABLES = {*SEEN.values(), *TYPED, *ACTION.values(), *STEPS.values()}
"""Those that are looked up when the code runs."""


def test_every_line_that_is_written_is_in_the_list() -> None:
    found = written(ROOT / "hub")
    assert len(found) > 80, "what is looked for in the code is not found any more"
    assert {action: places for action, places in found.items() if entry(action) is None} == {}
    assert {action for action in TABLES if action not in ACTIONS} == set()


def test_every_action_of_the_list_is_written() -> None:
    found = set(written(ROOT / "hub")) | TABLES
    assert {action for action in ACTIONS if action not in found} == set()


def test_a_line_without_an_entry_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text(
        "KIND = 'late'\n"
        "class A:\n"
        "    def _line(self, now, action, **detail):\n"
        "        return AuditLine(action=action)\n"
        "    def work(self, well):\n"
        "        what = 'made.up' if well else 'made.down'\n"
        "        self._line(1, what)\n"
        "        self._line(1, f'alarm.{KIND}')\n"
        "        self._line(1, f'made.{well}')\n"
        "        log.info('not.this')\n"
    )
    assert set(written(tmp_path)) == {"made.up", "made.down", "alarm.late", "made.*"}


def test_details_written_out_are_in_the_list() -> None:
    """Where an action and its detail stand side by side."""
    wrong = {}
    for path, tree in trees(ROOT / "hub").items():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "AuditLine":
                given = {one.arg: one.value for one in call.keywords}
                action, detail = given.get("action"), given.get("detail")
                if isinstance(action, ast.Constant) and isinstance(detail, ast.Dict):
                    keys = {key.value for key in detail.keys if isinstance(key, ast.Constant)}
                    if more := keys - set((entry(str(action.value)) or ("", ()))[1]):
                        wrong[f"{path}:{call.lineno}"] = more
    assert wrong == {}


def test_an_action_of_a_family_or_of_a_newer_version_is_said_too() -> None:
    assert says("notice.notified") == ACTIONS["notice.*"][0]
    assert says("notice.created") == ACTIONS["notice.created"][0]
    assert says("new.thing") == "new.thing"


def test_the_page_is_current() -> None:
    there = (ROOT / "docs" / "reference" / "audit.md").read_text(encoding="utf-8")
    assert there == page(), "run `python scripts/audit_reference.py`"
