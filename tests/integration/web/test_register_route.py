"""GET /v1/register/{organisation}: for a token of that organisation only."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.app.ledger import open_ledger
from hub.core.api_tokens import digest
from hub.core.records import Changes
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from tests.kit.clock import START
from tests.kit.commands import run
from tests.kit.failing import ledger
from tests.kit.hub import hub_environment, hub_settings
from tests.kit.records import Story
from tests.kit.tokens import Token
from tests.kit.web import Web, serving

BROMLEY, CAMDEN = "E09000006", "E09000007"
PATH = f"/v1/register/{BROMLEY}"


def token(name: str, scope: str, organisation: str | None = None) -> Token:
    return Token(
        name=name, scopes=frozenset({scope}), sha256=digest(f"fpt_{name}"), created_at=START, organisation=organisation
    )


TOKENS = (
    token("bromley", "register:read", BROMLEY),
    token("camden", "register:read", CAMDEN),
    token("unbound", "register:read"),
    token("viewer", "episodes:read"),
)


class Named(Story):
    def doc(self) -> dict[str, Any]:
        return {**super().doc(), "child": {"name": "Robin Example", "date_of_birth": "2011-08-17"}}


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with serving(tmp_path, tokens=TOKENS) as web:
        story = Named(SeededIds("story"))

        async def work(unit: Unit) -> Changes:
            return await story.told(unit)

        await web.store.write(work)
        yield web


def bearing(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer fpt_{name}"}


async def test_its_own_register_with_the_names_it_may_see(web: Web) -> None:
    response = await web.get(PATH, headers=bearing("bromley"))
    assert response.status == 200
    body = await response.json()
    assert body["organisation"] == BROMLEY
    [entry] = body["entries"]
    assert (entry["role"], entry["name"], entry["date_of_birth"]) == (
        "responsible_authority", "Robin Example", "2011-08-17",
    )  # fmt: skip
    assert (entry["received_at"], entry["removed_at"], entry["why_removed"]) == (
        START.isoformat().replace("+00:00", "Z"), None, None,
    )  # fmt: skip
    assert "no-store" in response.headers["Cache-Control"]
    removed = await web.get(f"{PATH}?removed=true", headers=bearing("bromley"))
    assert (await removed.json())["entries"] == []


async def test_whose_token_it_was_is_in_the_audit_log_once(web: Web, tmp_path: Path) -> None:
    await web.get(PATH, headers=bearing("bromley"))
    await web.get(f"{PATH}?removed=true", headers=bearing("bromley"))
    await web.get(PATH, headers=bearing("camden"))
    [line] = [line for line in ledger(tmp_path)["audit"] if "register.read" in line]
    assert {f"token:{BROMLEY}/bromley", BROMLEY} <= set(line)
    assert "Robin" not in repr(line)


@pytest.mark.parametrize(
    ("name", "status"), [("camden", 403), ("unbound", 403), ("viewer", 403), ("nobody", 401), (None, 401)]
)
async def test_nobody_else_sees_it(web: Web, name: str | None, status: int) -> None:
    response = await web.get(PATH, headers=bearing(name) if name else {})
    assert response.status == status
    text = await response.text()
    assert "Robin" not in text
    assert "ep_" not in text


async def test_a_token_of_an_organisation_opens_no_episodes(web: Web) -> None:
    assert (await web.get("/v1/episodes", headers=bearing("bromley"))).status == 403
    assert (await web.get(f"/v1/register/{CAMDEN}", headers=bearing("bromley"))).status == 403


def test_a_register_token_names_one_organisation_and_nothing_besides(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=25)
    add = ("tokens", "add", "bromley", "--scope", "register:read")
    assert run(env, *add)[0] == 2
    assert run(env, *add, "--organisation", "Bro mley")[0] == 2
    assert run(env, *add, "--organisation", BROMLEY, "--scope", "episodes:read")[0] == 2
    assert run(env, "tokens", "add", "x", "--scope", "episodes:read", "--organisation", BROMLEY)[0] == 2
    status, out, _ = run(env, *add, "--organisation", BROMLEY)
    assert (status, out.startswith("fpt_")) == (0, True)
    listed = run(env, "tokens", "list")[1]
    assert BROMLEY in listed and "register:read" in listed


def test_the_command_shows_names_only_when_asked(tmp_path: Path) -> None:
    from_hub = seeded(tmp_path)
    status, out, _ = run(from_hub, "register", BROMLEY)
    assert status == 0
    assert "1 on the register" in out
    assert "Robin" not in out
    assert "Robin Example" in run(from_hub, "register", BROMLEY, "--names")[1]
    [row] = json.loads(run(from_hub, "register", BROMLEY, "--json")[1])
    assert row["role"] == "responsible_authority"
    assert "name" not in row
    assert "0 taken off" in run(from_hub, "register", BROMLEY, "--removed", "--names")[1]
    rows = ledger(tmp_path, "fingerpost.sqlite3")["audit"]
    [line] = [line for line in rows if "register.read" in line]
    assert {"operator", BROMLEY} <= set(line)


def seeded(folder: Path) -> Mapping[str, str]:
    """A hub's folder with one episode in its ledger."""
    story = Named(SeededIds("story"))

    async def write() -> None:
        async with open_ledger(hub_settings(folder)) as store:

            async def work(unit: Unit) -> Changes:
                return await story.told(unit)

            await store.write(work)

    asyncio.run(write())
    return hub_environment(folder, smtp_port=2525)
