"""/v1/outbox: seen with one scope, changed with another, and only once it is confirmed."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.core.api_tokens import digest
from hub.core.records import Changes, ReceiptRecord, Sought
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from tests.kit.clock import START
from tests.kit.records import SECRETS, Story, result
from tests.kit.tokens import Token
from tests.kit.web import Web, serving

PERSONAL = (*SECRETS.values(), "the police are told of every missing child")


def token(name: str, *scopes: str, organisation: str | None = None) -> Token:
    return Token(
        name=name, scopes=frozenset(scopes), sha256=digest(f"fpt_{name}"), created_at=START, organisation=organisation
    )


TOKENS = (
    token("viewer", "episodes:read"),
    token("mender", "outbox:write"),
    token("both", "episodes:read", "outbox:write"),
    token("bromley", "register:read", organisation="E09000006"),
)


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    """Two desks to be told: of the first the delivery failed."""
    async with serving(tmp_path, tokens=TOKENS) as web:
        story = Story(SeededIds("story"))

        async def work(unit: Unit) -> Changes:
            return await story.told(unit, 2)

        async def fail(unit: Unit) -> None:
            claimed = await unit.claim(START, START + timedelta(minutes=1), "n", 2)
            first, second = sorted(claimed, key=lambda one: one.delivery.id)
            ended = result(first, START, state="failed", attempt="permanent_failure", notice_state="undeliverable")
            await unit.finish([ended], "n")
            await unit.release([second.delivery.id], "n", START)
            await unit.add_receipt(
                ReceiptRecord(
                    id="rc_1", arrived_at=START, channel="email", kind="bounced", delivery=first.delivery.id, attempt=1,
                    code="5.1.1", raw=SECRETS["body"].encode(),
                )
            )  # fmt: skip

        await web.store.write(work)
        await web.store.write(fail)
        yield web


async def both(web: Web) -> list[str]:
    """The failed delivery, and the one that is due."""
    found = await web.store.read(lambda unit: unit.outbox(Sought(), START, START))
    return [one.delivery for one in found]


def bearing(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer fpt_{name}"}


async def order(web: Web, deed: str, body: Any, bearer: str = "mender") -> tuple[int, Any]:
    url = f"{web.url}/v1/outbox/{deed}"
    async with web.session.post(url, json=body, headers=bearing(bearer)) as response:
        return response.status, await response.json(content_type=None)


async def listed(web: Web, query: str = "", bearer: str = "viewer") -> Mapping[str, Any]:
    response = await web.get(f"/v1/outbox{query}", headers=bearing(bearer))
    assert response.status == 200, await response.text()
    body: Mapping[str, Any] = await response.json()
    return body


async def test_who_may(web: Web) -> None:
    (first, _) = await both(web)
    for path in ("/v1/outbox", f"/v1/outbox/{first}"):
        statuses = [(await web.get(path, headers=bearing(one.name))).status for one in TOKENS]
        assert statuses == [200, 403, 200, 403], path
        assert (await web.get(path)).status == 401
    for deed in ("redrive", "cancel"):
        body = {"deliveries": [first]}
        assert [(await order(web, deed, body, one.name))[0] for one in TOKENS] == [403, 200, 200, 403]
        assert (await web.session.post(f"{web.url}/v1/outbox/{deed}", json=body)).status == 401
        assert (await web.get(f"/v1/outbox/{deed}")).status == 405, "which no delivery is called"


async def test_it_is_listed_counted_and_paged(web: Web) -> None:
    first, second = await both(web)
    body = await listed(web)
    assert [one["delivery"] for one in body["deliveries"]] == [first, second]
    assert body["counts"] == {"due": 1, "leased": 0, "failed": 1, "late": 0, "stuck": 1}
    assert body["after"] is None
    page = await listed(web, "?limit=1")
    assert ([one["delivery"] for one in page["deliveries"]], page["after"]) == ([first], first)
    rest = await listed(web, f"?limit=1&after={first}")
    assert ([one["delivery"] for one in rest["deliveries"]], rest["after"]) == ([second], None)
    for query, found in {
        "?state=failed": [first],
        "?state=due": [second],
        "?state=stuck": [first],
        "?channel=email&organisation=E23000001": [first, second],
        "?organisation=E09000006": [],
        "?older_than=60": [],
        "?reason=tls_failed": [],
    }.items():
        assert [one["delivery"] for one in (await listed(web, query))["deliveries"]] == found, query


async def test_one_shows_what_happened_what_happens_next_and_what_can_be_done(web: Web) -> None:
    first, second = await both(web)
    body = await (await web.get(f"/v1/outbox/{first}", headers=bearing("viewer"))).json()
    assert (body["state"], body["notice_state"], body["contact"]) == ("failed", "undeliverable", "co_1")
    assert [(one["number"], one["state"]) for one in body["attempts"]] == [(1, "permanent_failure")]
    assert [(one["kind"], one["code"]) for one in body["receipts"]] == [("bounced", "5.1.1")]
    assert body["next"] == {"does": "nothing", "at": None}
    assert body["redrive"] == {"refused": None, "cautions": []} and body["cancel"] == {"refused": None}
    other = await (await web.get(f"/v1/outbox/{second}", headers=bearing("viewer"))).json()
    assert other["next"] == {"does": "try", "at": START.isoformat().replace("+00:00", "Z")}
    assert other["redrive"]["refused"] == "due"
    assert (await web.get("/v1/outbox/dl_none", headers=bearing("viewer"))).status == 404


async def test_an_order_does_nothing_before_it_is_confirmed_and_nothing_twice(web: Web) -> None:
    first, second = await both(web)
    before = await listed(web)
    status, body = await order(web, "redrive", {"state": "failed"})
    assert (status, body["confirmed"]) == (200, False)
    assert [(one["delivery"], one["refused"], one["organisation"]) for one in body["deliveries"]] == [
        (first, None, "E23000001")
    ]
    assert await listed(web) == before
    meant = {"deliveries": [first], "why": "mended", "confirm": True}
    for refused in (None, "due"):
        status, body = await order(web, "redrive", meant)
        assert (status, body["confirmed"]) == (200, True)
        assert [one["refused"] for one in body["deliveries"]] == [refused]
    assert (await listed(web))["counts"]["due"] == 2
    meant = {"deliveries": [second], "why": "wrong_contact", "confirm": True}
    status, body = await order(web, "cancel", meant)
    assert [(one["refused"], one["last_way"]) for one in body["deliveries"]] == [(None, True)]
    alarms = await web.store.read(lambda unit: unit.alarms())
    assert [(one.kind, one.reason) for one in alarms] == [("undeliverable", "cancelled: wrong_contact")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "narrow"),
        ({"confirm": True, "why": "mended"}, "narrow"),
        ({"state": "failed", "confirm": True}, "reasons"),
        ({"state": "failed", "confirm": True, "why": "duplicate"}, "reasons"),
        ({"state": "failed", "confirm": "yes"}, "confirm"),
        ({"state": "lost"}, "state"),
        ({"everything": True}, "everything"),
        ({"deliveries": ["dl one"]}, "deliveries.0"),
        ([], "not understood"),
    ],
)
async def test_an_order_that_is_not_understood_is_refused_whole(web: Web, body: Any, said: str) -> None:
    status, answer = await order(web, "redrive", body)
    assert status == 400
    assert said in f"{answer['detail']} {answer.get('problems')}"
    assert (await listed(web))["counts"]["failed"] == 1


@pytest.mark.parametrize("query", ["?state=lost", "?limit=0", "?limit=many", "?older_than=-1", "?page=2"])
async def test_a_question_that_is_not_understood_is_refused(web: Web, query: str) -> None:
    response = await web.get(f"/v1/outbox{query}", headers=bearing("viewer"))
    assert response.status == 400
    assert "many" not in (await response.text()).replace("?limit=many", "")


async def test_a_body_that_is_no_json_is_said_to_be_none_and_not_repeated(web: Web) -> None:
    headers = {**bearing("mender"), "Content-Type": "application/json"}
    async with web.session.post(f"{web.url}/v1/outbox/cancel", data=b"Robin Example", headers=headers) as response:
        assert response.status == 400
        assert "Robin" not in await response.text()


async def test_nothing_of_it_is_personal(web: Web) -> None:
    first, _ = await both(web)
    [episode] = (await (await web.get("/v1/episodes", headers=bearing("viewer"))).json())["episodes"]
    texts = [
        await (await web.get(path, headers=bearing("viewer"))).text()
        for path in ("/v1/outbox", f"/v1/outbox/{first}", f"/v1/episodes/{episode['id']}")
    ]
    texts.append(str(await order(web, "redrive", {"state": "failed"})))
    for text in texts:
        assert not [value for value in PERSONAL if value in text]


async def test_an_episode_shows_each_link_from_obligation_to_human(web: Web) -> None:
    first, second = await both(web)
    [episode] = (await (await web.get("/v1/episodes", headers=bearing("viewer"))).json())["episodes"]
    body = await (await web.get(f"/v1/episodes/{episode['id']}", headers=bearing("viewer"))).json()
    told = {
        one["deliveries"][0]["id"]: (decision, one) for decision in body["decisions"] for one in decision["notices"]
    }
    decision, notice = told[first]
    assert (decision["kind"], decision["priority"], decision["recipients"]) == (
        "missing", "high", [{"role": "police", "organisation": "E23000001"}],
    )  # fmt: skip
    assert [(rule["pack"], rule["rule"]) for rule in decision["rules"]] == [("national", "B-13")]
    assert (notice["state"], notice["urgent"], notice["chase_at"]) == ("undeliverable", False, None)
    [delivery] = notice["deliveries"]
    assert (delivery["purpose"], delivery["carries"], delivery["contact"], delivery["state"]) == (
        "notice", "content", "co_1", "failed",
    )  # fmt: skip
    assert [one["state"] for one in delivery["attempts"]] == ["permanent_failure"]
    assert [(one["kind"], one["code"]) for one in delivery["receipts"]] == [("bounced", "5.1.1")]
    assert told[second][1]["state"] == "pending"
