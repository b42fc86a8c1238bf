"""Client certificates, over real TLS and in the header of a trusted proxy: without the one that it is bound to, a token
or a source's key is worth nothing."""

import base64
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession, TCPConnector

from hub.app.tls import server_tls
from hub.core.api_tokens import digest
from hub.settings import SettingsError
from tests.kit.clock import START
from tests.kit.events import raw, reported
from tests.kit.hub import hub_settings
from tests.kit.pki import Issued, authority, curve_key, person, root
from tests.kit.tokens import Token, file_tokens
from tests.kit.web import serving, source
from tests.kit.whole import whole

STRANGERS = authority("Strangers", key=curve_key("strangers"))


def client(name: str, *, issuer: Issued) -> Issued:
    return person(f"{name}@client.example", issuer=issuer, key=curve_key(name), usage=None, purposes=())


OWN, OTHER, FOREIGN = client("own", issuer=root()), client("other", issuer=root()), client("far", issuer=STRANGERS)


def bound(name: str, *, to: Issued | None) -> Token:
    certificate = None if to is None else bytes.fromhex(to.fingerprint)
    return Token(
        name=name,
        scopes=frozenset({"episodes:read"}),
        sha256=digest(f"fpt_{name}"),
        created_at=START,
        certificate=certificate,
    )


def showing(issued: Issued | None, folder: Path) -> TCPConnector:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # who the hub is, is not what is asked here
    if issued is not None:
        file = folder / f"{issued.fingerprint}.pem"
        file.write_bytes(issued.pem + issued.key_pem)
        context.load_cert_chain(file)
    return TCPConnector(ssl=context)


async def test_over_tls_a_bound_token_opens_with_its_own_certificate_only(tmp_path: Path) -> None:
    hub = client("hub", issuer=root())
    (tmp_path / "hub.pem").write_bytes(hub.pem)
    (tmp_path / "hub.key").write_bytes(hub.key_pem)
    (tmp_path / "ca.pem").write_bytes(root().pem)
    files = {"tls_certificate_file": "hub.pem", "tls_key_file": "hub.key", "tls_client_ca_file": "ca.pem"}
    async with whole(tmp_path, **{name: tmp_path / file for name, file in files.items()}) as running:
        assert running.hub.url.startswith("https://")
        await file_tokens(running.hub.store, [bound("bound", to=OWN), bound("free", to=None)])
        got = {}
        for issued, token in ((OWN, "bound"), (OTHER, "bound"), (None, "bound"), (None, "free"), (OTHER, "free")):
            async with ClientSession(connector=showing(issued, tmp_path)) as session:
                headers = {"Authorization": f"Bearer fpt_{token}"}
                async with session.get(f"{running.hub.url}/v1/episodes", headers=headers) as response:
                    got[None if issued is None else issued.fingerprint, token] = response.status
        own, other = OWN.fingerprint, OTHER.fingerprint
        assert got == {
            (own, "bound"): 200,
            (other, "bound"): 401,
            (None, "bound"): 401,
            (None, "free"): 200,
            (other, "free"): 200,
        }
        async with ClientSession(connector=showing(FOREIGN, tmp_path)) as session:
            with pytest.raises(ClientConnectionError):
                await session.get(f"{running.hub.url}/v1/episodes", headers={"Authorization": "Bearer fpt_free"})


def said(issued: Issued) -> str:
    return f":{base64.b64encode(issued.der).decode()}:"


@pytest.mark.parametrize(("trusted", "status"), [(("127.0.0.0/8",), 200), ((), 401), (("10.0.0.0/8",), 401)])
async def test_the_header_counts_from_a_trusted_proxy_only(
    tmp_path: Path, trusted: tuple[str, ...], status: int
) -> None:
    async with serving(tmp_path, tokens=[bound("bound", to=OWN)], certificates_from=trusted) as web:
        bearing = ("Authorization", "Bearer fpt_bound")
        assert (await web.get("/v1/episodes", headers=[bearing, ("Client-Cert", said(OWN))])).status == status
        for wrong in (said(OTHER), OWN.fingerprint, said(OWN)[:-1], ":AAA=:", "::"):
            assert (await web.get("/v1/episodes", headers=[bearing, ("Client-Cert", wrong)])).status == 401
        twice = [bearing, ("Client-Cert", said(OTHER)), ("Client-Cert", said(OWN))]
        assert (await web.get("/v1/episodes", headers=twice)).status == 401


async def test_what_a_bound_source_sends_without_its_certificate_is_kept_and_not_acted_upon(tmp_path: Path) -> None:
    own = replace(source(), certificate=bytes.fromhex(OWN.fingerprint))
    async with serving(tmp_path, sources=[own], certificates_from=("127.0.0.0/8",)) as web:
        body = raw(reported())
        refused = await web.post(body)
        assert refused.status == 401
        [(kept, _, problems, why)] = web.intake.refused
        assert (kept, why) == (body, "invalid") and "client certificate" in problems[0].message
        assert web.intake.accepted == []
        given = {**web.headers(body), "Client-Cert": said(OWN)}
        assert (await web.send(body, given)).status == 202
        assert len(web.intake.accepted) == 1


@pytest.mark.parametrize(
    ("files", "setting"),
    [
        ({"tls_certificate_file": "none", "tls_key_file": "none"}, "TLS_CERTIFICATE_FILE"),
        ({"tls_certificate_file": "own.pem", "tls_key_file": "other.key"}, "TLS_CERTIFICATE_FILE"),
        (
            {"tls_certificate_file": "own.pem", "tls_key_file": "own.key", "tls_client_ca_file": "own.key"},
            "TLS_CLIENT_CA_FILE",
        ),
    ],
)
def test_files_that_cannot_be_used_stop_the_start(tmp_path: Path, files: dict[str, str], setting: str) -> None:
    (tmp_path / "own.pem").write_bytes(OWN.pem)
    (tmp_path / "own.key").write_bytes(OWN.key_pem)
    (tmp_path / "other.key").write_bytes(OTHER.key_pem)
    settings = hub_settings(tmp_path, **{name: tmp_path / file for name, file in files.items()})
    with pytest.raises(SettingsError) as caught:
        server_tls(settings)
    assert [problem.setting for problem in caught.value.problems] == [f"FINGERPOST_{setting}"]
    assert server_tls(hub_settings(tmp_path)) is None
