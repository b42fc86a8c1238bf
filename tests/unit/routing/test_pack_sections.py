"""The packs quote what their documents say: every quotation stands in a passage kept beside the packs."""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from routing.packs import load_packs
from scripts import pack_sections

FOLDER = Path(__file__).parents[3] / "routing" / "protocols" / "sections"
KEPT: dict[str, dict[str, Any]] = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.toml")}
QUOTED = [
    (pack.name, rule, document, words)
    for pack in load_packs().packs
    for rule, evidence in pack.evidence.items()
    for document, words in (re.findall(r"(\d{3}) «([^»]*)»", evidence.quote) or [(evidence.source, evidence.quote)])
]


def plain(text: str) -> str:
    """Without the differences that typing makes: white space, kinds of quotation marks and dashes."""
    for kinds, one in (("’‘", "'"), ("“”", '"'), ("–—", "-")):
        text = re.sub(f"[{kinds}]", one, text)
    return " ".join(text.split())


@pytest.mark.parametrize(("pack", "rule", "document", "words"), QUOTED, ids=lambda value: str(value)[:20])
def test_every_quotation_stands_in_its_document(pack: str, rule: str, document: str, words: str) -> None:
    kept = [plain(one["text"]) for one in KEPT[document]["passages"] if rule in one["rules"]]
    assert any(plain(words) in text for text in kept), f"{pack} {rule}"


def test_nothing_is_kept_that_is_not_quoted() -> None:
    cited = {(document, rule) for _, rule, document, _ in QUOTED}
    kept = {(document, rule) for document, file in KEPT.items() for one in file["passages"] for rule in one["rules"]}
    assert kept == cited
    for document, file in KEPT.items():
        for one in file["passages"]:
            assert any(
                plain(w) in plain(one["text"]) for _, rule, d, w in QUOTED if d == document and rule in one["rules"]
            )
            assert len(one["text"]) <= 2 * pack_sections.MOST


def test_each_file_names_its_document_and_its_passages_in_order() -> None:
    assert set(KEPT) == {"000", "001", "002", "003", "004"}
    for document, file in KEPT.items():
        assert file["document"].startswith(document)
        assert re.fullmatch(r"[0-9a-f]{64}", file["sha256"])
        ends = 0
        for one in file["passages"]:
            assert one["offset"] >= ends
            ends = one["offset"] + len(one["text"].encode())


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack, and the document it quotes."""
    packs, documents = tmp_path / "packs", tmp_path / "documents"
    packs.mkdir()
    documents.mkdir()
    (packs / "x.toml").write_text('[evidence.X-1]\nsource = "009"\nquote = "the duty team\'s desk is told – at once"\n')
    text = "Préface\n\nOn a night the duty  team’s desk\nis told - at once, always.\nThe end.\n"
    (documents / "009_made_up.txt").write_text(text, "utf-8")
    monkeypatch.setattr(pack_sections, "PROTOCOLS", packs)
    monkeypatch.setattr(pack_sections, "SECTIONS", packs / "sections")
    return documents


def test_a_passage_is_kept_with_its_place_whatever_marks_and_lines_differ(made_up: Path) -> None:
    assert pack_sections.main(["write", str(made_up)]) == 0
    kept = tomllib.loads((pack_sections.SECTIONS / "009.toml").read_text("utf-8"))
    raw = (made_up / "009_made_up.txt").read_bytes()
    assert kept["sha256"] == hashlib.sha256(raw).hexdigest()
    [one] = kept["passages"]
    assert one["text"] == "On a night the duty  team’s desk\nis told - at once, always."
    assert raw[one["offset"] :].decode().startswith(one["text"])
    assert pack_sections.main(["check", str(made_up)]) == 0


def test_a_document_that_changed_is_found_out(made_up: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack_sections.main(["write", str(made_up)])
    path = made_up / "009_made_up.txt"
    path.write_text(path.read_text("utf-8").replace("always", "perhaps"), "utf-8")
    assert pack_sections.main(["check", str(made_up)]) == 1
    said = capsys.readouterr().err
    assert "its SHA-256 differs" in said
    assert "passages[0]" in said


def test_words_that_nobody_wrote_are_not_kept(made_up: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack_sections.PROTOCOLS / "x.toml").write_text('[evidence.X-1]\nsource = "009"\nquote = "never told"\n')
    assert pack_sections.main(["write", str(made_up)]) == 1
    assert "is not in the document" in capsys.readouterr().err
    assert pack_sections.main(["write", str(made_up / "none")]) == 1
    assert pack_sections.main(["wrong"]) == 2
