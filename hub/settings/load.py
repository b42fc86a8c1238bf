"""Reading the settings: file, then environment; strict, every problem at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from hub.settings.model import PREFIX, Settings

FILE_VARIABLE = "FINGERPOST_SETTINGS_FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with the settings. ``setting`` is the environment variable's name."""

    setting: str
    message: str


class SettingsError(Exception):
    """The settings cannot be used."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{p.setting}: {p.message}" for p in problems))


def wrong(name: str, message: str) -> SettingsError:
    """What to raise for the one setting of this name, in either case of letters."""
    return SettingsError((Problem(setting=PREFIX + name.upper(), message=message),))


def load(
    file: Path | None = None, environment: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Read the TOML ``file`` (default: the one ``FINGERPOST_SETTINGS_FILE`` names), then the environment over it.

    Raises :class:`SettingsError` with every problem at once.
    """
    env = dict(os.environ if environment is None else environment)
    named = env.pop(FILE_VARIABLE, None)
    path = file or (Path(named) if named else None)
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    if path is not None:
        values.update(_from_file(path, problems))
    values.update(_from_environment(env, problems))
    values.update(overrides or {})
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems.extend(_problems(error))
        problems.extend(_further_problems(values, error))
        raise SettingsError(tuple(problems)) from None
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _further_problems(values: Mapping[str, Any], error: ValidationError) -> list[Problem]:
    """What the cross-checks have to say of the settings that are right in themselves."""
    wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
    if not wrong:
        return []
    try:
        Settings(**{name: value for name, value in values.items() if name not in wrong})
    except ValidationError as further:
        return _problems(further)
    return []


def _from_file(path: Path, problems: list[Problem]) -> dict[str, Any]:
    if not path.is_file():
        problems.append(Problem(setting=FILE_VARIABLE, message=f"there is no settings file {path}"))
        return {}
    try:
        values = dict(TomlConfigSettingsSource(Settings, path)())
    except (ValueError, OSError) as error:
        problems.append(Problem(setting=FILE_VARIABLE, message=f"{path} is not TOML ({type(error).__name__})"))
        return {}
    unknown = [name for name in values if name not in Settings.model_fields]
    problems.extend(Problem(setting=name, message=f"is no setting (in {path})") for name in unknown)
    return {name: value for name, value in values.items() if name not in unknown}


class _Environment(EnvSettingsSource):
    """pydantic-settings' own reader, over a mapping that is passed in."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = {name.lower(): value for name, value in variables.items()}
        super().__init__(Settings, env_prefix=PREFIX)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables


def _from_environment(env: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    ours = {name: value for name, value in env.items() if name.upper().startswith(PREFIX)}
    for name in ours:
        # A misspelt variable would otherwise be ignored in silence.
        if name.upper().removeprefix(PREFIX).lower() not in Settings.model_fields:
            problems.append(Problem(setting=name, message="is no setting"))
    return dict(_Environment(ours)())


def _problems(error: ValidationError) -> list[Problem]:
    """Every problem, by setting; never the value, which may be a secret."""
    found: list[Problem] = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        message = item["msg"].removeprefix("Value error, ")
        setting = PREFIX + str(item["loc"][0]).upper() if item["loc"] else "settings"
        found.extend(Problem(setting=setting, message=line) for line in message.split("\n"))
    return found
