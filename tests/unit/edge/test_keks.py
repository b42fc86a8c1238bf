"""Key-encryption keys: what they wrap, and where they come from."""

import base64
import stat
import time
from itertools import pairwise
from pathlib import Path

import pytest

from hub.edge import keks
from hub.edge.kek_command import CommandFailed, ask, key_from
from hub.edge.keks import Command, Environment, Files, Given, KeyEncryptionKeys, VaultError, in_order
from hub.service.ports import StoreUnavailable

K1, K2, KEY = b"1" * 32, b"2" * 32, b"d" * 32


def held(**keys: bytes) -> KeyEncryptionKeys:
    return KeyEncryptionKeys((Given(keys or {"k1": K1, "k2": K2}),))


async def test_a_data_key_is_wrapped_and_says_by_what() -> None:
    key, wrapped = await held().new_data_key("k1", "ch_1")
    assert len(key) == 32 and key not in wrapped and held().wrapped_by(wrapped) == "k1"
    assert await held().unwrap("ch_1", wrapped) == key
    assert await held().wrap("k1", "ch_1", key) != wrapped


async def test_under_another_scope_it_does_not_open() -> None:
    wrapped = await held().wrap("k1", "ch_1", KEY)
    with pytest.raises(VaultError, match="another scope"):
        await held().unwrap("ch_2", wrapped)
    with pytest.raises(VaultError, match="another scope"):  # nor in the clothes of the older format
        await held().unwrap("ch_1", b"\1" + wrapped[1:])


async def test_the_older_format_opens() -> None:
    body = await keks.RawKey("k1", K1).wrap(KEY)
    old = b"\1\2k1" + body
    assert await held().unwrap("ch_1", old) == KEY
    with pytest.raises(VaultError, match="another scope"):
        await held().unwrap("ch_1", b"\2" + old[1:])


async def test_a_key_that_is_not_configured_is_named_and_a_namesake_does_not_open() -> None:
    wrapped = await held().wrap("k2", "ch_1", KEY)
    with pytest.raises(VaultError, match="'k2', which is not configured"):
        await held(k1=K1).unwrap("ch_1", wrapped)
    with pytest.raises(VaultError, match="wrong key or changed"):
        await held(k2=K1).unwrap("ch_1", wrapped)


async def test_every_changed_bit_of_a_wrap_is_noticed() -> None:
    wrapping = held()
    wrapped = await wrapping.wrap("k1", "ch_1", KEY)
    for position in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[position] ^= 1
        with pytest.raises(VaultError):
            await wrapping.unwrap("ch_1", bytes(changed))
    for length in range(len(wrapped)):
        with pytest.raises(VaultError):
            await wrapping.unwrap("ch_1", wrapped[:length])


async def test_a_retired_key_is_forgotten_and_not_looked_for() -> None:
    wrapping = held()
    wrapped = await wrapping.wrap("k1", "ch_1", KEY)
    wrapping.retire(["k1"])
    assert not await wrapping.holds("k1") and await wrapping.holds("k2")
    with pytest.raises(VaultError):
        await wrapping.unwrap("ch_1", wrapped)


async def test_a_file_that_comes_is_found_and_one_that_is_no_key_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keks, "LOOK_AGAIN", 0.0)
    paths = {name: tmp_path / name for name in ("k1", "short", "index")}
    source = Files(lambda: {name: path for name, path in paths.items() if path.exists()}, lambda key: key == K2)
    wrapping = KeyEncryptionKeys((source,))
    assert not await wrapping.holds("k1")
    paths["k1"].write_bytes(K1)
    paths["short"].write_bytes(b"x")
    paths["index"].write_bytes(K2)
    assert await wrapping.holds("k1") and list(await wrapping.names()) == ["index", "k1", "short"]
    with pytest.raises(VaultError, match="has 1 bytes"):
        await source.find("short")
    with pytest.raises(VaultError, match="index secret"):
        await source.find("index")
    assert not await wrapping.holds("short"), "what cannot be used is not there"


async def test_a_key_that_is_not_there_is_not_looked_for_at_every_call() -> None:
    looked: list[str] = []

    class Counting:
        async def find(self, name: str) -> None:
            looked.append(name)

        async def names(self) -> list[str]:
            return []

    wrapping = KeyEncryptionKeys((Counting(),))
    assert not await wrapping.holds("k9") and not await wrapping.holds("k9")
    assert looked == ["k9"]


