"""An evidence bundle of a real episode, checked by the verifier that lies in it; and what was done to one is found."""

import asyncio
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.core.bundles import packed
from hub.core.checkpoints import key_id
from hub.core.evidence import MANIFEST_DOMAIN, json_bytes
from hub.service.evidence import verify
from hub.service.evidence.bundle import verifier
from hub.service.evidence.making import Asked
from tests.kit.events import reported, updated
from tests.kit.evidence import KEY, NAME, RAW, SIGNED, bundle, bundles, told_on_file
from tests.kit.node import a_hub
from tests.kit.store import raw, sqlite_store

Files = dict[str, bytes]
CHILD = "Robin Example"


def unpacked(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Files]:
    """A hub's folder after the episode, and the bundle."""
    folder = tmp_path_factory.mktemp("evidence")

    async def make() -> bytes:
        hub = await told_on_file(folder)
        try:
            return (await bundle(hub)).data
        finally:
            await hub.store.aclose()

    return folder, unpacked(asyncio.run(make()))


@pytest.fixture
def files(world: tuple[Path, Files]) -> Files:
    return dict(world[1])


def says(public: bytes, message: bytes, signature: bytes) -> bool:
    """What openssl says, without a process."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def checked(files: Files, *trusted: str) -> verify.Found:
    return verify.Check(files, list(trusted), says).run()


def signed_anew(files: Files, key: Ed25519PrivateKey = KEY.private) -> Files:
    """As the hub itself would sign it, had its records been changed before: the manifest no longer gives it away."""
    manifest = json.loads(files["manifest.json"])
    kept = {name: content for name, content in files.items() if name not in ("manifest.json", "manifest.sig")}
    manifest |= {
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in kept.items()},
        "key": key_id(key.public_key()),
    }
    text = json_bytes(manifest)
    return {**kept, "manifest.json": text, "manifest.sig": key.sign(MANIFEST_DOMAIN + text)}


def changed(files: Files, name: str, row: int, change: Callable[[Any], Any]) -> Files:
    """One row of a file, read, changed and written; None takes it out."""
    rows = [json.loads(one) for one in files[name].splitlines()]
    rows[row] = change(rows[row])
    return {**files, name: b"".join(json_bytes(one) + b"\n" for one in rows if one is not None)}


def ran(*arguments: str, folder: Path) -> tuple[int, str]:
    """The verifier in a clean interpreter, with nothing of ours to be found."""
    done = subprocess.run(
        [sys.executable, "-I", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_bundle_verifies_in_an_empty_folder_with_nothing_but_openssl(files: Files, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    key = KEY.private.public_key()
    status, said = ran("verify.py", "--key", key.public_bytes_raw().hex(), folder=tmp_path)
    assert (status, "Everything in this bundle is shown." in said) == (0, True), said
    assert f"signed with the key {KEY.id}" in said and "WRONG" not in said and "Not shown" not in said
    (tmp_path / "chain/lines.jsonl").write_bytes(files["chain/lines.jsonl"] + b"\n")
    status, said = ran("verify.py", folder=tmp_path)
    assert status == 1 and "chain/lines.jsonl is not the one that the bundle was made with" in said
    assert "Whose keys those in the bundle are" in said


def test_the_zip_is_checked_as_it_is_and_with_another_key_it_is_not_the_hubs(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed(files))
    (tmp_path / "verify.py").write_bytes(verifier())
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    status, said = ran("verify.py", "--key", other, "a.zip", folder=tmp_path)
    assert status == 1 and "signed with a key that you did not give as the hub's" in said
    assert files["verify.py"] == verifier(), "the one in the wheel and the one in the bundle are the same"


def test_it_says_in_words_and_shows_as_they_came_what_happened(files: Files) -> None:
    found = checked(files, KEY.id)
    assert (found.wrong, found.open, found.notes) == ([], [], [])
    page = files["report.html"].decode()
    for words in (
        "The source so_bromley reported", "police (Humberside Police) is to be told", "national B-13", NAME,
        "attempt 1: temporary failure (connection failed)", "attempt 2 in full", "in full: sent", "took it on",
        "Came back by email",
    ):  # fmt: skip
        assert words in page, words
    assert "<script" not in page
    (receipt,) = [name for name in files if name.startswith("receipts/")]
    assert files[receipt] == RAW
    (signed,) = [name for name in files if name.startswith("messages/")]
    assert files[signed] == SIGNED
    assert sorted(json.loads(files[name])["type"].rpartition(".")[0].rpartition(".")[2] for name in files
                  if name.startswith("events/")) == ["reported", "returned"]  # fmt: skip
    entries = [json.loads(row) for row in files["directory/entries.jsonl"].splitlines()]
    (police,) = [one for one in entries if one["rows"]]
    ways = [json.loads(row) for row in files["records/delivery.jsonl"].splitlines()]
    (used,) = {one["sealed"]["address"]["text"] for one in ways if one["place"] in police["deliveries"]}
    assert police["rows"]["contact"]["address"] == used
    lines = [json.loads(row)["line"] for row in files["chain/lines.jsonl"].splitlines()]
    (made,) = [one for one in lines if one["action"] == "evidence.made"]
    assert (made["actor"], made["detail"]) == ("operator", {"why": "court", "reference": "KB-2026/7"})


def test_a_byte_of_any_file_is_missed(files: Files) -> None:
    for name in files:
        middle = len(files[name]) // 2
        flipped = bytes([files[name][middle] ^ 1])
        try:
            found = checked({**files, name: files[name][:middle] + flipped + files[name][middle + 1 :]}, KEY.id)
        except verify.Unreadable:
            assert name == "manifest.json"
            continue
        assert found.status == 1, name
        assert name.startswith("manifest.") or any(name in one for one in found.wrong), (name, found.wrong)
    without = {name: content for name, content in files.items() if name != "manifest.sig"}
    assert checked(without, KEY.id).status == 1
    assert checked({**files, "more.txt": b""}, KEY.id).wrong == ["The file more.txt does not belong to the bundle."]


@pytest.mark.parametrize("kind", verify.KINDS)
def test_a_record_that_was_changed_is_named_even_if_the_hub_signs_it(files: Files, kind: str) -> None:
    name = f"records/{kind}.jsonl"
    place = json.loads(files[name].splitlines()[0])["place"]
    column = {
        "attempt": "state",
        "duty": "state",
        "register": "role",
        "revision": "episode",
        "message_reader": "desk",
    }.get(kind, "id")

    def clear(row: Any) -> Any:
        return {**row, "clear": {**row["clear"], column: "sent by nobody"}}

    def sealed(row: Any) -> Any:
        column, value = next(iter(row["sealed"].items()))
        return {**row, "sealed": {**row["sealed"], column: {"text": "somebody else " + str(value)}}}

    for change in (clear, sealed):
        if change is sealed and not json.loads(files[name].splitlines()[0])["sealed"]:
            continue
        found = checked(signed_anew(changed(files, name, 0, change)), KEY.id)
        assert found.status == 1 and any(f"{kind}:{place}" in one and "changed" in one for one in found.wrong), (
            found.wrong
        )
    found = checked(signed_anew(changed(files, name, 0, lambda row: None)), KEY.id)
    assert any(f"{kind}:{place}, which is missing" in one for one in found.wrong), found.wrong


def test_what_another_hub_signed_is_not_left_out_unnoticed(files: Files) -> None:
    rows = [json.loads(row) for row in files["records/message.jsonl"].splitlines()]
    (number,) = [at for at, row in enumerate(rows) if "signed" in row["sealed"]]

    def without(row: Any) -> Any:
        return {**row, "sealed": {name: value for name, value in row["sealed"].items() if name != "signed"}}

    kept = {name: data for name, data in files.items() if not name.startswith("messages/")}
    place = f"message:{rows[number]['place']}"
    found = checked(signed_anew(changed(kept, "records/message.jsonl", number, without)), KEY.id)
    assert any(place in one and "it was changed" in one for one in found.wrong), found.wrong
    found = checked(signed_anew(kept), KEY.id)
    assert any(place in one and "is not what the record" in one for one in found.wrong), found.wrong


def test_what_is_done_to_the_chain_is_named_even_if_the_hub_signs_the_bundle(files: Files) -> None:
    def flipped(digests: list[str]) -> list[str]:
        return [*digests[:5], "00" * 32, *digests[6:]]

    cases: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "is not the one that stands in the chain": (
            "chain/lines.jsonl", lambda row: {**row, "line": {**row["line"], "actor": "operator"}}
        ),
        "and not": ("chain/spans.jsonl", lambda row: {**row, "digests": row["digests"][:-1]}),
        "does not lead to its checkpoint": (
            "chain/spans.jsonl", lambda row: {**row, "digests": flipped(row["digests"])}
        ),
        "does not lie between two good checkpoints": (
            "chain/spans.jsonl", lambda row: {**row, "after": 1, "digests": row["digests"][1:]}
        ),
        "is not that of the key": ("chain/checkpoints.jsonl", lambda row: {**row, "at": "2020-01-01T00:00:00Z"}),
    }  # fmt: skip
    for words, (name, change) in cases.items():
        found = checked(signed_anew(changed(files, name, 0, change)), KEY.id)
        assert found.status == 1 and any(words in one for one in found.wrong), (words, found.wrong)
    lines = files["chain/lines.jsonl"].splitlines()
    (first,) = [number for number, line in enumerate(lines) if b"reported" in line and b"event.accepted" in line]
    taken_out = checked(signed_anew(changed(files, "chain/lines.jsonl", first, lambda row: None)), KEY.id)
    assert taken_out.status == 3 and any("No line states the record event:" in one for one in taken_out.notes)
    no_proof = checked(signed_anew({**files, "chain/spans.jsonl": b""}), KEY.id)
    assert no_proof.status == 3 and "not shown to stand in the chain" in no_proof.open[0]
    somebodys = Ed25519PrivateKey.generate()
    forged = signed_anew(files, somebodys)
    assert "names a key that is not in the bundle" in checked(forged, KEY.id).wrong[0]


def test_whatever_a_bundle_holds_nothing_of_it_reaches_the_terminal_or_ends_the_verifier(files: Files) -> None:
    for name, content in (
        ("chain/lines.jsonl", b'{"number": 1, "line": {"detail": "x", "episode": []}}\n[]\n{"number": {}}\n'),
        ("chain/checkpoints.jsonl", b'{"number": "1", "signature": 5}\n'),
        ("records/event.jsonl", b'{"kind": "event", "place": [], "clear": 7, "sealed": 3}\nnull\n'),
        ("records/notice.jsonl", b'{"kind": "notice", "kind": "notice"}\n\xff'),
        ("records/duty.jsonl", b"[" * 100_000),
    ):
        found = checked(signed_anew({**files, name: content}), KEY.id)
        assert found.status == 1, name
    assert checked(files).status == 3, "by the keys enclosed alone nobody can say who made it"
    assert verify.plain("a\x1b[31m\u202eb") == "a?[31m?b"


def test_a_folder_is_read_and_what_a_link_in_it_points_to_is_not(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").symlink_to("/dev/zero")
    with pytest.raises(verify.Unreadable, match="not a plain file"):
        verify.files_of(str(tmp_path))


async def test_a_row_that_was_changed_or_taken_out_of_the_database_is_named(
    world: tuple[Path, Files], tmp_path: Path
) -> None:
    for path in world[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    store = await sqlite_store(tmp_path)
    hub = await a_hub(store)
    await hub.clock.advance(7200)
    try:
        await raw(store, "UPDATE attempts SET state = 'delivered' WHERE number = 1 AND state = 'temporary_failure'",
                  "DELETE FROM acknowledgements",
                  "UPDATE notices SET person = NULL WHERE person IS NOT NULL")  # fmt: skip
        about = json.loads(world[1]["manifest.json"])["episode"]
        made = await bundles(hub).of(about, Asked(actor="operator", why="review"))
        assert made is not None
        found = checked(unpacked(made.data), KEY.id)
    finally:
        await store.aclose()
    assert found.status == 1
    named = " ".join(found.wrong)
    assert "attempt:dl_" in named and "acknowledgement:ack_" in named and "notice:nt_" in named
    assert len(found.wrong) == 2 + sum("notice:nt_" in one for one in found.wrong), "and nothing else"


async def test_after_erasure_it_still_verifies_and_says_nothing_of_the_child(
    world: tuple[Path, Files], tmp_path: Path
) -> None:
    for path in world[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    store = await sqlite_store(tmp_path)
    hub = await a_hub(store)
    await hub.clock.advance(7200)
    try:
        about = json.loads(world[1]["manifest.json"])["episode"]
        subject = await hub.see(lambda unit: unit.evidence.subject(about))
        assert subject is not None and store._keys is not None
        await store._keys.destroy([subject.child], hub.clock.now())
        made = await bundles(hub).of(about, Asked(actor="operator", why="review"))
    finally:
        await store.aclose()
    assert made is not None and made.erased > 50
    files = unpacked(made.data)
    found = checked(files, KEY.id)
    assert (found.wrong, found.open) == ([], [])
    assert "what was personal has been erased" in " ".join(found.notes)
    whole = b"".join(content for name, content in files.items() if name != "verify.py")
    assert [one for one in (CHILD, NAME, "Pat Example", "pat@family.example") if one.encode() in whole] == []
    assert "[erased] took it on" in files["report.html"].decode()
    assert "national" in files["packs/packs.jsonl"].decode(), "which rules were cited stands in the log"


async def test_what_came_before_the_report_is_stated_anew_with_it(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    hub = await a_hub(store)
    try:
        await hub.post(updated())
        await hub.clock.advance(60)
        await hub.post(reported())
        found = checked(unpacked((await bundle(hub)).data), KEY.id)
    finally:
        await store.aclose()
    assert (found.wrong, found.open) == ([], [])
    assert "came before the report and was sealed anew" in found.notes[0]


async def test_of_what_is_not_there_nothing_is_made_and_nothing_said(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    hub = await a_hub(store)
    try:
        assert await bundles(hub).of("ep_unknown", Asked(actor="operator", why="court")) is None
        assert await hub.see(lambda unit: unit.trail.unlinked_since()) is None
    finally:
        await store.aclose()
    with pytest.raises(ValueError, match="1 to 40 letters"):
        Asked(actor="operator", why="court", reference="about Robin Example")
