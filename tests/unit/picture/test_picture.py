"""The picture of a run: well-formed, the same every time, everything in it, nothing smuggled in, nothing by colour
alone."""

import copy
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.picture.shapes import KINDS, clean
from hub.picture.sheet import document
from hub.simulate import simulate
from hub.simulate.lanes import drawing_of
from tests.kit.scenarios import FILES, numbered, scenario

SVG = "{http://www.w3.org/2000/svg}"


def picture(case: dict[str, Any], answer: dict[str, Any]) -> str:
    return document(drawing_of(case, answer))


def drawn(case: dict[str, Any]) -> ET.Element:
    return ET.fromstring(picture(case, simulate(case)))


def symbols(root: ET.Element) -> list[str]:
    return [str(g.get("aria-label")) for g in root.iter(f"{SVG}g") if g.get("role") == "graphics-symbol img"]


def texts(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_scenario_is_drawn_whole_and_inside_the_paper(file: Path) -> None:
    case = scenario(file)
    answer = simulate(case)
    root = ET.fromstring(picture(case, answer))
    drawing, words = drawing_of(case, answer), texts(root)
    for row in (*drawing.lanes, *drawing.duties, *drawing.register, *drawing.episodes):
        assert any(row.title.startswith(word) for word in words if word)
    _, _, wide, high = map(float, str(root.get("viewBox")).split())
    for text in root.iter(f"{SVG}text"):
        if text.get("x"):
            assert 0 <= float(text.get("x", "0")) <= wide
            assert 0 <= float(text.get("y", "0")) <= high
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("width", "0")) >= 0
        assert float(rect.get("x", "0")) + float(rect.get("width", "0")) <= wide + 0.1


@pytest.mark.parametrize("file", FILES[:6], ids=lambda file: file.stem)
def test_the_same_run_gives_the_same_bytes(file: Path) -> None:
    case = scenario(file)
    again = copy.deepcopy(case)
    assert picture(case, simulate(case)) == picture(again, simulate(again))


def test_every_decision_is_drawn_none_twice() -> None:
    for file in FILES:
        case = scenario(file)
        answer = simulate(case)
        lanes = drawing_of(case, answer).lanes
        assert sum(len(lane.marks) for lane in lanes) == len(answer["decisions"])


def test_every_event_is_flagged_also_a_refused_one() -> None:
    words = " ".join(texts(drawn(numbered("034"))))
    assert "refused (422)" in words
    assert "E1 reported" in " ".join(texts(drawn(numbered("048"))))


def test_marks_say_in_words_what_they_are() -> None:
    said = symbols(drawn(numbered("031")))
    assert "parent, Sam Example: Sat 10 Jan 2026 20:00: missing, held" in " ".join(said)
    assert any("nobody has decided yet" in words for words in said)
    root = drawn(numbered("031"))
    for group in root.iter(f"{SVG}g"):
        if group.get("role") == "graphics-symbol img":
            title = group.find(f"{SVG}title")
            assert title is not None
            assert title.text == group.get("aria-label")


def test_the_whole_is_told_in_words_too() -> None:
    root = drawn(numbered("053"))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text == "Return duties reminded, late, chased, declined"
    assert "return interview (responsible authority): done Sat 7 Feb 2026 15:00 (late)" in str(description.text)
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_kinds_differ_by_letter_and_no_two_look_the_same_without_colour() -> None:
    looks = [(shape, letter) for shape, letter, _ in KINDS.values()]
    assert len(set(looks)) == len(looks)


def contrast(colour: str, other: str = "#ffffff") -> float:
    """WCAG 2.2, contrast ratio."""

    def light(code: str) -> float:
        parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(colour), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_letters_can_be_read_on_every_colour_and_all_text_on_the_paper() -> None:
    assert all(contrast(colour) >= 4.5 for _, _, colour in KINDS.values())
    for file in FILES[:4]:
        for text in drawn(scenario(file)).iter(f"{SVG}text"):
            colour = text.get("fill") or "#0b0c0c"
            assert colour == "#ffffff" or contrast(colour) >= 4.5


@pytest.mark.parametrize("number", ["058", "064"])
def test_half_a_year_fits_on_a_page_and_its_breaks_are_marked(number: str) -> None:
    root = drawn(numbered(number))
    assert float(str(root.get("width"))) <= 1700
    assert float(str(root.get("height"))) <= 1700
    assert any("h6" in str(path.get("d")) for path in root.iter(f"{SVG}path"))


def test_dates_under_the_axis_never_touch() -> None:
    for file in FILES:
        by_line: dict[str, list[float]] = {}
        for text in drawn(scenario(file)).iter(f"{SVG}text"):
            if text.get("text-anchor") == "middle" and str(text.text)[-4:].isdigit() and " 20" in str(text.text):
                by_line.setdefault(str(text.get("y")), []).append(float(text.get("x", "0")))
        for places in by_line.values():
            ordered = sorted(places)
            assert all(b - a >= 66 for a, b in pairwise(ordered))


def test_markup_in_a_title_or_a_name_stays_text() -> None:
    case = numbered("001")
    case["title"] = "<script>alert(1)</script> & \x00\x1b \ud800"
    root = drawn(case)
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    assert root.findtext(f"{SVG}title") == "<script>alert(1)</script> & \ufffd\ufffd \ufffd"


@given(st.text())
def test_any_text_becomes_well_formed(text: str) -> None:
    element = ET.Element("a")
    element.text = clean(text)
    assert ET.fromstring(ET.tostring(element)).text in (element.text.replace("\r", "\n"), element.text or None)
