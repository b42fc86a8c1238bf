"""Every row of the table of answers (spec/events.md), over real HTTP."""

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.core.answers import conflict, duplicate_of, forbidden, unread
from hub.core.records import SourceKey
from hub.core.webhook import SigningKey
from hub.service.ports import StoreUnavailable
from hub.web.api.events import BODY_LIMIT
from tests.kit.clock import START
from tests.kit.events import SOURCE, leaves, merged, raw, reported
from tests.kit.web import CLOUD_EVENT, KEY, SECRET, Web, serving, source

OTHER = "urn:fingerpost:source:other-care"
WRONG = SigningKey(scheme="v1", key=b"another secret of 32 bytes here.")


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with serving(tmp_path) as made:
        yield made


async def refusal(response: ClientResponse, status: int) -> dict[str, Any]:
    assert response.status == status
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = await response.json(content_type=None)
    assert body["status"] == status
    assert body["title"] and body["detail"]
    return body


def counted(web: Web, status: int) -> float | None:
    return web.metrics.registry.get_sample_value("fingerpost_events_answered_total", {"status": str(status)})


async def test_accepted_is_202_with_intakes_own_words(web: Web) -> None:
    body = raw(reported())
    response = await web.post(body)
    assert response.status == 202
    assert response.content_type == "application/json"
    assert await response.json() == {
        "event": "E1",
        "episode": "BRM-EP-0001",
        "duplicate": False,
        "notices": 3,
        "withheld": 1,
        "gaps": [],
        "warnings": [],
    }
    [(event, kept, spoken)] = web.intake.accepted
    assert (event.id, kept, spoken.uri) == ("E1", body, SOURCE)
    assert counted(web, 202) == 1


async def test_the_same_again_is_200_and_another_under_its_id_409(web: Web) -> None:
    web.intake.answer = duplicate_of({"event": "E1"})
    response = await web.post(raw(reported()))
    assert response.status == 200
    assert await response.json() == {"event": "E1", "duplicate": True}
    web.intake.answer = conflict()
    await refusal(await web.post(raw(reported())), 409)


async def test_a_sender_that_may_not_speak_for_this_authority_is_403(web: Web) -> None:
    web.intake.answer = forbidden("qu_9")
    assert (await refusal(await web.post(raw(reported())), 403))["quarantine"] == "qu_9"


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_without_a_header_of_the_signature_it_is_401_and_nothing_is_kept(web: Web, missing: str) -> None:
    body = raw(reported())
    headers = {name: value for name, value in web.headers(body).items() if name != missing}
    response = await web.send(body, headers)
    assert (await refusal(response, 401))["reason"] == "missing_header"
    assert "WWW-Authenticate" in response.headers
    assert (web.intake.accepted, web.intake.refused) == ([], [])
    refused = web.metrics.registry.get_sample_value("fingerpost_requests_refused_total", {"reason": "missing_header"})
    assert refused == 1


async def test_a_wrong_signature_is_401_and_nothing_is_kept(web: Web) -> None:
    assert (await refusal(await web.post(raw(reported()), keys=[WRONG]), 401))["reason"] == "no_valid_signature"
    assert (web.intake.accepted, web.intake.refused) == ([], [])


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_a_header_twice_is_401(web: Web, name: str) -> None:
    body = raw(reported())
    headers = [*web.headers(body).items(), (name, web.headers(body)[name])]
    assert (await refusal(await web.send(body, headers), 401))["reason"] == "duplicate_header"  # type: ignore[arg-type]  # pairs, as a header comes twice
    assert web.intake.accepted == []


async def test_a_body_that_was_written_anew_does_not_verify(web: Web) -> None:
    body = raw(reported())
    again = json.dumps(json.loads(body), indent=1).encode()
    await refusal(await web.send(again, web.headers(body)), 401)
    assert (web.intake.accepted, web.intake.refused) == ([], [])


@pytest.mark.parametrize("off", [-300, -299, 0, 299, 300])
async def test_within_the_tolerance_to_its_edges(web: Web, off: int) -> None:
    assert (await web.post(raw(reported()), at=START + timedelta(seconds=off))).status == 202


