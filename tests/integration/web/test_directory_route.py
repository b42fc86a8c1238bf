"""/v1/directory: a token sees and changes its organisation's entries, and agrees to nothing."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from contacts.areas import load_areas
from contacts.export import ordered
from contacts.model import Bundle
from contacts.scope import part_of
from contacts.tables import dumps, dumps_csv, load
from hub.core.api_tokens import digest
from hub.service.ports import Unit
from hub.web.api.directory import VERSION
from tests.kit.changing import FRONT_DOOR, JO, SAM, front_door, furnished, office
from tests.kit.clock import START
from tests.kit.commands import run
from tests.kit.directory import BROMLEY, MET, NOW, small_bundle
from tests.kit.failing import ledger
from tests.kit.hub import hub_environment
from tests.kit.tokens import Token, file_tokens
from tests.kit.web import Web, serving
from tests.kit.whole import whole

SMALL = ordered(small_bundle())
NEW = "new-front-door@council.example"


def token(name: str, *scopes: str, organisation: str | None = None, person: str | None = None) -> Token:
    return Token(
        name=name,
        scopes=frozenset(scopes),
        sha256=digest(f"fpt_{name}"),
        created_at=START,
        organisation=organisation,
        person=person,
    )


BOTH = ("directory:read", "directory:write")
TOKENS = (
    token("bromley", *BOTH, organisation=BROMLEY),
    token("of-jo", *BOTH, organisation=BROMLEY, person="us_jo"),
    token("police", *BOTH, organisation=MET),
    token("hub", *BOTH),
    token("reader", "directory:read", organisation=BROMLEY),
    token("viewer", "episodes:read"),
)


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with serving(tmp_path, tokens=TOKENS) as web:
        await furnished(web.store, at=START)
        yield web


def bearing(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer fpt_{name}"}


async def post(web: Web, path: str, body: bytes | dict[str, Any], name: str = "bromley") -> ClientResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with web.session.post(f"{web.url}{path}", data=data, headers=bearing(name)) as response:
        await response.read()
        return response


async def export(web: Web, name: str = "hub", query: str = "") -> bytes:
    response = await web.get(f"/v1/directory{query}", headers=bearing(name))
    assert response.status == 200
    return (await response.text()).encode()


def put(**changes: Any) -> dict[str, Any]:
    return {"changes": [{"table": "contacts", "put": dict(front_door(**changes).cells)}]}


async def propose(web: Web, name: str = "bromley") -> str:
    response = await post(web, "/v1/directory/changes", put(address=NEW), name)
    assert response.status == 202
    found: str = (await response.json())["change"]["id"]
    return found


def moved(bundle: Bundle, **changes: Any) -> Bundle:
    contacts = tuple(replace(c, **changes) if c.id == FRONT_DOOR else c for c in bundle.contacts)
    return ordered(replace(bundle, contacts=contacts))


# Out


async def test_an_export_is_the_tokens_part_and_imports_back_byte_for_byte(web: Web) -> None:
    assert await export(web) == dumps(SMALL)
    part = await export(web, "bromley")
    assert part == dumps(part_of(SMALL, BROMLEY)) == await export(web, "hub", f"?organisation={BROMLEY}")
    for name, body in (("hub", dumps(SMALL)), ("bromley", part)):
        response = await post(web, "/v1/directory", body, name)
        assert (response.status, (await response.json())["result"]) == (200, "unchanged")
    assert await export(web, "bromley", f"?organisation={MET}") == part, "never another's"


async def test_an_export_says_which_version_it_is_and_is_not_cached(web: Web) -> None:
    response = await web.get("/v1/directory", headers=bearing("reader"))
    assert response.headers[VERSION] == "1"
    assert "no-store" in response.headers["Cache-Control"]


async def test_as_it_stood_then(web: Web) -> None:
    await web.clock.advance(60)
    assert (await post(web, "/v1/directory/changes", put(order=4))).status == 200
    stamp = (START + timedelta(seconds=59)).isoformat().replace("+00:00", "Z")
    found = load(await export(web, "hub", f"?at={stamp}"), load_areas(), NOW).bundle
    assert found is not None
    assert next(c.order for c in found.contacts if c.id == FRONT_DOOR) == 0
    before = await web.get("/v1/directory?at=2001-01-01T00:00:00Z", headers=bearing("hub"))
    assert (before.status, before.headers[VERSION]) == (200, "0")
    for wrong in ("2026-03-04T12:00:00", "yesterday"):
        assert (await web.get(f"/v1/directory?at={wrong}", headers=bearing("hub"))).status == 400


@pytest.mark.parametrize(("name", "status"), [("viewer", 403), ("nobody", 401), (None, 401)])
async def test_nobody_else_sees_or_changes_it(web: Web, name: str | None, status: int) -> None:
    headers = bearing(name) if name else {}
    for path in ("/v1/directory", "/v1/directory/changes", "/v1/directory/changes/ch_1"):
        response = await web.get(path, headers=headers)
        assert response.status == status
        assert "example" not in await response.text()
    assert (await post(web, "/v1/directory", dumps(SMALL), name or "nobody")).status == status


async def test_to_read_is_not_to_write(web: Web) -> None:
    assert (await post(web, "/v1/directory", dumps(SMALL), "reader")).status == 403
    assert (await post(web, "/v1/directory/changes", put(order=1), "reader")).status == 403


# In


async def test_a_dry_run_shows_every_difference_and_changes_nothing(web: Web) -> None:
    body = dumps(part_of(moved(SMALL, address=NEW, order=2), BROMLEY))
    response = await post(web, "/v1/directory?dry_run=true", body)
    assert response.status == 200
    found = await response.json()
    assert (found["result"], found["takes_two"], found["change"]) == ("preview", True, None)
    [difference] = found["differences"]
    assert difference == {
        "entry": f"contacts[{FRONT_DOOR}]",
        "table": "contacts",
        "key": [FRONT_DOOR],
        "kind": "changed",
        "fields": [
            {"column": "address", "before": "front-door@e09000006.example", "after": NEW},
            {"column": "order", "before": 0, "after": 2},
        ],
        "takes_two": ["address"],
    }
    assert await export(web) == dumps(SMALL)
    assert (await (await web.get("/v1/directory/changes", headers=bearing("hub"))).json())["changes"] == []


async def test_every_problem_at_once_with_its_place(web: Web) -> None:
    document = json.loads(dumps(part_of(SMALL, BROMLEY)))
    document["contacts"][0]["address"] = "nowhere"
    document["contacts"][1]["desk"] = "mase_panel"
    response = await post(web, "/v1/directory?dry_run=true", document)
    assert response.status == 422
    body = await response.json()
    assert [one["path"] for one in body["problems"]] == ["contacts[0].address", "contacts[1].desk"]
    assert body["title"] == "The directory was not changed"
    assert "nowhere" not in json.dumps(body)


async def test_the_csv_tables_of_a_zip_archive(web: Web) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in dumps_csv(part_of(moved(SMALL, order=2), BROMLEY)).items():
            archive.writestr(name, data)
    response = await post(web, "/v1/directory", out.getvalue())
    assert (response.status, (await response.json())["result"]) == (200, "in_force")
    assert await export(web) == dumps(moved(SMALL, order=2))


async def test_what_one_may_change_is_in_force_at_once(web: Web) -> None:
    response = await post(web, "/v1/directory/changes", put(order=7))
    assert response.status == 200
    change = (await response.json())["change"]
    assert (change["state"], change["how"], change["version"], change["proposed_by"]) == (
        "in_force", "alone", 2, f"token:{BROMLEY}/bromley",
    )  # fmt: skip
    assert await export(web) == dumps(moved(SMALL, order=7))


async def test_an_address_waits_and_no_token_agrees_to_it(web: Web) -> None:
    change = await propose(web)
    assert await export(web) == dumps(SMALL)
    for path in (f"/v1/directory/changes/{change}/approve", f"/v1/directory/changes/{change}"):
        assert (await post(web, path, b"{}", "hub")).status in (404, 405)
    done = await office(web.store, clock=web.clock).changing.approve(SAM, change)
    assert done.result == "in_force"
    response = await web.get(f"/v1/directory/changes/{change}", headers=bearing("bromley"))
    body = await response.json()
    assert (body["state"], body["decided_name"], body["differences"][0]["takes_two"]) == (
        "in_force", "Sam Example", ["address"],
    )  # fmt: skip


async def test_what_a_persons_token_proposed_they_do_not_agree_to(web: Web) -> None:
    change = await propose(web, "of-jo")
    desk = office(web.store, clock=web.clock)
    assert (await desk.changing.approve(JO, change)).refusal == "own"
    assert (await desk.changing.approve(SAM, change)).result == "in_force"


async def test_another_organisations_changes_are_not_there(web: Web) -> None:
    change = await propose(web)
    missing = await web.get("/v1/directory/changes/ch_nothing", headers=bearing("police"))
    theirs = await web.get(f"/v1/directory/changes/{change}", headers=bearing("police"))
    assert (theirs.status, await theirs.json()) == (404, await missing.json())
    answers = [await post(web, f"/v1/directory/changes/{one}/withdraw", b"", "police") for one in (change, "ch_no")]
    assert [one.status for one in answers] == [404, 404]
    assert await answers[0].json() == await answers[1].json()
    listed = await web.get("/v1/directory/changes", headers=bearing("police"))
    assert (await listed.json())["changes"] == []
    response = await post(web, "/v1/directory/changes", put(order=1), "police")
    assert response.status == 422
    assert (await response.json())["problems"][0]["message"] == "belongs to another organisation"


async def test_taken_back_by_who_proposed_it(web: Web) -> None:
    change = await propose(web)
    path = f"/v1/directory/changes/{change}/withdraw"
    assert (await post(web, path, b"", "of-jo")).status == 403
    assert (await post(web, path, b"")).status == 200
    assert (await post(web, path, b"")).status == 409
    listed = await web.get("/v1/directory/changes?state=withdrawn", headers=bearing("reader"))
    assert [one["id"] for one in (await listed.json())["changes"]] == [change]


async def test_what_changed_since_it_was_read_is_told(web: Web) -> None:
    assert (await post(web, "/v1/directory/changes", put(order=7))).status == 200
    response = await post(web, "/v1/directory/changes?seen=1", put(order=2))
    assert response.status == 409
    assert [one["path"] for one in (await response.json())["problems"]] == [f"contacts[{FRONT_DOOR}]"]
    assert (await post(web, "/v1/directory/changes?seen=2", put(order=2))).status == 200
    assert (await post(web, "/v1/directory/changes?seen=9", put(order=3))).status == 422


@pytest.mark.parametrize(
    "body",
    [
        {"changes": []},
        {"changes": [{"table": "contacts"}]},
        {"changes": [{"table": "contacts", "put": {}, "remove": ["a"]}]},
        {"changes": [{"table": "desks", "remove": ["a"]}]},
        {"changes": [{"table": "people", "remove": ["a"]}]},
        {"changes": [{"table": "contacts", "remove": []}]},
        {"change": []},
        [],
        b"\xff",
    ],
)
async def test_what_is_not_understood(web: Web, body: Any) -> None:
    response = await post(web, "/v1/directory/changes", body)
    assert response.status == 400
    assert response.content_type == "application/problem+json"


async def test_one_entry_out_with_the_desk_it_belonged_to(web: Web) -> None:
    changes = [{"table": "contacts", "remove": ["e09000006.fallback"]}, {"table": "desks", "remove": [BROMLEY, "mash"]}]
    response = await post(web, "/v1/directory/changes?dry_run=1", {"changes": changes})
    found = (await response.json())["differences"]
    assert [(one["entry"], one["takes_two"]) for one in found] == [
        (f"desks[{BROMLEY}/mash]", []),
        ("contacts[e09000006.fallback]", ["last_contact"]),
    ]


async def test_where_the_stored_directory_cannot_be_read_it_says_so(web: Web) -> None:
    async def spoil(unit: Unit) -> None:
        await unit.put_directory(b"no directory", NOW, [])

    await web.store.write(spoil)
    assert (await web.get("/v1/directory", headers=bearing("hub"))).status == 503
    assert (await post(web, "/v1/directory/changes", put(order=1))).status == 503


def test_a_token_of_an_organisation_has_these_scopes_or_its_register(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=25)
    add = ("tokens", "add", "bromley", "--organisation", BROMLEY)
    assert run(env, *add, "--scope", "directory:read", "--scope", "episodes:read")[0] == 2
    assert run(env, *add, "--scope", "directory:read", "--scope", "register:read")[0] == 2
    assert run(env, *add, "--scope", "directory:read", "--person", "Jo Example")[0] == 2
    added = run(env, *add, "--scope", "directory:read", "--scope", "directory:write", "--person", "us_jo")
    assert (added[0], added[1].startswith("fpt_")) == (0, True)
    assert run(env, "tokens", "add", "hub", "--scope", "directory:read")[0] == 0
    kept = ledger(tmp_path, "fingerpost.sqlite3")["api_tokens"]
    assert [(row[1], row[2], row[5]) for row in sorted(kept, key=lambda row: str(row[1]))] == [
        ("bromley", BROMLEY, "us_jo"),
        ("hub", None, None),
    ]


async def test_a_running_hub_sends_by_the_new_directory_at_once(tmp_path: Path) -> None:
    async with whole(tmp_path, bundle=dumps(SMALL)) as running:
        await file_tokens(running.hub.store, [token("bromley", *BOTH, organisation=BROMLEY)])
        assert running.hub.directory.version == 1
        body = json.dumps(put(order=7)).encode()
        address = f"{running.hub.url}/v1/directory/changes"
        async with running.session.post(address, data=body, headers=bearing("bromley")) as response:
            assert response.status == 200
        found = running.hub.directory().contact(FRONT_DOOR, running.hub.clock.now())
        assert found is not None
        assert (running.hub.directory.version, found.order) == (2, 7)
