"""Where key-encryption keys are looked for: strict, every problem at once."""

from pathlib import Path

import pytest

from hub.app.keys import key_ring
from hub.settings import SettingsError, load, missing_for_serving, risks


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(
            environment={
                "FINGERPOST_KEK_COMMAND": "kek --id {id}",
                "FINGERPOST_KEK_VARIABLE": "FINGERPOST_KEK_{id}",
                "FINGERPOST_KEK_COMMAND_TIMEOUT": "0",
                "FINGERPOST_KEK_MODULE": "os.system('x')",
            }
        )
    assert {one.setting.removeprefix("FINGERPOST_KEK_") for one in caught.value.problems} == {
        "COMMAND", "VARIABLE", "COMMAND_TIMEOUT", "MODULE",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("COMMAND", "/usr/bin/kek", "{id} in one of its arguments"),
        ("COMMAND", "/usr/bin/kek '{id}", "quotation mark"),
        ("COMMAND", "bin/kek {id}", "full path"),
        ("VARIABLE", "HUB_KEK", "{id} in it once"),
        ("VARIABLE", "HUB-{id}", "{id} in it once"),
        ("VARIABLE", "fingerpost_{id}", "must not begin with"),
        ("MODULE", "council.kms", "package.module:function"),
    ],
)
def test_what_cannot_work_is_refused(setting: str, value: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load(environment={f"FINGERPOST_KEK_{setting}": value})


def test_a_command_is_split_as_a_shell_would_and_no_shell_reads_it() -> None:
    settings = load(environment={"FINGERPOST_KEK_COMMAND": "/usr/bin/kek 'a b' --id={id}"})
    assert settings.kek_command == ("/usr/bin/kek", "a b", "--id={id}")


def test_no_file_is_missing_where_keys_are_elsewhere_and_a_variable_is_a_risk(tmp_path: Path) -> None:
    def named(**values: object) -> tuple[set[str], set[str]]:
        settings = load(environment={}, overrides={"data_folder": tmp_path, **values})
        return {one.setting for one in missing_for_serving(settings)}, {one.name for one in risks(settings)}

    assert "FINGERPOST_KEK_FILES" in named()[0] and "kek_in_the_environment" not in named()[1]
    missing, risky = named(kek_variable="HUB_KEK_{id}")
    assert "FINGERPOST_KEK_FILES" not in missing and "kek_in_the_environment" in risky
    assert "FINGERPOST_KEK_FILES" not in named(kek_command=("/usr/bin/kek", "{id}"))[0]


def test_the_index_secret_is_no_key_encryption_key(tmp_path: Path) -> None:
    for name in ("kek-1.key", "index.key"):
        (tmp_path / name).write_bytes(b"x" * 32)
    with pytest.raises(SettingsError, match="must not be one of"):
        key_ring(load(environment={}, overrides={"keys_folder": tmp_path}))
