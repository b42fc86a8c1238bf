"""/v1/directory/coverage: who can be reached, of the token's organisation or of all; no address in it."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contacts.directory import Directory
from hub.core.api_tokens import digest
from tests.kit.clock import START
from tests.kit.directory import BROMLEY, MET, small_bundle
from tests.kit.tokens import Token
from tests.kit.web import Web, serving

SMALL = Directory.of(small_bundle())
NOON = {"at": datetime(2026, 3, 4, 12, tzinfo=UTC).isoformat()}


def token(name: str, scope: str, organisation: str | None = None) -> Token:
    return Token(name=name, scopes=frozenset({scope}), sha256=digest(f"fpt_{name}"), created_at=START,
                 organisation=organisation)  # fmt: skip


TOKENS = (token("hub", "directory:read"), token("bromley", "directory:read", BROMLEY), token("viewer", "episodes:read"))


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with serving(tmp_path, tokens=TOKENS, directory=lambda: SMALL) as web:
        yield web


async def asked(web: Web, name: str | None, **query: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer fpt_{name}"} if name else {}
    url = f"{web.url}/v1/directory/coverage"
    async with web.session.get(url, params=query, headers=headers) as response:
        assert "@" not in await response.text()
        json = response.content_type.endswith("json")
        return response.status, await (response.json(content_type=None) if json else response.text())


async def test_the_operator_sees_the_country_and_a_bound_token_its_own(web: Web) -> None:
    status, everywhere = await asked(web, "hub", **NOON)
    assert status == 200 and len(everywhere["roles"]) == 218 * 17 + 46 + 6
    assert sum(everywhere["counts"]["now"].values()) == len(everywhere["roles"])
    status, own = await asked(web, "bromley", **NOON)
    assert status == 200 and {one["organisation"] for one in own["roles"]} == {BROMLEY}
    assert sum(own["counts"]["by_night"].values()) == len(own["roles"]) == 17
    assert (await asked(web, "bromley", organisation=MET, **NOON))[1]["roles"] == own["roles"]
    assert {one["organisation"] for one in (await asked(web, "hub", organisation=MET))[1]["roles"]} == {MET}


async def test_what_is_missing_with_the_counts_of_all_and_as_csv(web: Web) -> None:
    _, missing = await asked(web, "bromley", missing="true", **NOON)
    found = {one["role"]: one for one in missing["roles"]}
    assert "social_worker" not in found and found["mash"]["now"] == "no_contact" and found["iro"]["now"] == "no_desk"
    assert sum(missing["counts"]["now"].values()) == 17
    status, text = await asked(web, "bromley", missing="true", format="csv", **NOON)
    as_text = [{**one, "second_channel": str(one["second_channel"]).lower()} for one in missing["roles"]]
    assert status == 200 and list(csv.DictReader(io.StringIO(text))) == as_text


async def test_who_may_not_and_what_is_not_understood(web: Web) -> None:
    assert (await asked(web, None))[0] == 401
    assert (await asked(web, "viewer"))[0] == 403
    for wrong in (
        {"at": "2026-03-04T12:00:00"},
        {"at": "noon"},
        {"at": "0001-01-01T00:00:00Z"},
        {"at": "0001-01-01T00:00:00+23:00"},
        {"at": "9999-12-31T23:59:59Z"},
        {"at": "9999-12-31T23:59:59-23:00"},
        {"format": "xml"},
        {"organisation": "a b"},
        {"x": "y"},
    ):
        assert (await asked(web, "hub", **wrong))[0] == 400, wrong
