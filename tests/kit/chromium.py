"""A real Chromium, driven by playwright, that keeps what it asked for and what it complained of."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, Request, async_playwright

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
DESKTOP: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 360, "height": 740}


def required() -> str:
    """The program's path; without it the test is skipped, except where CI=true promises that nothing is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed, and CI=true")
        pytest.skip("chromium is not installed; apt-get install chromium")
    return found


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser, with nothing of any earlier run."""
    path = required()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(slots=True)
class Watched:
    """A page, and everything that happened on it."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of the console, errors of scripts, requests that failed."""

    def elsewhere(self, origin: str) -> list[str]:
        """What was asked of any other origin."""
        return [one.url for one in self.requests if not one.url.startswith(f"{origin}/")]


def failed(seen: Watched, request: Request) -> None:
    """Whoever leaves a page breaks off what it was still loading, or listening to: that is nobody's failure."""
    if request.failure != "net::ERR_ABORTED":
        seen.complaints.append(f"failed: {request.url}")


@asynccontextmanager
async def watched(browser: Browser, *, size: dict[str, int] = DESKTOP, scripts: bool = True) -> AsyncIterator[Watched]:
    """A page in a context of its own; ``scripts``: whether JavaScript runs."""
    options: dict[str, Any] = {"viewport": size, "java_script_enabled": scripts, "locale": "en-GB"}
    context = await browser.new_context(**options)
    context.set_default_timeout(15_000)
    page = await context.new_page()
    seen = Watched(page)
    page.on("request", lambda one: seen.requests.append(one))
    page.on("console", lambda said: seen.complaints.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: seen.complaints.append(f"script: {error}"))
    page.on("requestfailed", lambda one: failed(seen, one))
    try:
        yield seen
    finally:
        await context.close()
