"""The routes that mail servers and providers post to: 204 only for what is stored, and nothing looked at unproven."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from adapters.sms.govuk_callbacks import LARGEST
from hub.core.api_tokens import digest
from hub.web.api.callbacks import MAIL_LIMIT
from tests.kit.clock import START
from tests.kit.tokens import Token
from tests.kit.web import CALLBACK_TOKEN, Web, serving

MAIL = "/v1/receipts/email"
NOTIFY = "/v1/callbacks/govuk-notify/receipts"
TEXTS = "/v1/callbacks/govuk-notify/texts"
TO = {"Fingerpost-Recipient": f"r+{'a' * 32}@hub.example"}
RECEIPT = json.dumps(
    {
        "id": "740e5834-3a29-46b4-9a6f-16142fde533a",
        "reference": "dl_1",
        "status": "delivered",
        "notification_type": "sms",
    }
).encode()


def token(name: str, scope: str) -> Token:
    return Token(name=name, scopes=frozenset({scope}), sha256=digest(f"fpt_{name}"), created_at=START)


TOKENS = (token("mail", "receipts:write"), token("viewer", "episodes:read"))


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with serving(tmp_path, tokens=TOKENS) as web:
        yield web


def bearing(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def posted(web: Web, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    async with web.session.post(f"{web.url}{path}", data=body, headers=headers) as response:
        return response.status, response.headers, await response.read()


async def apart(web: Web) -> list[tuple[str, str, bytes]]:
    found = await web.store.read(lambda unit: unit.receipts_apart(START, 10))
    return [(one.channel, one.why, one.raw) for one in found]


async def test_a_mail_is_stored_before_the_answer(web: Web) -> None:
    status, _, body = await posted(web, MAIL, b"Subject: x\r\n\r\nHello\r\n", {**bearing("fpt_mail"), **TO})
    assert (status, body) == (204, b"")
    assert await apart(web) == [("email", "not_a_report", b"Subject: x\r\n\r\nHello\r\n")]


async def test_without_the_right_token_nothing_is_taken(web: Web) -> None:
    for headers, expected in (({}, 401), (bearing("fpt_guessed"), 401), (bearing("fpt_viewer"), 403)):
        assert (await posted(web, MAIL, b"x", {**headers, **TO}))[0] == expected
    assert await apart(web) == []


@pytest.mark.parametrize("recipient", [None, "", "nobody", "a@" + "x" * 320])
async def test_whom_it_came_to_has_to_be_said(web: Web, recipient: str | None) -> None:
    to = {} if recipient is None else {"Fingerpost-Recipient": recipient}
    status, headers, body = await posted(web, MAIL, b"x", {**bearing("fpt_mail"), **to})
    assert (status, headers["Content-Type"]) == (400, "application/problem+json")
    assert b"Fingerpost-Recipient" in body


async def test_a_mail_beyond_the_limit_is_not_read(web: Web) -> None:
    too_long = {**bearing("fpt_mail"), **TO, "Content-Length": str(MAIL_LIMIT + 1)}
    async with web.session.post(f"{web.url}{MAIL}", data=b"", headers=too_long) as response:
        assert response.status == 413


async def test_while_the_store_is_away_whoever_sends_it_keeps_it(web: Web) -> None:
    web.store.away = True  # type: ignore[attr-defined]  # the kit's own store
    for path, body, headers in (
        (MAIL, b"x", {**bearing("fpt_mail"), **TO}),
        (NOTIFY, RECEIPT, bearing(CALLBACK_TOKEN)),
    ):
        status, answered, _ = await posted(web, path, body, headers)
        assert (status, int(answered["Retry-After"]) > 0) == (503, True)


@pytest.mark.parametrize("path", [NOTIFY, TEXTS])
@pytest.mark.parametrize("headers", [{}, bearing("guessed"), bearing(""), {"Authorization": CALLBACK_TOKEN}])
async def test_a_callback_without_its_token_is_not_looked_at(web: Web, path: str, headers: dict[str, str]) -> None:
    status, answered, _ = await posted(web, path, RECEIPT, headers)
    assert (status, answered["WWW-Authenticate"]) == (401, "Bearer")
    assert await apart(web) == []


async def test_a_callback_about_nothing_we_know_is_kept_apart(web: Web) -> None:
    assert (await posted(web, NOTIFY, RECEIPT, bearing(CALLBACK_TOKEN)))[0] == 204
    assert (await posted(web, NOTIFY, b"{}", bearing(CALLBACK_TOKEN)))[0] == 204
    assert await apart(web) == [("sms", "unknown", RECEIPT), ("sms", "body", b"{}")]
    text = b'fingerpost_receipts_total{channel="sms",kind="apart"} 2.0'
    assert text in web.metrics.render({}, {})


async def test_a_callback_beyond_the_limit_is_not_read(web: Web) -> None:
    assert (await posted(web, NOTIFY, b"x" * (LARGEST + 1), bearing(CALLBACK_TOKEN)))[0] == 413


@pytest.mark.parametrize("path", [MAIL, NOTIFY, TEXTS])
async def test_they_are_posted_to(web: Web, path: str) -> None:
    assert (await web.get(path)).status == 405
