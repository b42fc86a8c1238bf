"""The slow hash, with the parameters that serve."""

import time
from dataclasses import replace

from hub.edge.passwords import Argon2
from tests.kit.accounts import QUICK


async def test_it_is_the_second_recommendation_of_rfc_9106_and_never_the_same_twice() -> None:
    passwords = Argon2()
    one, other = await passwords.hashed("seven quiet otters"), await passwords.hashed("seven quiet otters")
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert one != other
    assert await passwords.matches(one, "seven quiet otters")
    assert not await passwords.matches(one, "seven quiet otter")
    assert not passwords.outdated(one)


async def test_nobodys_password_takes_as_long_and_is_never_right() -> None:
    passwords = Argon2(replace(QUICK, memory_cost=32_768))
    encoded = await passwords.hashed("seven quiet otters")

    async def quickest(against: str | None) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            assert not await passwords.matches(against, "nobody's password")
            times.append(time.perf_counter() - began)
        return min(times)

    # Without the comparison it would be a hundred times quicker.
    assert await quickest(None) > await quickest(encoded) / 3
    assert not await passwords.matches(None, "")


async def test_what_is_no_hash_is_never_right_and_older_parameters_are_outdated() -> None:
    passwords = Argon2(QUICK)
    for broken in ("", "plain", "$argon2id$v=19$m=8,t=1,p=1$x", "$2b$12$abcdefghijklmnopqrstuv"):
        assert not await passwords.matches(broken, "plain")
    encoded = await passwords.hashed("x")
    assert not passwords.outdated(encoded)
    assert Argon2(replace(QUICK, time_cost=2)).outdated(encoded)
