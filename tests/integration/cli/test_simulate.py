"""``fingerpost simulate`` as it is typed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from hub.cli import app, main
from hub.cli.output import ERR, OUT
from hub.simulate import simulate
from tests.kit.scenarios import numbered

RUN = CliRunner(env={"COLUMNS": "80", "TERM": "dumb"})


@pytest.fixture(autouse=True)
def width() -> None:
    """Of the terminal, whatever other commands were told in this process."""
    OUT.width = ERR.width = 80


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


def test_it_starts_without_what_a_server_needs() -> None:
    servers = ("sqlalchemy", "aiohttp", "alembic", "pydantic_settings", "holidays", "hub.core.records")
    assert loaded("simulate", servers) == []


def test_serving_starts_without_what_the_other_commands_need() -> None:
    assert loaded("serve", ("hub.cli.commands", "hub.cli.users", "alembic", "aiohttp")) == ["aiohttp"]


def loaded(command: str, modules: tuple[str, ...]) -> list[str]:
    """Which of these are imported where that command is typed."""
    asked = (
        "import contextlib, json, os, sys; from hub.cli import main\n"
        f"sys.argv = ['fingerpost', {command!r}, '--help']\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(open(os.devnull, 'w')): main()\n"
        f"print(json.dumps([one for one in {modules} if one in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def test_something_unforeseen_is_told_without_a_word_of_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("Robin Example")

    monkeypatch.setattr("hub.cli.simulate.run", broken)
    monkeypatch.setattr(sys, "argv", ["fingerpost", "simulate", str(file)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert "Robin" not in said


def test_with_packs_of_ones_own(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    folder.mkdir()
    alone = RUN.invoke(app, ["simulate", str(file), "--json"])
    shutil.copy(Path(__file__).parents[3] / "examples" / "packs" / "exampleshire.toml", folder)
    beside = RUN.invoke(app, ["simulate", str(file), "--json", "--packs", str(folder)])
    assert beside.stdout == alone.stdout  # it applies to another authority
    (folder / "exampleshire.toml").write_text('name = "exampleshire"\n', "utf-8")
    broken = RUN.invoke(app, ["simulate", str(file), "--packs", str(folder)])
    assert broken.exit_code == 2
    assert "exampleshire.toml: title" in " ".join(broken.stderr.split())


def test_with_an_option_turned_on(file: Path) -> None:
    off = json.loads(RUN.invoke(app, ["simulate", str(file), "--json"]).stdout)
    option = ["--option", "national:exploitation_assessment", "--option", "national:review_decision"]
    on = json.loads(RUN.invoke(app, ["simulate", str(file), "--json", *option]).stdout)
    added = {d["code"] for d in on["duties"]} - {d["code"] for d in off["duties"]}
    assert added == {"exploitation_assessment", "review_decision"}
    wrong = RUN.invoke(app, ["simulate", str(file), "--option", "national:nothing", "--option", "nation:x"])
    assert wrong.exit_code == 2
    said = " ".join(wrong.stderr.split())
    assert "--option nation:x is unknown; there is no pack nation" in said
    assert "--option national:nothing is unknown; national has no option nothing; it has" in said
