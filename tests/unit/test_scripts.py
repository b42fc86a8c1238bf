"""The set-up behind ``make``: what is missing is said in a sentence, and nothing is installed twice.

The scripts run in a folder of their own with stand-ins for every program they call, so nothing is installed here.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
REAL = ("sh", "cat", "cksum", "dirname", "rm", "mkdir", "cp")

PYTHON = """#!/bin/sh
# A Python that can do what its environment says, and notes what it was asked to install.
case "$*" in
    *version_info*) exit "${TOO_OLD:-0}" ;;
    *ensurepip*) exit "${NO_VENV:-0}" ;;
    "-m venv "*) echo "$3" >>made; mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip --version") exit 0 ;;
    scripts/assets) echo "$*" >>asked; exit "${ASSETS_FAIL:-0}" ;;
    "-m pip install"*) echo "$0" >used; echo "$*" >>installed; exit "${PIP_FAILS:-0}" ;;
esac
"""


class Place:
    """A checkout with the scripts in it, and a PATH with nothing else on it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.bin = folder / "bin"
        shutil.copytree(SCRIPTS, self.root / "scripts")
        self.bin.mkdir()
        for name in REAL:
            (self.bin / name).symlink_to(shutil.which(name) or name)
        (self.root / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
        (self.root / "requirements").mkdir()
        (self.root / "requirements" / "demo.txt").write_text("rich==15.0.0\n", encoding="utf-8")

    def program(self, name: str, text: str = "#!/bin/sh\n") -> None:
        path = self.bin / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        script = str(self.root / "scripts" / command[0])
        variables = {"PATH": str(self.bin), "HOME": str(self.root), **environment}
        return subprocess.run([script, *command[1:]], env=variables, capture_output=True, text=True, check=False)

    def installed(self) -> list[str]:
        path = self.root / "installed"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.program("openssl")
    place.program("python3", PYTHON)
    return place


def test_setup_installs_once_and_with_pinned_versions(place: Place) -> None:
    first = place.run("setup", "demo")
    assert first.returncode == 0, first.stderr
    (line,) = place.installed()
    assert line.endswith("-r requirements/demo.txt")
    assert "--require-hashes" in line and "--no-deps" in line
    second = place.run("setup", "demo")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert len(place.installed()) == 1


def test_the_demo_brings_in_what_its_pages_look_like_and_npm_where_there_is_none(place: Place) -> None:
    place.run("setup", "demo")
    assert (place.root / "asked").read_text(encoding="utf-8") == "scripts/assets\n"
    assert "-r requirements/node.txt" in place.installed()[0]
    place.program("npm")
    (place.root / ".venv" / "installed-demo").unlink()
    place.run("setup", "demo")
    assert (place.root / "asked").read_text(encoding="utf-8") == "scripts/assets\n" * 2
    assert "node.txt" not in place.installed()[1]


@pytest.mark.parametrize("npm", [True, False])
def test_a_demo_without_the_look_of_its_pages_is_not_set_up(place: Place, npm: bool) -> None:
    if npm:
        place.program("npm")
    assert place.run("setup", "demo", ASSETS_FAIL="1").returncode == 1
    assert not (place.root / ".venv" / "installed-demo").exists()
    assert place.run("setup", "demo").returncode == 0


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements/demo.txt", "scripts/assets/package-lock.json"])
def test_setup_installs_again_when_a_file_changed(place: Place, changed: str) -> None:
    place.run("setup", "demo")
    (place.root / changed).write_text("# another\n", encoding="utf-8")
    place.run("setup", "demo")
    assert len(place.installed()) == 2


def test_setup_does_nothing_when_only_a_date_changed(place: Place) -> None:
    place.run("setup", "demo")
    os.utime(place.root / "pyproject.toml", (0, 0))
    place.run("setup", "demo")
    assert len(place.installed()) == 1


def test_what_the_tests_need_is_enough_for_the_demo_but_not_the_other_way(place: Place) -> None:
    place.run("setup", "dev")
    place.run("setup", "demo")
    assert len(place.installed()) == 3
    (place.root / ".venv" / "installed-dev").unlink()
    place.run("setup", "demo")
    place.run("setup", "dev")
    dev = ["requirements/build.txt", "requirements/dev.txt", "."]
    assert [line.rpartition(" ")[2] for line in place.installed()] == [*dev, "requirements/demo.txt", *dev]


def test_whatever_comes_from_elsewhere_has_a_digest_and_brings_nothing_along(place: Place) -> None:
    for extra in ("demo", "dev", "supply"):
        place.run("setup", extra)
        (place.root / ".venv" / f"installed-{extra}").unlink()
    for line in place.installed():
        assert "--no-deps" in line
        assert "--require-hashes" in line or line.endswith("--no-build-isolation -e .")


def test_what_the_tests_need_is_enough_for_changing_the_code_on_trial(place: Place) -> None:
    for extra in ("dev", "mutants", "dev", "mutants"):
        assert place.run("setup", extra).returncode == 0
    assert len(place.installed()) == 3


def test_what_looks_after_the_lists_is_installed_besides(place: Place) -> None:
    for extra in ("dev", "supply", "dev", "supply"):
        assert place.run("setup", extra).returncode == 0
    assert [line.rpartition(" ")[2] for line in place.installed()][3:] == ["requirements/supply.txt"]


def test_what_is_only_measured_has_an_environment_of_its_own(place: Place) -> None:
    for extra in ("peers", "peers"):
        assert place.run("setup", extra).returncode == 0
    (line,) = place.installed()
    assert "--require-hashes" in line and line.endswith("-r requirements/peers.txt")
    assert (place.root / "made").read_text(encoding="utf-8").splitlines() == [".venv", ".venv/peers"]
    assert (place.root / "used").read_text(encoding="utf-8") == ".venv/peers/bin/python\n"


def test_an_environment_that_was_moved_is_made_anew(place: Place) -> None:
    place.run("setup", "demo")
    (place.root / ".venv" / "old").touch()
    place.root = place.root.rename(place.root.with_name("moved"))
    assert place.run("setup", "demo").returncode == 0
    assert len(place.installed()) == 2
    assert not (place.root / ".venv" / "old").exists()


def test_a_failed_installation_is_told_and_tried_again(place: Place) -> None:
    failed = place.run("setup", "demo", PIP_FAILS="1")
    assert failed.returncode == 1
    assert "pip could not install the packages" in failed.stderr
    assert place.run("setup", "demo").returncode == 0
    assert len(place.installed()) == 2


@pytest.mark.parametrize(
    ("lacking", "environment", "sentence"),
    [
        ("openssl", {}, "openssl is missing (Debian: apt-get install openssl)"),
        ("python3", {}, "Python 3.11 or newer is missing (Debian: apt-get install python3 python3-venv)"),
        (None, {"TOO_OLD": "1"}, "Python 3.11 or newer is missing"),
        (None, {"NO_VENV": "1"}, "python3 cannot make virtual environments (Debian: apt-get install python3-venv)"),
    ],
)
def test_setup_says_what_is_missing(
    place: Place, lacking: str | None, environment: dict[str, str], sentence: str
) -> None:
    if lacking is not None:
        (place.bin / lacking).unlink()
    done = place.run("setup", "demo", **environment)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert not (place.root / ".venv").exists()


APT = """#!/bin/sh
# Installs by making the program; the first time it has no package lists, as on a fresh machine.
case "$1" in
    update) : >"${0%/*}/lists" ;;
    install) [ -e "${0%/*}/lists" ] && printf '#!/bin/sh\\n' >"${0%/*}/gpgsm" && chmod +x "${0%/*}/gpgsm" ;;
esac
"""


NPM = """#!/bin/sh
# Installs what the lock file of the folder it is in names, and notes how.
[ -f package.json ] && cat package-lock.json >>"$HOME/npm-installed" && echo "$*" >>"$HOME/npm-asked"
exit "${NPM_FAILS:-0}"
"""


@pytest.fixture
def tools(place: Place) -> Place:
    """A machine that lacks one of the programs."""
    place.program("strace")
    place.program("chromium")
    place.program("node")
    place.program("npm", NPM)
    place.program("id", "#!/bin/sh\necho 1000\n")
    (place.bin / "chmod").symlink_to(shutil.which("chmod") or "chmod")
    return place


def test_tools_are_silent_when_all_are_there(tools: Place) -> None:
    tools.program("gpgsm")
    done = tools.run("tools", CI="true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_missing_tool_is_named_where_it_may_not_be_installed(tools: Place) -> None:
    done = tools.run("tools")
    assert done.returncode == 0
    assert "not installed: gpgsm (Debian: apt-get install gpgsm)" in done.stdout
    assert "are skipped" in done.stdout


def test_a_missing_tool_is_an_error_in_ci(tools: Place) -> None:
    done = tools.run("tools", CI="true")
    assert done.returncode == 1
    assert "gpgsm" in done.stdout
    assert "a missing program is an error" in done.stderr


def test_a_missing_tool_is_installed_where_that_is_allowed(tools: Place) -> None:
    tools.program("id", "#!/bin/sh\necho 0\n")
    tools.program("apt-get", APT)
    done = tools.run("tools", CI="true")
    assert (done.returncode, done.stdout) == (0, "tools: installing gpgsm\n")
    assert (tools.bin / "gpgsm").exists()


def packages(place: Place, version: str = "0.5.1") -> None:
    folder = place.root / "tests" / "kit" / "node"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text("{}\n", encoding="utf-8")
    (folder / "package-lock.json").write_text(f"smpp {version}\n", encoding="utf-8")


def test_the_npm_packages_of_the_tests_are_installed_once_from_their_lock_file(tools: Place) -> None:
    tools.program("gpgsm")
    packages(tools)
    for _ in range(2):
        done = tools.run("tools", CI="true")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tools.root / "npm-installed").read_text(encoding="utf-8") == "smpp 0.5.1\n"
    assert "ci --ignore-scripts" in (tools.root / "npm-asked").read_text(encoding="utf-8")
    packages(tools, "0.5.2")
    tools.run("tools", CI="true")
    assert (tools.root / "npm-installed").read_text(encoding="utf-8") == "smpp 0.5.1\nsmpp 0.5.2\n"


def test_npm_packages_that_could_not_be_installed_are_named_and_tried_again(tools: Place) -> None:
    tools.program("gpgsm")
    packages(tools)
    failed = tools.run("tools", NPM_FAILS="1")
    assert failed.returncode == 0
    assert "not installed: the npm packages of tests/kit/node" in failed.stdout
    assert "are skipped" in failed.stdout
    assert tools.run("tools", NPM_FAILS="1", CI="true").returncode == 1
    done = tools.run("tools", CI="true")
    assert (done.returncode, done.stdout) == (0, "")


def test_quiet_says_nothing_of_what_went_well_and_everything_of_what_did_not(place: Place) -> None:
    place.program("fine", "#!/bin/sh\necho much; echo more >&2\n")
    place.program("bad", "#!/bin/sh\necho much; echo more >&2; exit 3\n")
    fine, bad = place.run("quiet", "fine"), place.run("quiet", "bad")
    assert (fine.returncode, fine.stdout) == (0, "")
    assert (bad.returncode, bad.stdout) == (3, "much\nmore\n")
