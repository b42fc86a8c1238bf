"""The packs quote what their documents say: every quotation stands in a section kept whole beside the packs."""

import hashlib
import re
from pathlib import Path

import pytest

from routing.packs import load_packs
from routing.sections import load_sections, quoted
from scripts import pack_sections

KEPT = load_sections()
MOST = 1_000_000
QUOTED = [
    (pack.name, rule, evidence.section, document, words)
    for pack in load_packs().packs
    for rule, evidence in pack.evidence.items()
    for document, words in (re.findall(r"(\d{3}) «([^»]*)»", evidence.quote) or [(evidence.source, evidence.quote)])
]


def plain(text: str) -> str:
    """Without the differences that typing makes: white space, kinds of quotation marks and dashes."""
    for kinds, one in (("’‘", "'"), ("“”", '"'), ("–—", "-")):
        text = re.sub(f"[{kinds}]", one, text)
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("pack", "rule", "section", "document", "words"), QUOTED, ids=[f"{q[0]}-{q[1]}-{q[3]}" for q in QUOTED]
)
def test_every_quotation_stands_in_the_section_it_names(
    pack: str, rule: str, section: str, document: str, words: str
) -> None:
    named = [s for s in KEPT[document].sections if rule in s.rules and section in s.named]
    assert any(plain(words) in plain(s.text) for s in named), f"{pack} {rule}"


@pytest.mark.parametrize("document", KEPT)
def test_a_name_with_a_number_is_that_of_the_section_with_it(document: str) -> None:
    for section in KEPT[document].sections:
        for name in section.named:
            appendix = re.match(r"App (\d+)", name)
            number = re.match(r"(\d+)(?:\.\d)? ", name)
            if appendix and "Flowchart" not in name:  # of a drawing, the words do not stand under its heading
                assert re.match(rf"(?i)appendix {appendix[1]}(:| [->] |$)", section.title), name
            if number and name != "24 h strategy for care" and "h clock" not in name:
                assert section.title.startswith(f"{number[1]}. "), name


def test_nothing_is_kept_that_is_not_quoted() -> None:
    cited = {(document, rule, section) for _, rule, section, document, _ in QUOTED}
    for document, file in KEPT.items():
        for section in file.sections:
            assert section.rules
            assert {rule for d, rule, named in cited if d == document and named in section.named} >= {*section.rules}
    assert {(d, r) for d, r, _ in cited} == {
        (document, rule) for document, file in KEPT.items() for section in file.sections for rule in section.rules
    }


def test_each_section_is_whole_by_its_own_digest_and_in_its_place() -> None:
    assert set(KEPT) == {"000", "001", "002", "003", "004"}
    for document, file in KEPT.items():
        assert file.document.startswith(f"{document}_")
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        ends = 0
        for section in file.sections:
            data = section.text.encode()
            assert (section.length, section.sha256) == (len(data), hashlib.sha256(data).hexdigest())
            heading = section.title.rpartition(" > ")[2]
            assert plain(section.text).startswith(plain(heading))
            assert section.offset >= ends
            ends = section.offset + section.length


def test_what_is_kept_stays_small() -> None:
    assert 50_000 < sum(path.stat().st_size for path in pack_sections.SECTIONS.glob("*.toml")) < MOST


def test_the_sections_of_a_rule() -> None:
    assert [(document.document[:3], section.title) for document, section in quoted("D-35")] == [
        ("002", "The Role of the Local Authority > Open cases to Children's Services")
    ]
    assert {document.document[:3] for document, _ in quoted("H-03")} == {"000", "002", "003"}
    assert quoted("A-01") == ()


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack, and the document it quotes."""
    packs, documents = tmp_path / "packs", tmp_path / "documents"
    packs.mkdir()
    documents.mkdir()
    quotation = "the duty team's desk is told – at once"
    (packs / "x.toml").write_text(f'[evidence.X-1]\nsource = "009"\nsection = "2 Nights"\nquote = "{quotation}"\n')
    (tmp_path / "headings.toml").write_text('009 = """\n1. Days\n2. Nights\n  Late\n3. Weeks\n"""\n')
    text = (
        "Contents: 2. Nights\n\n1. Days\nPréface.\n\n2.\nNights \n\nOn a night the duty  team’s desk\nis told - at"
        ' once, always. "A\\B\tC"\n\n  Late\nNobody.\n3. Weeks\nThe duty team\'s desk is told - at once.\n'
    )
    (documents / "009_made_up.txt").write_text(text, "utf-8")
    monkeypatch.setattr(pack_sections, "PROTOCOLS", packs)
    monkeypatch.setattr(pack_sections, "SECTIONS", packs / "sections")
    monkeypatch.setattr(pack_sections, "HEADINGS", tmp_path / "headings.toml")
    return documents


def kept_there() -> list[dict[str, object]]:
    file = load_file(pack_sections.SECTIONS / "009.toml")
    sections = file["sections"]
    assert isinstance(sections, list)
    return sections


def load_file(path: Path) -> dict[str, object]:
    return pack_sections.tomllib.loads(path.read_text("utf-8"))


def test_a_section_is_kept_whole_with_its_place_whatever_marks_and_lines_differ(made_up: Path) -> None:
    assert pack_sections.main(["write", str(made_up)]) == 0
    raw = (made_up / "009_made_up.txt").read_bytes()
    assert load_file(pack_sections.SECTIONS / "009.toml")["sha256"] == hashlib.sha256(raw).hexdigest()
    [one] = kept_there()
    text = '2.\nNights \n\nOn a night the duty  team’s desk\nis told - at once, always. "A\\B\tC"'
    assert one["text"] == text
    assert (one["title"], one["named"], one["rules"]) == ("2. Nights", ["2 Nights"], ["X-1"])
    assert raw[one["offset"] :][: one["length"]].decode() == text  # type: ignore[index,misc]  # numbers
    assert one["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert pack_sections.main(["check", str(made_up)]) == 0


def test_of_two_sections_with_the_words_the_one_named_is_kept(made_up: Path) -> None:
    path = pack_sections.PROTOCOLS / "x.toml"
    path.write_text(path.read_text().replace("2 Nights", "3 Weeks").replace("the duty", "duty"))
    assert pack_sections.main(["write", str(made_up)]) == 0
    assert [one["title"] for one in kept_there()] == ["3. Weeks"]


def test_a_document_that_changed_is_found_out(made_up: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack_sections.main(["write", str(made_up)])
    path = made_up / "009_made_up.txt"
    path.write_text(path.read_text("utf-8").replace("always", "perhaps"), "utf-8")
    assert pack_sections.main(["check", str(made_up)]) == 1
    said = capsys.readouterr().err
    assert "its SHA-256 differs" in said
    assert "'2. Nights' is not in 009_made_up.txt" in said


def test_words_that_nobody_wrote_are_not_kept(made_up: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack_sections.PROTOCOLS / "x.toml").write_text(
        '[evidence.X-1]\nsource = "009"\nsection = "2"\nquote = "never told"'
    )
    assert pack_sections.main(["write", str(made_up)]) == 1
    assert "is not in the document" in capsys.readouterr().err
    assert pack_sections.main(["write", str(made_up / "none")]) == 1
    assert pack_sections.main(["wrong"]) == 2


def test_a_heading_that_is_not_there_is_said(made_up: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack_sections.HEADINGS.write_text('009 = """\n2. Nights\n1. Days\n"""\n')
    assert pack_sections.main(["write", str(made_up)]) == 1
    assert "'1. Days' is not a line of the document, or not after the one before it" in capsys.readouterr().err
