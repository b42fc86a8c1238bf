"""What is said to be in force in the code is there."""

from pathlib import Path

import pytest

from routing.in_code import load_places

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("place", load_places(), ids=lambda place: place.place)
def test_each_place_is_there(place: object) -> None:
    path = ROOT / str(getattr(place, "place", ""))
    assert path.is_file()
