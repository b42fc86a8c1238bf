"""Whoever looks at something leaves a line: every address is either a look, or said to be none."""

import html
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from contacts.roles import OPERATOR
from hub.core.accounts import Role
from hub.core.audit_actions import ACTIONS
from hub.core.records import AuditLine
from hub.edge.ids import SeededIds
from hub.service.audit.ports import Wanted
from hub.service.audit.reading import PAGE
from hub.service.ports import StoreUnavailable
from hub.web.looks import SEEN
from tests.kit.accounts import BROMLEY, CAMDEN, accounts_over
from tests.kit.clock import START
from tests.kit.tokens import Token
from tests.kit.visitor import Visitor
from tests.kit.web import Web, serving

OWN: Final = frozenset(
    {
        "/v1/register/{organisation}",
        "/notices",
        "/notices/{notice}",
        "/notices/{notice}/photo",
        "/conversations/{thread}",
        "/v1/threads/{thread}/messages",
        "/v1/threads/{thread}/messages/{message}/pictures/{number}",
        "/conversations/pictures/{file}",
        "/register",
        "/p/{token}/notice",
        "/p/{token}/photo",
        "/audit",
    }
)
"""Leave a line of their own, in the transaction that reads, with what was shown."""
NOTHING: Final = frozenset(
    {
        "/v1/schema/{type}", "/v1/openapi.json", "/health/live", "/health/ready", "/health/overdue", "/metrics",
        "/.well-known/fingerpost",
        "/", "/static/{name}", "/sign-in", "/sign-in/code", "/sign-in/passkey", "/sign-in/with",
        "/sign-in/with/{organisation}", "/sign-in/with/{organisation}/back", "/invitation/{token}",
        "/account", "/account/password", "/account/confirm", "/account/confirm/passkey", "/account/passkeys/add",
        "/account/passkeys/options", "/account/passkeys/{passkey}",
        "/users/invite", "/tokens/add", "/directory/import", "/notices/search",  # empty forms
        "/a/{token}", "/v/{token}", "/c/{token}", "/p/{token}", "/p/{token}/code",  # what one was sent oneself
        "/wall/live", "/notices/live", "/conversations/{thread}/live",  # the page it belongs to was looked at
    }
)  # fmt: skip
"""Show nothing of anybody else's."""


async def looks_of(hub: Web) -> list[AuditLine]:
    found = await hub.store.read(lambda unit: unit.trail.listed(Wanted()))
    return [one.line for one in found if "route" in one.line.detail]


async def test_every_address_is_a_look_or_is_said_to_be_none(tmp_path: Path) -> None:
    async with serving(tmp_path) as hub:
        routes = {
            route.resource.canonical
            for route in hub.app.router.routes()
            if route.method == "GET" and route.resource is not None
        }
    assert routes == SEEN.keys() | OWN | NOTHING
    assert not (SEEN.keys() & OWN or SEEN.keys() & NOTHING or OWN & NOTHING)
    assert set(SEEN.values()) <= ACTIONS.keys()


async def signed_in(hub: Web, who: str, role: Role, organisation: str = BROMLEY) -> Visitor:
    done = await accounts_over(hub.store, hub.clock, seed=who).member(
        f"{who}@people.example", role, organisation=organisation
    )
    return Visitor(hub, cookies={"fingerpost": done.token})


async def test_a_look_is_written_down_once_with_who_and_what(tmp_path: Path) -> None:
    token = Token(name="rota", scopes=frozenset({"episodes:read"}), sha256=sha256(b"secret").digest(), created_at=START)
    async with serving(tmp_path, tokens=[token]) as hub:
        jo = await signed_in(hub, "jo", "directory_admin")
        bearer = {"Authorization": "Bearer secret"}
        assert (await hub.get("/v1/episodes", headers=bearer)).status == 200
        assert (await hub.get("/v1/episodes/none", headers=bearer)).status == 404
        assert (await hub.get("/v1/episodes")).status == 401
        assert (await jo.get("/wall")).status == 404
        assert (await jo.get("/users?name=Robin")).status == 200
        assert (await jo.get("/directory/changes")).status == 200
        found = await looks_of(hub)
        assert [(one.action, one.actor.split(":")[0], one.organisation, one.subject) for one in found] == [
            ("directory.viewed", "user", BROMLEY, None),
            ("users.viewed", "user", BROMLEY, None),
            ("episodes.listed", "token", None, None),
        ]
        assert {one.actor for one in found} >= {"token:rota"}
        assert "Robin" not in str(found)


