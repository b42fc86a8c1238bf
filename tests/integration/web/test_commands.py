"""The commands besides serve, in this process."""

import json
from pathlib import Path
from typing import Any

from contacts.fictional import fictional_bundle
from contacts.tables import dumps
from tests.kit.commands import run
from tests.kit.events import raw, reported
from tests.kit.failing import ledger
from tests.kit.hub import hub_environment
from tests.kit.pki import root


def test_keys_are_never_written_over(tmp_path: Path) -> None:
    env = {"FINGERPOST_DATA_FOLDER": str(tmp_path / "hub"), "FINGERPOST_SENDER": "hub@hub.example"}
    assert (run(env, "keys", "init", "--signer"))[0] == 0
    keys = tmp_path / "hub" / "keys"
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    made = {"kek-1.key", "index.key", "audit-1.key", "push-content-1.key", "push-request-1.key", "push-receive-1.key"}
    assert set(before) == made | {"signer.key", "signer.crt", "signer-ca.key", "signer-ca.crt"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys.iterdir())
    status, _, err = run(env, "keys", "init")
    assert (status, "Nothing was written" in err) == (1, True)
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before


def test_push_keys_are_added_to_and_only_their_public_halves_are_shown(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    env = {"FINGERPOST_KEYS_FOLDER": str(keys), "FINGERPOST_PUBLIC_URL": "https://hub.example"}
    status, _, err = run(env, "keys", "push")
    assert (status, "--new-content --new-request" in err) == (1, True)
    first = json.loads(run(env, "keys", "push", "--new-content", "--new-request")[1])
    assert (first["iss"], len(first["keys"]), len(first["requests"])) == ("https://hub.example", 1, 1)
    assert all("d" not in jwk for jwk in first["keys"])
    assert first["requests"][0].startswith("whpk_")
    second = json.loads(run(env, "keys", "push", "--new-request")[1])
    assert (second["keys"], second["requests"][:1]) == (first["keys"], first["requests"])
    assert len(second["requests"]) == 2
    (keys / "push-request-1.key").unlink()
    third = json.loads(run(env, "keys", "push", "--new-content")[1])
    assert third["requests"] == second["requests"][1:]
    assert len(third["keys"]) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys.iterdir())
    (keys / "push-request-2.key").write_bytes((keys / "push-content-1.key").read_bytes())
    status, _, err = run(env, "keys", "push")
    assert (status, "not an Ed25519 key" in err) == (1, True)


def test_sources_are_registered_once_and_rotated(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=2525)
    add = ("sources", "add", "bromley-care")
    status, _, err = run(env, *add, "--authority", "E99999999", "--force", "E1")
    assert (status, "E99999999" in err, "E1" in err) == (2, True, True)
    assert (run(env, *add))[0] == 2
    assert (run(env, *add, "--authority", "305", "--scheme", "v1a"))[1].startswith("whsk_")
    assert (run(env, *add, "--authority", "305"))[0] == 1
    status, out, _ = run(env, "sources", "rotate", "bromley-care")
    assert (status, out.startswith("whsec_")) == (0, True)
    (tmp_path / "client.pem").write_bytes(root().pem)
    assert run(env, "sources", "bind", "bromley-care")[0] == 2
    assert run(env, "sources", "bind", "bromley-care", "--certificate", str(tmp_path / "root.key"))[0] == 2
    assert run(env, "sources", "bind", "bromley-care", "--certificate", str(tmp_path / "client.pem"))[0] == 0
    out = (run(env, "sources", "list"))[1]
    assert "E09000006" in out
    assert f"with certificate {root().fingerprint[:16]}" in " ".join(out.split())
    assert "v1a until" in out
    assert "whs" not in out


def test_tokens_are_shown_once_rotated_and_revoked(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=2525)
    row = {"name": "old", "scopes": ["metrics:read"], "sha256": "0" * 64, "created_at": "2025-01-01T00:00:00+00:00"}
    (tmp_path / "api-tokens.json").write_text(json.dumps([row]))
    add = ("tokens", "add", "viewer", "--scope", "episodes:read")
    status, _, err = run(env, "tokens", "add", "viewer", "--scope", "everything")
    assert (status, "1 tokens were brought in" in err) == (2, True)
    for expires in ("soon", "2020-01-01", "367d"):
        assert run(env, *add, "--expires", expires)[0] == 2
    token = run(env, *add, "--expires", "90d")[1].strip()
    assert token.startswith("fpt_")
    assert run(env, *add)[0] == 1
    status, out, err = run(env, "tokens", "rotate", "viewer", "--overlap", "12h")
    assert (status, out.startswith("fpt_"), "The old one goes on until" in err) == (0, True, True)
    assert run(env, "tokens", "rotate", "viewer", "--overlap", "31d")[0] == 2
    listed = run(env, "tokens", "list")[1]
    assert "viewer" in listed and "old" in listed and "never" in listed
    assert token not in repr(ledger(tmp_path, "fingerpost.sqlite3")) and token not in listed
    assert run(env, "tokens", "revoke", "viewer")[0] == 0
    assert run(env, "tokens", "revoke", "viewer")[0] == 1
    assert run(env, "tokens", "rotate", "viewer")[0] == 1


def test_explain_sends_nothing_and_needs_no_keys(tmp_path: Path) -> None:
    report, wrong = tmp_path / "report.json", tmp_path / "wrong.json"
    report.write_bytes(raw(reported()))
    wrong.write_bytes(raw(reported(child={"name": 7})))
    env = {"FINGERPOST_DATA_FOLDER": str(tmp_path / "hub")}
    status, out, _ = run(env, "explain", str(report))
    assert status == 0
    assert "told" in out
    assert "B-13" in out
    assert not (tmp_path / "hub").exists()
    status, _, err = run(env, "explain", str(wrong))
    assert (status, "data.child.name" in err, "Traceback" in err) == (1, True, False)
    assert (run(env, "explain", str(tmp_path / "none.json")))[0] == 2


def test_a_directory_with_mistakes_is_imported_not_at_all(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=2525)
    whole: dict[str, Any] = json.loads(dumps(fictional_bundle()))
    whole["contacts"][0]["address"] = "nobody"
    file = tmp_path / "directory.json"
    file.write_text(json.dumps(whole))
    status, _, err = run(env, "directory", "import", str(file))
    assert (status, "contacts[0].address" in err) == (1, True)
    assert (run(env, "directory", "export"))[0] == 1


def test_looking_at_what_needs_a_human(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=2525)
    for command in (("alarms", "list"), ("quarantine", "list"), ("outbox", "list", "--json"), ("protocols", "check")):
        assert (run(env, *command))[0] == 0, command
    assert (run(env, "quarantine", "show", "qu_none"))[0] == 1
    assert (run(env, "alarms", "clear", "al_none"))[0] == 1
