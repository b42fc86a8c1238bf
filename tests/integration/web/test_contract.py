"""A hundredth of what ``bench/contract.py`` asks: the published OpenAPI document, with every check of schemathesis."""

from pathlib import Path

from tests.kit.contract import published, schemathesis

REQUESTS = 200


async def test_what_the_document_says_is_so(tmp_path: Path) -> None:
    async with published(tmp_path / "hub") as hub:
        # What an event has to look like is looked at in all its depth in bench/contract.py: it takes long to make up.
        options = ("--phases", "fuzzing", "--max-examples", "10", "--exclude-path", "/v1/events", "--seed", "1")
        outcome = await schemathesis(hub, tmp_path, *options)
    assert outcome.status == 0, outcome.words
    assert sum(outcome.answers.values()) >= REQUESTS
    assert not [status for status in outcome.answers if status >= 500]
    assert {200, 204, 400, 401, 404} <= set(outcome.answers), "not all of it was refused"