@pytest.mark.parametrize("off", [-301, 301, -86_400])
async def test_right_but_stale_is_401_and_kept_with_an_alarm(web: Web, off: int) -> None:
    body = raw(reported())
    answer = await refusal(await web.post(body, at=START + timedelta(seconds=off)), 401)
    assert (answer["reason"], answer["quarantine"]) == ("stale_signature", "qu_1")
    [(kept, spoken, problems, reason)] = web.intake.refused
    assert (kept, spoken.uri, problems, reason) == (body, SOURCE, (), "stale_signature")
    assert web.intake.accepted == []


async def test_stale_and_wrong_is_not_kept(web: Web) -> None:
    await refusal(await web.post(raw(reported()), keys=[WRONG], at=START - timedelta(hours=1)), 401)
    assert web.intake.refused == []


async def test_old_and_new_key_while_one_is_rotated(tmp_path: Path) -> None:
    new = b"a new secret of thirty-two bytes"
    keys = (
        SourceKey(id="sk_1", scheme="v1", key=SECRET, valid_from=START - timedelta(days=9), valid_until=START),
        SourceKey(id="sk_2", scheme="v1", key=new, valid_from=START - timedelta(hours=1)),
    )
    rotated = source(keys=[replace(keys[0], valid_until=START + timedelta(seconds=60)), keys[1]])
    fresh = SigningKey(scheme="v1", key=new)
    async with serving(tmp_path, sources=[rotated]) as web:
        assert (await web.post(raw(reported()))).status == 202
        assert (await web.post(raw(reported()), keys=[fresh])).status == 202
        assert (await web.post(raw(reported()), keys=[WRONG, fresh])).status == 202
        await web.clock.advance(60)
        await refusal(await web.post(raw(reported())), 401)
        assert (await web.post(raw(reported()), keys=[KEY, fresh])).status == 202


async def test_ed25519(tmp_path: Path) -> None:
    seed = b"s" * 32
    signing = SigningKey(scheme="v1a", key=seed)
    key = SourceKey(
        id="sk_1",
        scheme="v1a",
        key=Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw(),
        valid_from=START - timedelta(days=1),
    )
    async with serving(tmp_path, sources=[source(keys=[key])]) as web:
        assert (await web.post(raw(reported()), keys=[signing])).status == 202
        other = SigningKey(scheme="v1a", key=b"t" * 32)
        await refusal(await web.post(raw(reported()), keys=[other]), 401)


async def test_one_source_cannot_sign_for_another(tmp_path: Path) -> None:
    other = source(OTHER, keys=[SourceKey(id="sk_9", scheme="v1", key=WRONG.key, valid_from=START - timedelta(days=1))])
    async with serving(tmp_path, sources=[source(), other]) as web:
        await refusal(await web.post(raw(reported()), keys=[WRONG]), 401)
        assert (web.intake.accepted, web.intake.refused) == ([], [])


async def test_naming_a_second_source_inside_the_body_opens_nothing(tmp_path: Path) -> None:
    # `form` may hold any key, so the cheap search finds both names; the signature decides, and the names must agree.
    other = source(OTHER, keys=[SourceKey(id="sk_9", scheme="v1", key=WRONG.key, valid_from=START - timedelta(days=1))])
    body = raw(reported(form={"source": OTHER}))
    async with serving(tmp_path, sources=[source(), other]) as web:
        answer = await refusal(await web.post(body, keys=[WRONG]), 403)
        assert [p["path"] for p in answer["problems"]] == ["source"]
        [(kept, spoken, _, reason)] = web.intake.refused
        assert (kept, spoken.uri, reason) == (body, OTHER, "invalid")
        assert web.intake.accepted == []
        assert (await web.post(body)).status == 202


async def test_a_disabled_source_is_401(tmp_path: Path) -> None:
    async with serving(tmp_path, sources=[source(disabled_at=START)]) as web:
        assert (await refusal(await web.post(raw(reported())), 401))["reason"] == "unknown_source"


