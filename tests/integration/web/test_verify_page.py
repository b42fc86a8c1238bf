"""The page where a contact proves itself; and the challenge that only the key of a certificate opens, by real mail."""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from contacts.areas import load_areas
from contacts.model import Contact
from contacts.scope import part_of
from contacts.tables import load
from hub.app.assurance import asking_of, proofs_of
from hub.app.keys import acknowledgement_secret, key_ring
from hub.app.mail import email_transport, signing_of
from hub.core.tokens import verify_token
from hub.core.verification import Place, asked, claimed, waiting
from hub.edge.ids import SeededIds
from tests.kit.clock import START
from tests.kit.hub import hub_settings, story_bundle
from tests.kit.pki import rsa_key
from tests.kit.web import ACK_SECRET, Web, serving
from tests.kit.whole import whole

CONTACT = Contact(id="bromley-1", organisation="E09000006", desk="mash", channel="email",
                  address="mash@bromley.example")  # fmt: skip
PLACE = Place(mark=b"m" * 16, place=b"p" * 16, contacts=(CONTACT,))
WEDNESDAY_NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@dataclass
class Asked:
    """A web in which one contact was asked."""

    web: Web
    url: str

    async def state(self) -> str:
        (found,) = await self.web.store.read(lambda unit: unit.assurance.all_places())
        return str(found.state)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Asked]:
    async with serving(tmp_path, public_url="https://hub.example/post") as web:
        taken = claimed(waiting(PLACE, "pv_1", ACK_SECRET, START), PLACE, "pv_2", ACK_SECRET, START)
        await web.store.write(lambda unit: unit.assurance.put_places([asked(taken, None, START)]))
        yield Asked(web, f"{web.url}/v/{verify_token(ACK_SECRET, 'pv_1')}")


async def test_only_the_button_confirms_and_once_is_enough(page: Asked) -> None:
    session = page.web.session
    for method in ("GET", "HEAD", "GET"):
        async with session.request(method, page.url) as response:
            text = await response.text()
            assert response.status == 200
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["Cache-Control"] == "no-store"
    assert '<form method="post"' in text and "<script>" not in text and "Confirm" in text
    assert await page.state() == "asked", "link scanners follow every link"
    for _ in range(2):
        async with session.post(page.url, data={}) as response:
            assert (response.status, "this address works" in await response.text()) == (200, True)
        assert await page.state() == "proved"
    async with session.get(page.url) as response:
        assert "this address works" in await response.text()
    lines = repr(page.web.log.lines)
    assert page.url.rpartition("/")[2] not in lines
    async with session.get(f"{page.web.url}/metrics") as response:
        figures = await response.text()
    assert "/v/{token}" in figures and page.url.rpartition("/")[2] not in figures


async def test_the_page_says_nothing_of_anybody(page: Asked) -> None:
    async with page.web.session.get(page.url) as response:
        text = await response.text()
    for word in (CONTACT.address, CONTACT.id, CONTACT.organisation, "Bromley", "mash", "child"):
        assert word not in text


@pytest.mark.parametrize("token", ["x" * 43, "short", "%2e%2e%2fetc", "a" * 500])
async def test_every_other_token_is_answered_alike(page: Asked, token: str) -> None:
    found = []
    for method in ("GET", "POST"):
        async with page.web.session.request(method, f"{page.web.url}/v/{token}") as response:
            found.append((response.status, re.sub(r"\s+", " ", await response.text())))
    assert found[0] == found[1] and found[0][0] == 404
    assert await page.state() == "asked"


async def test_the_challenge_of_a_certificate_is_opened_by_its_key_alone(tmp_path: Path) -> None:
    async with whole(tmp_path) as all_of_it:
        hub, settings = all_of_it.hub, hub_settings(tmp_path, smtp_port=all_of_it.relay.port, verify_per_hour=100_000)
        ids, secret = SeededIds("proof"), acknowledgement_secret(key_ring(settings))
        proofs = proofs_of(settings, hub.store, secret, hub.clock, ids)
        transport = email_transport(settings, signing_of(settings))
        await _only_those_of_bromley(hub)
        asking = asking_of(settings, hub.store, {"email": transport}, hub.directory, proofs, secret, ids, all_of_it.log)
        assert await asking.tick(WEDNESDAY_NOON)
        await transport.aclose()
        row = next(one for one in await proofs.listed() if one.state == "asked")
        link = f"/v/{verify_token(secret, row.id)}"
        mail = next(m for m in all_of_it.relay.received if f"<{row.id}.1@".encode() in m.data)
        assert b"application/pkcs7-mime" in mail.data and link.encode() not in mail.data
        (address,) = mail.recipients
        own = x509.load_der_x509_certificate(hub.directory().certificates(address)[0].der)
        payload = message_from_bytes(mail.data).get_payload()
        signed = pkcs7.pkcs7_decrypt_der(base64.b64decode(str(payload)), own, rsa_key("mailboxes"), [])
        parts = message_from_bytes(signed, policy=policy.default).walk()
        text = next(p for p in parts if p.get_content_type() == "text/plain").get_content()
        assert link in text
        async with all_of_it.session.post(f"{hub.url}{link}") as response:
            assert response.status == 200
        after = {one.id: one for one in await proofs.listed()}
        assert after[row.id].state == "proved"
        assert sum(one.state == "proved" for one in after.values()) == 1
        status, figures = await all_of_it.get("/metrics")
        assert status == 200 and address not in figures


async def _only_those_of_bromley(hub: Any) -> None:
    """The story's directory without the rest of the country, so that the first asked has a certificate."""
    bundle = load(story_bundle(), load_areas(), hub.clock.now()).bundle
    assert bundle is not None
    hub.directory.take(hub.directory.version + 1, part_of(bundle, "E09000006"))
