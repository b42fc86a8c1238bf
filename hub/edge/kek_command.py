"""A key-encryption key from a program that prints it, such as the client of a secrets store.

The program is run without a shell. Of it nothing is logged and nothing shown: neither what it prints nor what it
complains of. The key's id is all that stands in its arguments.
"""

import asyncio
import base64
import binascii
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

KEY_BYTES: Final = 32
MOST: Final = 4096
"""Bytes that are read of what the program prints."""


class CommandFailed(Exception):
    """The program could not be run, took too long, or printed what is no key. Says which, and nothing it printed."""


def key_from(given: bytes) -> bytes | None:
    """32 raw bytes, 64 hexadecimal digits or 44 characters of base64 (space around the text does not count); None for
    anything else. Never raises, so that no error can carry what was given."""
    if len(given) == KEY_BYTES:
        return given
    text = given.strip()
    try:
        if re.fullmatch(rb"[0-9A-Fa-f]{64}", text):
            return bytes.fromhex(text.decode())
        key = base64.b64decode(text.replace(b"-", b"+").replace(b"_", b"/"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


async def ask(
    command: Sequence[str], name: str, within: float, environment: Mapping[str, str] | None = None
) -> bytes | None:
    """The key of the id ``name``; None if the program says by its status that it has none. ``{id}`` in the arguments
    stands for the id; the hub's own settings are not handed on. Raises CommandFailed."""
    arguments = [part.replace("{id}", name) for part in command]
    given = os.environ if environment is None else environment
    inherited = {key: value for key, value in given.items() if not key.upper().startswith("FINGERPOST_")}
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=inherited,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailed(f"the program for key-encryption keys cannot be run: {error.strerror}") from None
    try:
        async with asyncio.timeout(within):
            printed = await _printed(process)
            status = await process.wait()
    except TimeoutError:
        raise CommandFailed(f"the program for key-encryption keys took longer than {within:g} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            await process.wait()
    if status != 0:
        return None
    key = key_from(printed)
    if key is None:
        raise CommandFailed("the program for key-encryption keys printed something that is not 32 bytes")
    return key


async def _printed(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None  # noqa: S101  # it was asked for  # nosec B101
    printed = b""
    while len(printed) <= MOST:
        some = await process.stdout.read(MOST + 1 - len(printed))
        if not some:
            return printed
        printed += some
    raise CommandFailed("the program for key-encryption keys printed more than a key")
