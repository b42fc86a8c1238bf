"""``fingerpost simulate`` as it is typed."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.simulate import simulate
from tests.kit.scenarios import numbered

RUN = CliRunner(env={"COLUMNS": "80", "TERM": "dumb"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(numbered("053")), "utf-8")
    return path


def test_json_is_the_answer_and_nothing_else(file: Path) -> None:
    done = RUN.invoke(app, ["simulate", str(file), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == simulate(numbered("053"))


def test_the_timeline_breaks_no_word_at_80_columns(file: Path) -> None:
    done = RUN.invoke(app, ["simulate", str(file)])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    whole = " ".join(line.strip() for line in lines)
    assert "return interview offer (responsible authority): done Sat 7 Feb 2026 15:00 (late)" in whole


def test_the_picture_is_written_beside_the_json(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.svg"
    done = RUN.invoke(app, ["simulate", str(file), "--json", "--picture", str(target)])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["answers"]
    assert ET.parse(target).getroot().tag.endswith("svg")


def test_a_picture_that_cannot_be_written_and_a_file_that_is_none_are_told(file: Path, tmp_path: Path) -> None:
    done = RUN.invoke(app, ["simulate", str(file), "--picture", str(tmp_path / "nowhere" / "x.svg")])
    assert done.exit_code == 2
    assert "cannot write" in " ".join(done.stderr.split())
    for text, said in (("{", "is not JSON"), ("{}", "at least one event")):
        file.write_text(text, "utf-8")
        done = RUN.invoke(app, ["simulate", str(file)])
        assert done.exit_code == 2
        assert said in " ".join(done.stderr.split())