async def test_a_variable_holds_a_key() -> None:
    source = Environment(
        "HUB_KEK_{id}",
        lambda key: key == K1,
        {"HUB_KEK_2026_a": K2.hex(), "HUB_KEK_bad": "k" * 9, "HUB_KEK_i": K1.hex()},
    )
    assert await KeyEncryptionKeys((source,)).holds("2026-a") and await source.find("2027") is None
    for name in ("bad", "i"):
        with pytest.raises(VaultError) as caught:
            await source.find(name)
        assert "kkk" not in str(caught.value) and K1.hex() not in str(caught.value)


@pytest.mark.parametrize(
    "given", [K1, K1.hex().encode(), b" " + K1.hex().upper().encode() + b"\n", base64.b64encode(K1) + b"\n"]
)
def test_a_key_is_raw_or_in_hexadecimal_or_base64(given: bytes) -> None:
    assert key_from(given) == K1


@pytest.mark.parametrize(
    "given", [b"", b"x" * 31, b"x" * 33, K1.hex().encode()[:-1], base64.b64encode(K1[:-1]), b"\xff" * 44]
)
def test_anything_else_is_none(given: bytes) -> None:
    assert key_from(given) is None


def program(folder: Path, script: str) -> tuple[str, ...]:
    path = folder / "kek"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(stat.S_IRWXU)
    return (str(path), "--id={id}")


async def test_a_program_prints_a_key_and_is_told_no_more_than_its_id(tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = program(tmp_path, f'echo "$@" > {told}; env >> {told}; echo complaint >&2; echo {K1.hex()}')
    environment = {"FINGERPOST_SMTP_PASSWORD": "marker-password", "HOME": "/nowhere"}
    assert await ask(command, "2026; rm -rf $HOME", 10, environment) == K1
    said = told.read_text()
    assert said.startswith("--id=2026; rm -rf $HOME\n") and "HOME=/nowhere" in said
    assert "marker" not in said and K1.hex() not in said


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo secret-marker", "not 32 bytes"),
        ("head -c 100000 /dev/zero", "more than a key"),
        ("sleep 60 & sleep 60", "longer than"),
    ],
)
async def test_a_program_that_misbehaves_is_ended_and_nothing_of_it_is_shown(
    tmp_path: Path, script: str, problem: str
) -> None:
    began = time.monotonic()
    with pytest.raises(CommandFailed, match=problem) as caught:
        await ask(program(tmp_path, script), "k1", 0.3)
    assert "marker" not in str(caught.value) and time.monotonic() - began < 20
    with pytest.raises(VaultError, match=problem):
        await Command(program(tmp_path, script), 0.3, lambda key: False).find("k1")


async def test_a_program_that_has_none_or_is_not_there(tmp_path: Path) -> None:
    assert await ask(program(tmp_path, f"echo {K1.hex()}; exit 1"), "k1", 10) is None
    with pytest.raises(CommandFailed, match="cannot be run"):
        await ask((str(tmp_path / "none"),), "k1", 10)
    assert await Command((str(tmp_path / "none"), "{id}"), 10, lambda key: False).find("../k1") is None


async def test_a_kms_that_is_away_is_no_key_that_is_gone() -> None:
    """What it raises may show what it was given, and is not shown."""

    class Away:
        there = True

        async def find(self, name: str) -> "Away | None":
            return self

        async def names(self) -> list[str]:
            return []

        async def wrap(self, plain: bytes) -> bytes:
            if not self.there:
                raise ConnectionError(plain)
            return plain

        unwrap = wrap

    kms = Away()
    wrapping = KeyEncryptionKeys((kms,))
    wrapped = await wrapping.wrap("kms", "ch_1", KEY)
    assert await wrapping.unwrap("ch_1", wrapped) == KEY
    kms.there = False
    for asked in (wrapping.unwrap("ch_1", wrapped), wrapping.wrap("kms", "ch_1", KEY)):
        with pytest.raises(StoreUnavailable, match=r"'kms' does not answer \(ConnectionError\)") as caught:
            await asked
        assert "ddd" not in str(caught.value) and caught.value.__cause__ is None


def test_numbers_in_ids_are_numbers() -> None:
    names = ["1", "9", "10", "2026-1", "2026-10", "a"]
    assert all(in_order(one) < in_order(other) for one, other in pairwise(["a", "b9", "b10"]))
    assert sorted(reversed(names), key=in_order)[-1] == "2026-10"


def test_nothing_of_it_prints_a_key() -> None:
    for shown in (repr(held()), repr(keks.RawKey("k1", K1)), str(Given({"k1": K1}))):
        assert "1111" not in shown
