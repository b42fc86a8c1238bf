"""Which addresses are really called: the judged one, whatever a name, a setting or the environment says."""

import asyncio
import ssl
import tempfile
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from adapters.https.guard import Policy
from adapters.https.push import PushTransport
from adapters.port import Accepted, Rejected
from tests.kit.pki import Issued, person, root, rsa_key
from tests.kit.pushing import KEYS, SIGNER, delivered, envelope, transport
from tests.kit.receiver import (
    HOST,
    PushServer,
    host_certificate,
    push_server,
    raw_server,
    says,
)
from tests.kit.smtp import client_context, server_context
from tests.kit.transport import NOW


async def test_the_connection_goes_to_the_judged_address_whatever_the_name_becomes(server: PushServer) -> None:
    """DNS rebinding: the name is asked for once a try, and what it becomes afterwards is never called."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        server.lookups.append(host)
        return next(answers)

    push = transport(server, lookup=rebinding)
    assert isinstance(await push.deliver(envelope(server), NOW), Accepted)
    assert server.lookups == [HOST]
    refused = await push.deliver(envelope(server), NOW)
    assert refused == Rejected(reason="misconfigured", detail="resolves to a metadata address", technical=True)
    assert isinstance(await push.deliver(envelope(server), NOW), Accepted)
    assert server.lookups == [HOST] * 3 and len(server.requests) == 2
    await push.aclose()


@pytest.mark.parametrize(
    ("addresses", "what"),
    [
        (["10.0.0.1"], "private"),
        (["::1"], "loopback"),
        (["::ffff:10.0.0.1"], "private"),
        (["64:ff9b::a9fe:a9fe"], "metadata"),
        (["127.0.0.1", "192.168.0.1"], "private"),
        (["8.8.8.8", "169.254.169.254"], "metadata"),
        (["not an address"], "unreadable"),
    ],
)
async def test_one_address_that_must_not_be_called_is_enough(
    server: PushServer, addresses: list[str], what: str
) -> None:
    server.addresses = addresses
    result = await delivered(server)
    assert result == Rejected(reason="misconfigured", detail=f"resolves to a {what} address", technical=True)
    assert server.shown == []


async def test_without_being_allowed_this_machine_is_not_called(server: PushServer) -> None:
    policy = Policy(ports=frozenset({server.port}))
    result = await delivered(server, given={"policy": policy})
    assert result == Rejected(reason="misconfigured", detail="resolves to a loopback address", technical=True)
    real_names = PushTransport(
        issuer="https://hub.example",
        signer=SIGNER,
        transport_keys=KEYS,
        policy=Policy(ports=frozenset({server.port}), networks=(ip_network("10.0.0.0/8"),)),
    )
    for address in (f"https://localhost:{server.port}/", f"https://127.0.0.1:{server.port}/", server.url + "#x"):
        result = await real_names.deliver(envelope(server, address=address), NOW)
        assert isinstance(result, Rejected) and result.reason == "misconfigured" and not result.technical
    await real_names.aclose()
    assert server.shown == []


async def test_the_environment_sets_no_proxy(server: PushServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert isinstance(await delivered(server), Accepted)


async def test_http_to_this_machine_by_its_switch_only() -> None:
    async def ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says("HTTP/1.1 204 No Content")(reader, writer)

    async with raw_server(ok, tls=False) as server:
        address = f"http://127.0.0.1:{server.port}/"
        refused = await delivered(server, address=address)
        assert isinstance(refused, Rejected) and refused.reason == "misconfigured"
        development = {"policy": Policy(plain_loopback=True)}
        assert isinstance(await delivered(server, address=address, given=development), Accepted)
        named = f"http://localhost:{server.port}/"
        server.addresses = ["127.0.0.1"]
        assert isinstance(await delivered(server, address=named, given=development), Accepted)
        server.addresses = ["10.0.0.1"]
        refused = await delivered(server, address=named, given=development)
        assert refused == Rejected(reason="misconfigured", detail="resolves to a private address", technical=True)


async def test_a_receiver_that_asks_for_our_certificate_gets_it() -> None:
    context = server_context(host_certificate())
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=root().pem.decode())
    own = client_context()
    hub = person("notices@hub.example", issuer=root(), purposes=(), key=rsa_key("hub"))
    async with push_server(context) as server:
        assert not isinstance(await delivered(server), Accepted)
        assert server.shown == []
        _present(own, hub)
        assert isinstance(await delivered(server, given={"tls_context": own}), Accepted)


def _present(context: ssl.SSLContext, issued: Issued) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "own.pem").write_bytes(issued.pem + issued.key_pem)
        context.load_cert_chain(Path(folder) / "own.pem")
