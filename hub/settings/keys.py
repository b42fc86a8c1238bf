"""The settings of key-encryption keys, besides the files (model.py)."""

import re
import shlex
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode


class KeySettings(BaseSettings):
    """Where key-encryption keys are looked for. All that are given are asked: files, variable, program, module."""

    kek_variable: str | None = Field(
        None,
        description="Environment variable that holds one in hexadecimal or base64, with `{id}` for its id "
        "(`HUB_KEK_{id}`).",
        max_length=100,
    )
    kek_command: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Program that prints one, run without a shell: its full path and arguments, with `{id}` for the "
        "id; a status other than 0 says that there is none.",
    )
    kek_command_timeout: float = Field(10.0, ge=0.1, le=20, description="Seconds that it has.")
    kek_module: str | None = Field(
        None,
        description="Python function (`package.module:function`) that makes a source of keys for a KMS; see "
        "docs/security/keys.md.",
        max_length=200,
    )

    @field_validator("kek_command", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return tuple(shlex.split(value))
            except ValueError:
                raise ValueError("has a quotation mark without its other half") from None
        return value

    @field_validator("kek_command")
    @classmethod
    def _program(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value and not value[0].startswith("/"):
            raise ValueError("must begin with the full path of the program")
        if value and not any("{id}" in part for part in value[1:]):
            raise ValueError("must have {id} in one of its arguments: there will be more than one key")
        return value

    @field_validator("kek_variable")
    @classmethod
    def _variable(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if value.upper().startswith("FINGERPOST_"):
            raise ValueError("must not begin with FINGERPOST_, as only settings do")
        if value.count("{id}") != 1 or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value.replace("{id}", "")):
            raise ValueError("must be the name of a variable with {id} in it once, such as HUB_KEK_{id}")
        return value

    @field_validator("kek_module")
    @classmethod
    def _module(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", value):
            raise ValueError("must be package.module:function")
        return value

    @property
    def keks_elsewhere(self) -> bool:
        """Whether key-encryption keys are looked for anywhere but in files."""
        return bool(self.kek_variable or self.kek_command or self.kek_module)
