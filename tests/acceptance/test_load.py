"""Under load: none lost, none twice, counted at the relay. A small part of ``make soak`` (bench/soak.py)."""

from pathlib import Path

from tests.kit.fire_runs import CLIENTS, ground, load

EVENTS = 24


async def test_under_load_every_notice_arrives_once_and_nothing_else(tmp_path: Path) -> None:
    with ground(tmp_path) as (mail, site):
        result = await load(mail, site, EVENTS, clients=CLIENTS)
    verdict = result.verdict
    assert verdict.events >= EVENTS
    assert verdict.extra == 0
    assert verdict.mails == verdict.distinct == verdict.notices - verdict.superseded
    assert verdict.mails > EVENTS, "most of what was decided was to be sent"
    assert result.repeated == verdict.events
    assert verdict.opened_by_openssl == 5
