"""A hundredth of what ``bench/contract.py`` asks: the published OpenAPI document, with every check of schemathesis."""

from pathlib import Path

from tests.kit.contract import published, schemathesis

REQUESTS = 200


async def test_what_the_document_says_is_so(tmp_path: Path) -> None:
    async with published(tmp_path / "hub") as hub:
        # Events, orders and changes are asked in bench/contract.py: requests of many parts take long to make up.
        options = ("--exclude-path", "/v1/events", "--exclude-path-regex", "^/v1/(outbox/|directory)")
        outcome = await schemathesis(hub, tmp_path, "--phases", "coverage", "--seed", "1", *options)
    assert outcome.status == 0, outcome.words
    assert sum(outcome.answers.values()) >= REQUESTS
    assert not [status for status in outcome.answers if status >= 500]
    assert {200, 204, 400, 401, 404} <= set(outcome.answers), "not all of it was refused"
