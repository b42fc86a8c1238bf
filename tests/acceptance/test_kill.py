"""Under SIGKILL: nothing accepted is lost, and what is sent again bears the first Message-ID. See bench/soak.py."""

import random
from pathlib import Path

from tests.kit.fire_runs import LEASE, ground, kill

KILLS = 2


async def test_killed_at_random_moments_it_loses_nothing_that_it_took(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    with ground(tmp_path, **LEASE) as (mail, site):
        result = await kill(mail, site, KILLS, seed, clients=4, pause=0.2, window=1.0)
    assert result.kills == KILLS
    assert result.repeated == result.verdict.events > 0
    assert result.verdict.most_copies <= 1 + KILLS
    assert len(result.ready) == KILLS + 1
