"""What a proxy is told to pass on: the documentation names each address of the hub, as for outside or for inside."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

from tests.kit.web import serving

OPERATORS = Path(__file__).parents[3] / "docs" / "operators.md"


async def test_every_address_is_said_to_be_passed_on_or_kept_inside(tmp_path: Path) -> None:
    [section] = re.findall(
        r"^## Behind a proxy$(.*?)^## ", OPERATORS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    table, _, after = section.partition("Keep inside:")
    outside = re.findall(r"`(/[^`]*)`", table)
    inside = [*re.findall(r"`(/[^`]+)`", after.partition("\n")[0]), "/v1/episodes"]
    async with serving(tmp_path) as hub:
        assert (await hub.get("/")).headers["Location"].endswith("/sign-in")
        paths = {route.resource.canonical for route in hub.app.router.routes() if route.resource is not None}

    def named(path: str, prefixes: list[str]) -> bool:
        return any(path == one or (one != "/" and fnmatchcase(path, f"{one}*")) for one in prefixes)

    assert sorted(path for path in paths if not named(path, outside) and not named(path, inside)) == []
    assert [one for one in outside if not any(named(path, [one]) for path in paths)] == []
    needs_a_token_of_the_operator = {"/v1/episodes", "/v1/episodes/{episode}"}
    assert not {path for path in needs_a_token_of_the_operator if named(path, outside)}