async def test_a_source_added_while_running_is_known_soon(tmp_path: Path) -> None:
    async with serving(tmp_path, sources=[]) as web:
        await refusal(await web.post(raw(reported())), 401)
        await web.store.write(lambda unit: unit.put_source(source()))
        await web.clock.advance(1)
        assert (await web.post(raw(reported()))).status == 202


async def test_a_revoked_key_is_dead_soon(web: Web) -> None:
    assert (await web.post(raw(reported()))).status == 202
    await web.store.write(lambda unit: unit.put_source(source(disabled_at=START)))
    await web.clock.advance(5)
    await refusal(await web.post(raw(reported())), 401)


async def test_invalid_is_422_with_every_path_and_the_exact_bytes_in_quarantine(web: Web) -> None:
    body = raw(merged(reported(), {"data": {"episode": {"category": "lost"}, "child": {"name": 7, "shoe_size": 4}}}))
    answer = await refusal(await web.post(body), 422)
    assert {p["path"] for p in answer["problems"]} >= {
        "data.episode.category",
        "data.child.name",
        "data.child.shoe_size",
    }
    assert answer["quarantine"] == "qu_1"
    [(kept, _, problems, reason)] = web.intake.refused
    assert (kept, reason, len(problems)) == (body, "invalid", len(answer["problems"]))
    text = json.dumps(answer)
    assert not [value for value in leaves(reported()["data"]["child"]) if value in text]


@pytest.mark.parametrize(
    "body",
    [
        b'{"source": "urn:fingerpost:source:bromley-care", "id": "E1", "data": {"child": {"name": "Rob',
        b'{"source": "urn:fingerpost:source:bromley-care"} and more',
        b'{"id": "E1"}',
        b"",
        b"\xff\xfe\x00",
        b'{"source": "urn:fingerpost:source:bromlet-care"}',
        b'{"source": "urn:fingerpost:source:bromley-care", "source": "urn:fingerpost:source:bromley-care"}',
        b"[" * 50_000,
    ],
)
async def test_whatever_a_known_key_signed_is_kept(web: Web, body: bytes) -> None:
    await refusal(await web.post(body), 422)
    assert [(kept, spoken.uri) for kept, spoken, *_ in web.intake.refused] == [(body, SOURCE)]


async def test_a_source_written_with_escapes_is_found(web: Web) -> None:
    body = raw(reported()).replace(b'"urn:fingerpost', b'"urn\\u003afingerpost')
    assert (await web.post(body)).status == 202


async def test_strangers_are_tried_under_every_key_only_so_often(web: Web) -> None:
    statuses = [(await web.post(b"{}", keys=[WRONG])).status for _ in range(25)]
    assert statuses == [401] * 20 + [429] * 5
    # A source that names itself is not held up by them.
    assert (await web.post(raw(reported()))).status == 202


async def test_one_byte_over_the_limit_is_413(web: Web) -> None:
    body = raw(reported()) + b" " * (BODY_LIMIT + 1 - len(raw(reported())))
    await refusal(await web.post(body), 413)
    assert (web.intake.accepted, web.intake.refused) == ([], [])
    assert counted(web, 413) == 1


async def test_exactly_the_limit_is_read(web: Web) -> None:
    body = raw(reported()) + b" " * (BODY_LIMIT - len(raw(reported())))
    assert len(body) == BODY_LIMIT
    assert (await web.post(body)).status == 202


async def test_chunks_are_counted_as_they_come(web: Web) -> None:
    body = raw(reported())

    async def chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
        for start in range(0, len(data), size):
            yield data[start : start + size]

    assert (await web.send(chunks(body, 100), web.headers(body))).status == 202
    large = body + b" " * (BODY_LIMIT + 1 - len(body))
    await refusal(await web.send(chunks(large, 65_536), web.headers(large)), 413)


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "application/cloudevents-batch+json", ""])
async def test_another_media_type_is_415(web: Web, media_type: str) -> None:
    """It is a report all the same, and kept if it is signed."""
    body = raw(reported())
    headers = {**web.headers(body), "Content-Type": media_type}
    assert (await refusal(await web.send(body, headers), 415))["quarantine"] == "qu_1"
    unsigned = {name: value for name, value in headers.items() if not name.startswith("webhook-")}
    assert "quarantine" not in await refusal(await web.send(body, unsigned), 415)


