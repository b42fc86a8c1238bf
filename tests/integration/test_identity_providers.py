"""The way to identity providers: nothing leads inside, nothing is too large, and keys that change are found."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import ECKey

from adapters.https.guard import Policy
from hub.core.oidc import Metadata, Provider
from hub.edge.identity_providers import LARGEST, IdentityProviders
from hub.service.accounts.provider_ports import CodeRefused, ProviderAway
from tests.kit.clock import FakeClock


@dataclass
class Site:
    """A server that answers as it is told to."""

    clock: FakeClock
    reached: IdentityProviders
    url: str = ""
    asked: list[str] = field(default_factory=list)
    answers: dict[str, web.Response | dict[str, Any]] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        found = self.answers.get(request.path, web.Response(status=404))
        return found if isinstance(found, web.Response) else web.json_response(found)

    def keys(self, *names: str) -> dict[str, Any]:
        made = [ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False) for name in names]
        return {"keys": [*made, {"kty": "of tomorrow"}, 7]}

    @property
    def metadata(self) -> Metadata:
        return Metadata(
            authorization_endpoint=f"{self.url}/authorize", token_endpoint=f"{self.url}/token",
            jwks_uri=f"{self.url}/keys", basic=True, names_itself=False,
        )  # fmt: skip


@asynccontextmanager
async def a_site(policy: Policy) -> AsyncIterator[Site]:
    clock = FakeClock()
    site = Site(clock, IdentityProviders(clock=clock, policy=policy, tls=ssl.create_default_context()))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        await runner.cleanup()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site(Policy(plain_loopback=True)) as made:
        yield made


async def test_keys_are_kept_and_fetched_anew_for_one_that_is_unknown_but_once_a_minute(site: Site) -> None:
    site.answers["/keys"] = site.keys("old")
    for key in (None, "old"):
        assert [one.kid for one in (await site.reached.keys(site.metadata, key)).keys] == ["old"]
    await site.reached.keys(site.metadata, "made up")
    assert len(site.asked) == 1, "whoever makes up keys has the provider asked"
    site.answers["/keys"] = site.keys("old", "new")
    await site.clock.advance(61)
    assert "new" in [one.kid for one in (await site.reached.keys(site.metadata, "new")).keys]
    await site.reached.keys(site.metadata, "made up")
    assert len(site.asked) == 2
    site.answers["/keys"] = web.Response(status=500)
    await site.clock.advance(61)
    assert (await site.reached.keys(site.metadata, "old")).keys, "keys that are known wait for none that are not"
    with pytest.raises(ProviderAway):
        await site.reached.keys(site.metadata, "made up")
    await site.clock.advance(timedelta(hours=1).total_seconds())
    with pytest.raises(ProviderAway):
        await site.reached.keys(site.metadata, "old")


async def test_a_provider_that_is_away_is_not_asked_again_at_once(site: Site) -> None:
    for expected in (1, 1):
        with pytest.raises(ProviderAway):
            await site.reached.metadata(site.url)
        assert len(site.asked) == expected
    await site.clock.advance(10)
    with pytest.raises(ProviderAway):
        await site.reached.metadata(site.url)
    assert site.asked == ["/.well-known/openid-configuration"] * 2


async def test_no_answer_leads_inside_or_elsewhere_or_fills_the_memory(site: Site) -> None:
    document = {
        "issuer": site.url,
        "authorization_endpoint": f"{site.url}/authorize",
        "token_endpoint": f"{site.url}/token",
        "jwks_uri": f"{site.url}/keys",
    }
    place = "/.well-known/openid-configuration"
    moved = web.Response(status=302, headers={"Location": f"{site.url}/elsewhere"})
    for answer in (
        {**document, "issuer": "https://other.example"},
        {**document, "authorization_endpoint": "javascript:alert(1)"},
        {**document, "authorization_endpoint": "http://hub.example/authorize"},
        moved,
        web.Response(body=b"{" + b" " * LARGEST + b"}"),
        web.Response(text="[" * 100_000),
        web.Response(text="[]"),
        web.Response(body=b"\xff"),
    ):
        site.answers[place] = answer
        await site.clock.advance(7200)
        with pytest.raises(ProviderAway):
            await site.reached.metadata(site.url)
    assert "/elsewhere" not in site.asked
    provider = Provider(
        organisation="E09000006", issuer=site.url, client_id="a b", client_secret="c:d", domains=("bromley.example",)
    )
    site.answers["/token"] = web.Response(status=400)
    with pytest.raises(CodeRefused):
        await site.reached.redeem(provider, site.metadata, {"code": "c"})


async def test_without_leave_nothing_of_ones_own_network_is_asked() -> None:
    async with a_site(Policy()) as site:
        for url in (site.url, "https://127.0.0.1", "https://localhost", "https://169.254.169.254", "ftp://a.example"):
            with pytest.raises(ProviderAway):
                await site.reached.metadata(url)
        assert site.asked == []
