"""``fingerpost users``: the first operator gets in, and the last one back."""

import re
from datetime import UTC, datetime
from pathlib import Path

from contacts.roles import OPERATOR
from hub.app.ledger import open_ledger
from hub.settings import load
from tests.kit.accounts import accounts_over
from tests.kit.clock import FakeClock
from tests.kit.commands import run
from tests.kit.hub import hub_environment

LINK = re.compile(r"https://hub\.example/invitation/([A-Za-z0-9_-]{43})")


async def test_the_first_operator_is_invited_listed_recovered_and_disabled(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=2525, public_url="https://hub.example")
    invite = ("users", "invite", "boss@hub.example", "--organisation", OPERATOR)
    status, _, err = run(env, *invite, "--role", "king")
    assert (status, "there is no king. Choose of: operator, directory_admin, recipient, auditor." in err) == (2, True)
    assert run(env, "users", "recover", "boss@hub.example")[0] == 1
    status, out, err = run(env, *invite, "--role", "operator")
    [token] = LINK.findall(out)
    assert (status, "only now" in err) == (0, True)
    [row] = [line for line in run(env, "users", "list", columns=80)[1].splitlines() if " us_" in line]
    assert len(re.findall(r"us_[0-9A-Z]{26}", row)) == 1  # whole, in a narrow terminal too: it is copied
    assert run(env, "users", "recover", "boss@hub.example")[0] == 1  # nothing to recover yet: a new invitation is
    async with open_ledger(load(environment=env)) as store:
        accounts = accounts_over(store, FakeClock(datetime.now(UTC)))
        boss = await accounts.accepted(token, name="Robin Boss")
    status, out, _ = run(env, "users", "list")
    assert (status, "Robin" in out, "active" in out, token in out) == (0, True, True, False)
    assert "boss@" not in run(env, "users", "list", "--organisation", "E09000006")[1]
    assert run(env, *invite, "--role", "operator")[0] == 2
    status, out, _ = run(env, "users", "recover", "BOSS@hub.example")
    assert (status, len(LINK.findall(out))) == (0, 1)
    async with open_ledger(load(environment=env)) as store:
        assert await accounts_over(store, FakeClock(datetime.now(UTC))).signing_in.viewer(boss.token) is None
    assert run(env, "users", "disable", boss.viewer.user)[0] == 0
    assert run(env, "users", "disable", "boss@hub.example")[0] == 1
    assert "disabled" in run(env, "users", "list")[1]
    assert (run(env, *invite, "--role", "operator"))[0] == 0


def test_only_the_operators_people_become_operators(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=2525)
    status, _, err = run(
        env, "users", "invite", "x@bromley.example", "--organisation", "E09000006", "--role", "operator"
    )
    assert (status, "Only people of the hub's operator" in err) == (2, True)
