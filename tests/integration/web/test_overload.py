"""Abuse over real connections: what is not for somebody is not read, and what is sent again is not kept again."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from hub.core.webhook import sign
from tests.integration.web.test_directory_pages import Place, place
from tests.integration.web.test_slow_clients import open_head
from tests.kit.events import raw, reported
from tests.kit.visitor import BOUNDARY
from tests.kit.web import CLOUD_EVENT, KEY, serving

__all__ = ["place"]


@pytest.mark.parametrize("path", ["/directory/import", "/directory/of/E09000006/contacts/new"])
async def test_a_file_of_somebody_who_may_not_change_the_directory_is_not_read(place: Place, path: str) -> None:
    reader = await place.visitor("Rowan Example", "recipient")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: hub\r\nCookie: fingerpost={reader.cookies['fingerpost']}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 16000000\r\n\r\n"
    )
    answers, writer = await open_head(place.web, head.encode())
    async with asyncio.timeout(5):  # nothing of the file was sent
        assert (await answers.readline()).startswith(b"HTTP/1.1 404 ")
    writer.close()


async def test_one_old_request_sent_again_and_again_is_kept_once(tmp_path: Path) -> None:
    body = raw(reported())
    async with serving(tmp_path) as web:
        old = sign(body, webhook_id="msg_1", at=web.clock.now() - timedelta(days=1), keys=[KEY])
        for _ in range(3):
            headers = {**old, "Content-Type": CLOUD_EVENT}
            async with web.session.post(f"{web.url}/v1/events", data=body, headers=headers) as response:
                assert response.status == 401
                assert (await response.json(content_type=None))["quarantine"] == "qu_1"
        assert len(web.intake.refused) == 1
        for _ in range(2):
            assert (await web.post(b'{"source": "urn:fingerpost:source:bromley-care"}')).status == 422
        assert len(web.intake.refused) == 2
