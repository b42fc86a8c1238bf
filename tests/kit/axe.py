"""The accessibility checker axe-core (npm), on the page as a browser shows it: the rules of WCAG 2.2 A and AA."""

import os
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Page

SCRIPT: Final = Path(__file__).parent.parent.parent / ".venv" / "node" / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN: Final = """async rules => {
    const found = await axe.run(document, {runOnly: {type: "tag", values: rules}, resultTypes: ["violations"]});
    return {
        passes: found.passes.length,
        violations: found.violations.map(one => [one.id, one.help, one.nodes.map(node => node.html.slice(0, 200))]),
    };
}"""


def required() -> str:
    """The script; without it the test is skipped, except where CI=true promises that nothing is."""
    if not SCRIPT.is_file():
        missing = "the npm package axe-core is not installed; run scripts/tools"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing}, and CI=true")
        pytest.skip(missing)
    return SCRIPT.read_text("utf-8")


async def accessible(page: Page) -> None:
    """Nothing on the page breaks a rule. Scripts have to run on it; its content security policy stays as it is."""
    await page.evaluate(required())
    found: dict[str, Any] = await page.evaluate(RUN, RULES)
    assert found["passes"] > 5, "the checker looked at nothing"
    assert found["violations"] == [], found["violations"]
