"""An identity provider that others wrote (the npm package ``oidc-provider``), in a process of its own.

``node/oidc.mjs`` is ours and only steers it. ``scripts/tools`` installs the package, pinned, into ``.venv/node``.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar

from tests.kit.smsc import MODULES

SCRIPT: Final = Path(__file__).parent / "node" / "oidc.mjs"
CLIENT: Final = "fingerpost"
SECRET: Final = "a client's secret: with / and +"


def required() -> str:
    """Node's path; without it or the package the test is skipped, except where CI=true promises that nothing is."""
    found = shutil.which("node")
    if found is None or not (MODULES / "oidc-provider").is_dir():
        missing = (
            "node is not installed"
            if found is None
            else "the npm package oidc-provider is not installed; run scripts/tools"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing}, and CI=true")
        pytest.skip(missing)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Council:
    """The provider, and a browser at its pages."""

    issuer: str

    async def answer(self, address: str, who: str | None, *how: str, acr: str | None = None) -> str:
        """Where the provider sends the browser back to once ``who`` has signed in over there, by these methods
        (``amr``); None: they leave."""
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            async with browser.get(address, allow_redirects=False) as response:
                place = response.headers.get("Location", "")
                assert "/interaction/" in place, (response.status, await response.text())
            said = [("who", who)] if who else [("leave", "yes")]
            said += [("amr", one) for one in how] + ([("acr", acr)] if acr else [])
            place = f"{self.issuer}{urlsplit(place).path}?{urlencode(said)}"
            while place.startswith(self.issuer):
                async with browser.get(place, allow_redirects=False) as response:
                    assert "Location" in response.headers, (response.status, await response.text())
                    place = response.headers["Location"]
        return place


@contextmanager
def council(redirect_uri: str, people: Mapping[str, Mapping[str, Any]], **client: Any) -> Iterator[Council]:
    """The provider, with these people (by subject: their claims). It ends with its standard input."""
    known = {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [redirect_uri], **client}
    place = (MODULES / "oidc-provider" / "lib" / "index.js").as_uri()
    command = [required(), str(SCRIPT), place, json.dumps({"client": known, "people": people})]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield Council(issuer=f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}")
        finally:
            process.stdin.close()
            process.kill()