async def test_a_charset_beside_the_media_type_is_no_matter(web: Web) -> None:
    body = raw(reported())
    headers = {**web.headers(body), "Content-Type": f"{CLOUD_EVENT}; charset=utf-8"}
    assert (await web.send(body, headers)).status == 202


async def test_a_compressed_body_is_415(web: Web) -> None:
    body = gzip.compress(raw(reported()))
    headers = {**web.headers(body), "Content-Encoding": "gzip"}
    async with web.session.post(f"{web.url}/v1/events", data=body, headers=headers) as response:
        await refusal(response, 415)


async def test_too_many_is_429_for_that_source_alone(tmp_path: Path) -> None:
    other = source(OTHER, keys=[SourceKey(id="sk_9", scheme="v1", key=WRONG.key, valid_from=START - timedelta(days=1))])
    async with serving(tmp_path, sources=[source(), other], rate=0.5, burst=2) as web:
        # Requests without a valid signature take nothing from the source they name.
        for _ in range(5):
            await refusal(await web.post(raw(reported()), keys=[WRONG]), 401)
        assert [(await web.post(raw(reported()))).status for _ in range(2)] == [202, 202]
        response = await web.post(raw(reported()))
        await refusal(response, 429)
        assert response.headers["Retry-After"] == "2"
        assert (await web.post(raw(reported(source=OTHER)), keys=[WRONG])).status == 202
        await web.clock.advance(2)
        assert (await web.post(raw(reported()))).status == 202


async def test_what_cannot_be_stored_is_503_and_never_202(web: Web) -> None:
    web.intake.answer = StoreUnavailable("disk full")
    response = await web.post(raw(reported()))
    await refusal(response, 503)
    assert int(response.headers["Retry-After"]) >= 1
    web.intake.refusing = StoreUnavailable("disk full")
    for answer in (await web.post(b"{}"), await web.post(raw(reported()), at=START - timedelta(hours=1))):
        await refusal(answer, 503)
        assert "Retry-After" in answer.headers


async def test_what_does_not_open_is_503_and_kept(web: Web) -> None:
    web.intake.answer = unread("qu_1")
    response = await web.post(raw(reported()))
    assert (await refusal(response, 503))["quarantine"] == "qu_1"
    assert response.headers["Retry-After"] == "60"


async def test_sources_that_cannot_be_looked_up_are_503(web: Web) -> None:
    web.store.away = True  # type: ignore[attr-defined]  # the kit's own store
    await refusal(await web.post(raw(reported())), 503)


async def test_a_fault_of_ours_is_500_and_says_nothing(web: Web) -> None:
    web.intake.answer = RuntimeError("Robin Example, born 2011-08-17")
    response = await web.post(raw(reported()))
    answer = await refusal(response, 500)
    assert "Robin" not in json.dumps(answer)
    [line] = web.log.named("request.failed")
    assert line == {"route": "/v1/events", "error": "RuntimeError"}


async def test_other_methods_and_addresses(web: Web) -> None:
    response = await web.get("/v1/events")
    await refusal(response, 405)
    assert response.headers["Allow"] == "POST"
    await refusal(await web.get("/v1/nothing"), 404)
    page = await web.get("/nothing")
    assert (page.status, page.content_type) == (404, "text/html")


async def test_every_answer_bears_the_safe_headers(web: Web) -> None:
    for response in (await web.post(raw(reported())), await web.get("/v1/nothing"), await web.get("/health/live")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert "aiohttp" not in response.headers["Server"].lower()


async def test_no_metric_names_anything_personal(web: Web) -> None:
    event = reported()
    await web.post(raw(event))
    await web.get("/a/some-token-that-nobody-may-see-in-a-metric")
    text = await (await web.get("/metrics")).text()
    assert "/a/{token}" in text
    assert "some-token" not in text
    assert not [value for value in leaves(event) if value in text and value not in ("missing", "parent", "placement")]