async def test_what_cannot_be_written_down_is_not_shown(tmp_path: Path) -> None:
    async with serving(tmp_path) as hub:
        jo = await signed_in(hub, "jo", "directory_admin")
        assert (await jo.get("/directory/changes")).status == 200

        async def nothing(self: object, looked: object) -> None:
            raise StoreUnavailable("a full disk")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hub.service.audit.looks.Looks.note", nothing)
            seen = await jo.get("/directory/changes")
        assert (seen.status, "Changes" in seen.text) == (503, False)


async def test_the_log_is_read_by_those_who_may_and_of_their_own_organisation(tmp_path: Path) -> None:
    async with serving(tmp_path) as hub:
        jo = await signed_in(hub, "jo", "directory_admin")
        sam = await signed_in(hub, "sam", "auditor", CAMDEN)
        kim = await signed_in(hub, "kim", "recipient")
        ray = await signed_in(hub, "ray", "operator", OPERATOR)
        lee = await signed_in(hub, "lee", "directory_admin", OPERATOR)
        made = [
            AuditLine(id=f"au_{name}", at=START, actor="hub", action="notice.created", organisation=organisation,
                      episode=f"ep_{name}", subject=f"nt_{name}")
            for name, organisation in (("ours", BROMLEY), ("theirs", CAMDEN), ("nobodys", None))
        ]  # fmt: skip
        await hub.store.write(lambda unit: unit.add_audit(made))

        async def seen(by: Visitor, query: str = "") -> set[str]:
            page = await by.get(f"/audit{query}")
            assert page.status == 200
            return {name for name in ("ours", "theirs", "nobodys") if f"nt_{name}" in page.text}

        assert (await seen(jo), await seen(sam), await seen(lee)) == ({"ours"}, {"theirs"}, set())
        assert await seen(ray) == {"ours", "theirs", "nobodys"}
        assert await seen(ray, f"?organisation={CAMDEN}") == {"theirs"}
        assert await seen(ray, "?episode=ep_ours&actor=hub") == {"ours"}
        assert await seen(jo, "?episode=ep_theirs") == set()
        assert "There are no lines like that" in (await jo.get("/audit?episode=ep_theirs")).text
        # Not yours, not there, and not allowed are one answer.
        for visitor, path in ((kim, "/audit"), (jo, f"/audit?organisation={CAMDEN}"), (jo, "/audit?before=au_none")):
            assert (await visitor.get(path)).status == 404
        assert 'href="/audit"' in (await jo.get("/account")).html
        assert 'href="/audit"' not in (await kim.get("/account")).html
        read = await hub.store.read(lambda unit: unit.trail.listed(Wanted(organisation=CAMDEN)))
        assert "audit.read" in {one.line.action for one in read}


async def test_older_lines_are_a_page_away(tmp_path: Path) -> None:
    async with serving(tmp_path) as hub:
        jo = await signed_in(hub, "jo", "directory_admin")
        ids = SeededIds("many")
        made = [
            AuditLine(id=ids.new("au", START), at=START, actor="token:Sam Marker", action="x.y", organisation=BROMLEY)
            for _ in range(PAGE + 10)
        ]
        await hub.store.write(lambda unit: unit.add_audit(made))
        asked = "/audit?actor=token%3ASam+Marker"
        first = await jo.get(asked)
        [older] = set(re.findall(r'href="([^"]*before=[^"]*)"', first.html))
        second = await jo.get(html.unescape(older))
        assert (first.html.count("<code>x.y"), second.html.count("<code>x.y")) == (PAGE, 10)
        lines = await hub.store.read(lambda unit: unit.trail.listed(Wanted(actor=made[0].actor), limit=1))
        assert lines[0].line.id == made[-1].id
        read = await hub.store.read(lambda unit: unit.trail.listed(Wanted(organisation=BROMLEY), limit=500))
        details = [dict(one.line.detail) for one in read if one.line.action == "audit.read"]
        assert {"actor": "other", "organisation": BROMLEY} in details, "what somebody typed stands in no line"
