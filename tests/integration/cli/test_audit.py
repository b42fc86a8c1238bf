"""``fingerpost audit`` and ``keys audit``, as they are typed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.kit.commands import run
from tests.kit.hub import hub_environment


def changed(ledger: Path, *statements: str) -> None:
    with closing(sqlite3.connect(ledger)) as connection:
        for trigger in ("stays", "is_kept"):
            connection.execute(f"DROP TRIGGER IF EXISTS audit_{trigger}")
            connection.execute(f"DROP TRIGGER IF EXISTS audit_checkpoints_{trigger}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_signed_verified_and_each_change_named(tmp_path: Path) -> None:
    env = dict(hub_environment(tmp_path, smtp_port=2525))
    (keys,) = tmp_path.rglob("audit-1.key")
    keys.unlink()
    status, _, err = run(env, "audit", "checkpoint")
    assert (status, "keys audit --new" in err) == (2, True)
    assert run(env, "keys", "audit")[0] == 1
    status, shown, err = run(env, "keys", "audit", "--new")
    assert (status, "audit-1.key is made" in err, "BEGIN PUBLIC KEY" in shown) == (0, True, True)
    assert "PRIVATE" not in shown
    status, _, err = run(env, "audit", "checkpoint")
    assert (status, "the log is empty" in err) == (1, True)

    assert run(env, "audit", "list")[0] == 0  # a reading of it is a line
    status, out, _ = run(env, "audit", "list", "--actor", "operator", "--since", "2026-01-01")
    assert (status, "audit.read" in out) == (0, True)
    status, out, _ = run(env, "audit", "checkpoint")
    signed = json.loads(out)
    assert (status, signed["number"], signed["key"] in shown) == (0, 2, True)

    (ledger,) = tmp_path.rglob("fingerpost.sqlite3")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "one.json").write_text(out)
    status, out, err = run(env, "audit", "verify")
    assert (status, "as it was written (2 lines" in out, "second place" in err) == (0, True, True)
    status, out, err = run(env, "audit", "verify", "--checkpoints", str(elsewhere))
    assert (status, err) == (0, "")

    changed(ledger, "DELETE FROM audit WHERE number = 2", "DELETE FROM audit_checkpoints")
    assert run(env, "audit", "verify")[0] == 0, "nothing here can tell"
    status, out, err = run(env, "audit", "verify", "--checkpoints", str(elsewhere))
    assert (status, "cut short" in out, "not as it was written" in err) == (1, True, True)
    changed(ledger, "UPDATE audit SET actor = 'hub'")
    status, out, _ = run(env, "audit", "verify")
    assert (status, "Line 1 (au_" in out) == (1, True)
    (elsewhere / "other.json").write_text("{}")
    status, out, _ = run(env, "audit", "verify", "--checkpoints", str(elsewhere))
    assert (status, "No checkpoint: other.json" in out) == (1, True)


def test_an_old_keys_public_half_goes_on_counting_and_another_hubs_does_not(tmp_path: Path) -> None:
    env = dict(hub_environment(tmp_path, smtp_port=2525))
    _, shown, _ = run(env, "keys", "audit")
    keys = next(tmp_path.rglob("audit-1.key")).parent
    run(env, "audit", "list")
    assert run(env, "audit", "checkpoint")[0] == 0
    (keys / "audit-1.pub").write_text(shown.split("\n", 1)[1])
    (keys / "audit-1.key").unlink()
    assert "audit-2.key" in run(env, "keys", "audit", "--new")[2]
    assert run(env, "audit", "verify")[0] == 0
    (keys / "audit-1.pub").unlink()
    status, out, _ = run(env, "audit", "verify")
    assert (status, "a key that is not this hub's" in out) == (1, True)
