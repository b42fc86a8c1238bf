import stat
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.edge.keks import read_key
from hub.edge.vault import KeyRing, Vault, VaultError, create_key_file

K1, K2, INDEX = b"1" * 32, b"2" * 32, b"i" * 32
DATA_KEY = b"d" * 32
PLACE = {"table": "notices", "column": "person", "row": "no_1"}
SECRET = b"Sam Marker-Parentname"


def vault(current: str = "k1", **keys: bytes) -> Vault:
    return Vault(KeyRing(current=current, keys=keys or {"k1": K1, "k2": K2}, index_secret=INDEX))


@pytest.mark.parametrize("value", [b"", b"x", SECRET, bytes(range(256)) * 4096])
def test_what_is_sealed_opens_at_its_place(value: bytes) -> None:
    key = DATA_KEY
    sealed = vault().seal(key, value, **PLACE)
    assert vault().open(key, sealed, **PLACE) == value
    assert not value or len(value) < 8 or value not in sealed


def test_the_same_value_is_never_sealed_twice_alike() -> None:
    key = DATA_KEY
    assert len({vault().seal(key, SECRET, **PLACE) for _ in range(100)}) == 100


def test_the_format_is_aes_256_gcm_with_its_place_as_associated_data() -> None:
    key = DATA_KEY
    sealed = vault().seal(key, SECRET, **PLACE)
    assert sealed[0] == 1 and len(key) == 32
    assert AESGCM(key).decrypt(sealed[1:13], sealed[13:], b"notices|person|no_1") == SECRET


def test_every_changed_bit_is_noticed() -> None:
    key = DATA_KEY
    sealed = vault().seal(key, SECRET, **PLACE)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(VaultError):
            vault().open(key, bytes(changed), **PLACE)


@pytest.mark.parametrize("sealed", [b"", b"\1", b"\1" + b"n" * 11, b"\1" + b"n" * 12, b"\2" + b"n" * 40])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(VaultError):
        vault().open(K1, sealed, **PLACE)


@pytest.mark.parametrize("moved", [{"table": "decisions"}, {"column": "address"}, {"row": "no_2"}])
def test_moved_elsewhere_it_does_not_open_and_the_error_tells_no_value(moved: dict[str, str]) -> None:
    key = DATA_KEY
    sealed = vault().seal(key, SECRET, **PLACE)
    with pytest.raises(VaultError, match="does not open") as caught:
        vault().open(key, sealed, **PLACE | moved)
    assert SECRET.decode() not in str(caught.value) and caught.value.__cause__ is None


def test_another_key_does_not_open_it() -> None:
    mine, other = DATA_KEY, b"e" * 32
    with pytest.raises(VaultError):
        vault().open(other, vault().seal(mine, SECRET, **PLACE), **PLACE)


def test_a_keyed_hash_is_found_again_and_tells_parts_apart() -> None:
    assert vault("k1").keyed_hash("child", "so", "c") == vault("k2").keyed_hash("child", "so", "c")
    hashes = {
        vault().keyed_hash(*parts)
        for parts in [
            ("child", "so", "c"),
            ("child", "soc"),
            ("child", "s", "oc"),
            ("childso", "c"),
            ("event", "so", "c"),
        ]
    }
    assert len(hashes) == 5 and {len(one) for one in hashes} == {32}
    elsewhere = Vault(KeyRing(current="k1", keys={"k1": K1}, index_secret=b"j" * 32))
    assert elsewhere.keyed_hash("child", "so", "c") not in hashes


def test_the_search_index_has_a_key_for_each_purpose_and_organisation() -> None:
    places = [("name", "E09000006"), ("name", "E09000007"), ("born", "E09000006")]
    found = {vault().search_hash(*place, "sam marker") for place in places}
    assert len(found) == 3 and {len(one) for one in found} == {16}
    assert vault("k2").search_hash("name", "E09000006", "sam marker") in found
    elsewhere = Vault(KeyRing(current="k1", keys={"k1": K1}, index_secret=b"j" * 32))
    assert elsewhere.search_hash("name", "E09000006", "sam marker") not in found


@pytest.mark.parametrize(
    ("ring", "problem"),
    [
        ({"current": "k3"}, "k3"),
        ({"keys": {"k1": b"short"}}, "5 bytes"),
        ({"keys": {"k1": K1, "": K2}}, "1 to 255"),
        ({"index_secret": b"short"}, "index secret has 5"),
        ({"index_secret": K2}, "must not be one of"),
    ],
)
def test_a_key_ring_that_cannot_work_is_refused(ring: dict[str, object], problem: str) -> None:
    values: dict[str, object] = {"current": "k1", "keys": {"k1": K1, "k2": K2}, "index_secret": INDEX}
    with pytest.raises(VaultError, match=problem):
        KeyRing(**values | ring)  # type: ignore[arg-type]  # one mistake each


def test_nothing_of_it_prints_a_key() -> None:
    ring = KeyRing(current="k1", keys={"k1": K1}, index_secret=INDEX)
    for shown in (repr(ring), repr(Vault(ring)), str(Vault(ring))):
        assert "1111" not in shown and "iiii" not in shown


def test_key_files(tmp_path: Path) -> None:
    paths = {name: tmp_path / name for name in ("k1", "k2", "index")}
    for path in paths.values():
        create_key_file(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    contents = [path.read_bytes() for path in paths.values()]
    assert all(one != other for one, other in pairwise(contents))
    with pytest.raises(FileExistsError):
        create_key_file(paths["k1"])
    assert paths["k1"].read_bytes() == contents[0]
    assert [read_key(path) for path in paths.values()] == contents
    with pytest.raises(VaultError, match="missing"):
        read_key(tmp_path / "missing")
    paths["k2"].write_bytes(b"x" * 33)
    with pytest.raises(VaultError, match="33 bytes"):
        read_key(paths["k2"])
