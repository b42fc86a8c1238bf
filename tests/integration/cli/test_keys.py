"""``fingerpost keys rotate``, ``status`` and ``retire``: with a hub that runs, and without."""

import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.app.keys import key_ring, rotation_of
from hub.app.ledger import open_ledger, store_of
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.ports import Unit
from hub.settings import Settings, SettingsError, load
from tests.kit.commands import run
from tests.kit.hub import hub_environment
from tests.kit.keys import Said


def environment(folder: Path) -> dict[str, str]:
    return dict(hub_environment(folder, smtp_port=2525))


async def child(settings: Settings) -> str:
    """A child, in a hub that starts and stops."""
    async with open_ledger(settings) as store:
        return await store.write(lambda unit: unit.child_id("so_1", "c-1", datetime.now(UTC)))


async def test_rotated_while_a_hub_runs_without_a_restart_and_retired(tmp_path: Path) -> None:
    env = environment(tmp_path)
    settings = load(environment=env)
    known = await child(settings)
    keys = settings.keys
    ids, clock = SystemIds(), SystemClock()
    hub = await store_of(settings, key_ring(settings), ids)
    said = Said()
    rotation = rotation_of(settings.model_copy(update={"node": "hub-1"}), hub, clock, ids, said)
    await rotation.start(clock.now())

    status, out, err = run(env, "keys", "rotate")
    assert (status, out.splitlines()[0]) == (0, str(keys / "kek-2.key")) and "no restart" in err
    assert "hub-1" in out and (keys / "kek-2.key").stat().st_mode & 0o777 == 0o600
    status, out, _ = run(env, "keys", "status")
    assert "2  waiting, wraps 0" in out and "1  current, wraps" in out and "hub hub-1" in out and "lacks 2" in out
    assert run(env, "keys", "rotate")[0] == 2, "one waits already"
    assert not (keys / "kek-3.key").exists()

    await rotation.tick(clock.now())
    assert said.lines[0] == ("keys.taken_over", {"kek": "2"}) and hub.keys.current == "2"
    status, out, _ = run(env, "keys", "status", "--json")
    shown = json.loads(out)
    assert shown["current"] == "2" and shown["unknown"] == 0
    assert {one["id"]: one["wraps"] for one in shown["keys"]} == {"1": 0, "2": 33}
    await rotation.stop()
    await hub.aclose()

    status, _, err = run(env, "keys", "retire", "2")
    assert (status, "wraps new data keys" in err) == (1, True)
    status, out, err = run(env, "keys", "retire", "1")
    assert (status, out.strip()) == (0, "1 is retired.") and "backup" in err
    (keys / "kek-1.key").unlink()
    assert await child(settings) == known
    with closing(sqlite3.connect(tmp_path / "fingerpost.sqlite3")) as ledger:
        written = ledger.execute(
            "SELECT action, actor, detail FROM audit WHERE action LIKE 'keys.%' ORDER BY id"
        ).fetchall()
    assert written[0] == ("keys.rotated", "operator", '{"kek": "2"}')
    assert written[-1] == ("keys.retired", "operator", '{"kek": "1"}')


async def test_without_a_hub_it_takes_over_at_once_and_an_unknown_one_never(tmp_path: Path) -> None:
    env = environment(tmp_path)
    status, _, err = run(env, "keys", "status")
    assert (status, "no key store yet" in err, (tmp_path / "keys.sqlite3").exists()) == (1, True, False)
    status, out, _ = run(env, "keys", "rotate")
    assert (status, "2 wraps new data keys from now on." in out) == (0, True)
    assert run(env, "keys", "rotate", "--to", "9")[0] == 2
    assert run(env, "keys", "retire", "9")[0] == 2
    status, _, err = run(env, "keys", "retire", "1")
    assert (status, "still wraps data keys, 1 of them" in err) == (1, True)
    asked = env | {"FINGERPOST_KEK_CURRENT": "2"}
    status, _, err = run(asked, "keys", "rotate", "--to", "1")
    assert (status, "FINGERPOST_KEK_CURRENT asks for 2" in err) == (2, True)
    listed = env | {"FINGERPOST_KEK_FILES": ",".join(str(path) for path in load(environment=env).keys.glob("kek-*"))}
    status, _, err = run(listed, "keys", "rotate")
    assert (status, "FINGERPOST_KEK_FILES" in err) == (2, True)


PRINTS = "import sys; print('32' * 32 if sys.argv[1] == '2026' else sys.exit(3))"


async def test_a_key_that_a_program_prints_takes_over_from_a_file(tmp_path: Path) -> None:
    env = environment(tmp_path)
    known = await child(load(environment=env))
    by_program = env | {"FINGERPOST_KEK_COMMAND": f'{sys.executable} -c "{PRINTS}" {{id}}'}
    assert run(by_program, "keys", "rotate", "--to", "2027")[0] == 2, "the program has none of this id"
    assert run(by_program, "keys", "rotate", "--to", "2026")[0] == 0
    assert await child(load(environment=by_program)) == known
    status, _, err = run(env, "keys", "rotate", "--to", "2026")
    assert (status, "2026" in err and "not here" in err) == (1, True)


async def test_what_a_module_of_the_operators_makes_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "council_kms.py").write_text(
        "class Kms:\n"
        "    async def find(self, name): return self if name == 'remote' else None\n"
        "    async def names(self): return []\n"
        "    async def wrap(self, plain): return bytes(255 - one for one in plain)\n"
        "    unwrap = wrap\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    env = environment(tmp_path) | {"FINGERPOST_KEK_MODULE": "council_kms:Kms"}
    assert run(env, "keys", "rotate", "--to", "remote")[0] == 0
    assert json.loads(run(env, "keys", "status", "--json")[1])["current"] == "remote"
    with pytest.raises(SettingsError, match="KEK_MODULE"):
        key_ring(load(environment=env | {"FINGERPOST_KEK_MODULE": "council_kms:Nothing"}))


async def test_the_upgraded_hub_begins_with_the_key_that_the_settings_ask_for(tmp_path: Path) -> None:
    env = environment(tmp_path)
    keys = load(environment=env).keys
    for name in ("10", "9"):
        (keys / f"kek-{name}.key").write_bytes(name[:1].encode() * 32)
    (keys / "kek-1.key").unlink()

    async def begun(**more: str) -> str:
        folder = tmp_path / f"began-{len(list(tmp_path.iterdir()))}"
        settings = load(
            environment=env | {"FINGERPOST_DATA_FOLDER": str(folder), "FINGERPOST_KEYS_FOLDER": str(keys)} | more
        )
        async with open_ledger(settings) as store:
            await store.read(_nothing)
            return store.keys.current

    assert await begun() == "10", "10 comes after 9"
    assert await begun(FINGERPOST_KEK_CURRENT="9") == "9"


async def _nothing(unit: Unit) -> None:
    return None


def test_a_start_without_a_usable_key_says_which_and_why(tmp_path: Path) -> None:
    env = environment(tmp_path)
    (load(environment=env).keys / "kek-1.key").unlink()
    env |= {"FINGERPOST_KEK_CURRENT": "2026", "FINGERPOST_KEK_COMMAND": "/nowhere/kek {id}"}
    status, _, err = run(env, "register", "E09000006")
    assert status == 1 and "'2026', which is not here" in err and "cannot be run: No such file" in err
    env |= {"FINGERPOST_KEK_COMMAND": "/bin/false {id}"}
    assert "and there is none" in run(env, "register", "E09000006")[2]
    del env["FINGERPOST_KEK_CURRENT"]
    assert "to begin with: name one" in run(env, "register", "E09000006")[2]
