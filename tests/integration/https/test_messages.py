"""A message reaches the case system of whoever it is for, and has all that answering it takes."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwcrypto import jwe, jwk, jws
from standardwebhooks.webhooks import Webhook

from adapters.https.wire import TransportKey
from contacts.directory import Directory
from contacts.fictional import fictional_bundle
from contacts.jwks import thumbprint_of
from contacts.model import Certificate
from hub.core.records import AttemptRecord
from hub.service.envelopes import Composer
from tests.kit.conversing import BROMLEY, HUMBERSIDE, JPEG, Talk, somebody
from tests.kit.delivering import Sink, Watched, World
from tests.kit.events import reported
from tests.kit.node import ACK_SECRET, a_hub
from tests.kit.programs import blocks, program
from tests.kit.pushing import KEYS, RECEIVER, SEED, SIGNER, transport
from tests.kit.receiver import PushServer, push_server
from tests.kit.store import sqlite_store

SECRET = b"shared by the hub and one force."
DESK = (HUMBERSIDE, "missing_persons_unit")


def leading_to(server: PushServer) -> Directory:
    """The force's desk takes notices by push and by nothing else."""
    whole = fictional_bundle()
    contacts = tuple(
        replace(one, channel="push", address=server.url) if (one.organisation, one.desk) == DESK else one
        for one in whole.contacts
    )
    key = Certificate(
        address=server.url, der=RECEIVER.document, fingerprint=thumbprint_of(RECEIVER.document), pinned=True
    )
    return Directory.of(replace(whole, contacts=contacts, certificates=(*whole.certificates, key)))


def opened(body: bytes) -> Mapping[str, Any]:
    """By another library than the hub's, with the receiver's key and the hub's public one."""
    outer = jwe.JWE(algs=["ECDH-ES+A256KW", "A256GCM"])
    outer.deserialize(body.decode(), jwk.JWK(**RECEIVER.private.as_dict(private=True)))
    inner = jws.JWS()
    inner.allowed_algs = ["ES256"]
    inner.deserialize(outer.payload.decode(), jwk.JWK(**SIGNER.public_jwk))
    claims: Mapping[str, Any] = json.loads(inner.payload)
    return claims


def shown_by(
    page: Any,
    server: PushServer,
    headers: Mapping[str, str],
    body: bytes,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """What docs/messages-api.md makes of it, and that it refuses what was tampered with."""
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    page.OUR_URL, page.HUB_REQUEST_KEY = server.url, "whpk_" + base64.b64encode(public).decode()
    (folder / "hub-keys.json").write_text(json.dumps({"keys": [SIGNER.public_jwk]}))
    (folder / "our-keys.json").write_text(
        json.dumps({"keys": [{**RECEIVER.private.as_dict(private=True), "use": "enc", "kid": "receiver"}]})
    )
    monkeypatch.chdir(folder)
    page.time = SimpleNamespace(time=lambda: float(headers["webhook-timestamp"]))
    with pytest.raises(ValueError, match="not signed by the hub"):
        page.pushed(headers, body + b" ")
    return page.pushed(headers, body)


async def test_a_sighting_reaches_the_forces_system_signed_sealed_and_with_where_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with push_server() as server:
        directory = leading_to(server)
        hub = await a_hub(await sqlite_store(tmp_path), directory=directory, channels=("email", "push"))
        await hub.post(reported())
        talk = Talk(hub)
        world = World(store=Watched(hub.store), clock=hub.clock, sinks={"email": Sink(), "sms": Sink("sms")})
        push = transport(server, transport_keys=(*KEYS, TransportKey(scheme="v1", key=SECRET)))
        world.sinks["push"] = push  # type: ignore[assignment]  # the real one takes a sink's place
        world.envelopes = Composer(  # type: ignore[assignment]  # the real one too
            directory=lambda: directory, ack_secret=ACK_SECRET, public_url="https://hub.example", collect="Ring."
        )
        door = somebody(BROMLEY, "front_door")
        said = await talk.wrote(door, to=(DESK,), purpose="sighting", text="Seen at the station.", files=(JPEG,))
        (notice,) = [one for one in await hub.notices(kind="conversation") if one.organisation == HUMBERSIDE]
        (way,) = [one for one in await hub.see(lambda unit: unit.deliveries(notice.id)) if one.channel == "push"]

        async def arrived() -> bool:
            tried: list[AttemptRecord] = list(await hub.see(lambda unit: unit.attempts(way.id)))
            return bool(tried)

        async with world.delivering(world.delivery()):
            await world.passing(arrived)
        await push.aclose()
        await hub.store.aclose()
    (came,) = [one for one in server.requests if one.headers["webhook-id"] == way.id]
    at = int(came.headers["webhook-timestamp"])

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(at, tz)

    # It takes no clock, so its own is held still; and it would read the body as JSON once it has verified it.
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Then)
    monkeypatch.setattr("standardwebhooks.webhooks.json.loads", lambda text: text)
    verified = Webhook("whsec_" + base64.b64encode(SECRET).decode()).verify(came.body, dict(came.headers))
    monkeypatch.undo()
    assert verified in (came.body, came.body.decode())
    for secret in (b"station", b"Kit Writer", b"Robin", said.thread.encode()):
        assert secret not in came.body
    page = program(blocks("messages-api.md", "python")[0], tmp_path, "pushed_messages")
    document = shown_by(page, server, came.headers, came.body, tmp_path, monkeypatch)
    claims = opened(came.body)
    attached = {one["name"]: base64.b64decode(one["data"]) for one in claims["attachments"]}
    assert attached["picture-1.jpg"] == JPEG
    assert document == json.loads(attached["notice.json"])
    assert (document["kind"], document["priority"], document["episode"]) == ("conversation", "immediate", said.episode)
    assert document["message"] == {
        "id": said.id, "thread": said.thread, "purpose": "sighting", "whereabouts": True, "author": "Kit Writer",
        "organisation": document["message"]["organisation"], "sent_at": document["message"]["sent_at"],
        "text": "Seen at the station.", "pictures": ["picture-1.jpg"], "in_reply_to": None,
        "replies_url": f"https://hub.example/v1/threads/{said.thread}/messages",
    }  # fmt: skip
