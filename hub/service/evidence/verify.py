#!/usr/bin/env python3
"""Checks an evidence bundle of Fingerpost, offline: python3 verify.py [--key PUBLIC]... [BUNDLE]

BUNDLE is the zip file, or the folder it was unpacked into; left out, the folder this file is in. PUBLIC is the hub's
public key as you have it from elsewhere: a PEM or DER file, its 64 hexadecimal digits, or the 32 of its id. Without it
the signatures are checked with the keys that lie in the bundle, which shows that it was not changed since, and not who
made it.

Needs Python 3.9 or later, nothing but its standard library, and the program openssl (3.0 or later) for signatures. It
is one file on purpose: whoever relies on it reads it first. Exit status: 0 everything is shown; 1 something is wrong;
2 there is no bundle to read; 3 nothing is wrong, but not everything could be shown.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import os
import subprocess  # openssl, see below  # nosec B404
import sys
import tempfile
import zipfile
import zlib
from typing import Any, Callable  # noqa: UP035  (Python 3.9)

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
MANIFEST_DOMAIN = b"fingerpost.evidence.manifest.v1\0"
CHECKPOINT_DOMAIN = b"fingerpost.audit.checkpoint.v1\0"
LINE_DOMAIN = b"fingerpost.audit.line.v1\0"
LINK_DOMAIN = b"fingerpost.audit.link.v1\0"
RECORD_DOMAIN = b"fingerpost.record.v1\0"
COMMITMENT_DOMAIN = b"fingerpost.commitment.v1\0"
GENESIS = bytes(32)
KINDS = (
    "event", "revision", "decision", "notice", "delivery", "attempt", "receipt", "acknowledgement", "duty", "register",
    "thread", "message", "message_reader", "message_file", "police_hold", "agreement", "agreement_answer",
    "resolution_step",
)  # fmt: skip
CHANGING = ("attempt", "duty", "register")
"""Of these a later line states what they came to; the others never change."""
UNTOLD = ("sending", "cancelled")
"""States of an attempt that says nothing: it has not come to anything, or was never made."""
MOST_FILES = 100_000
MOST_BYTES = 2_000_000_000
ED25519 = binascii.unhexlify("302a300506032b6570032100")
"""What stands before the 32 bytes of a public key in DER (RFC 8410)."""


class Unreadable(Exception):
    """There is no bundle here, or not one that can be read."""


class Found:
    """What comes out."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.wrong: list[str] = []
        self.open: list[str] = []
        self.notes: list[str] = []

    @property
    def status(self) -> int:
        return 1 if self.wrong else 3 if self.open else 0


def plain(text: Any) -> str:
    """Text from a bundle, with nothing in it that a terminal would act on."""
    return "".join(one if one.isprintable() else "?" for one in str(text))[:200]


def json_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()


def read_json(data: bytes, name: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands twice")
        return found

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{plain(name)} is not readable JSON ({error})") from None


# Reading


def files_of(place: str) -> dict[str, bytes]:
    """Every file of the bundle, by name."""
    if os.path.isdir(place):
        return _of_folder(place)
    found: dict[str, bytes] = {}
    total = 0
    try:
        with zipfile.ZipFile(place) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES:
                raise Unreadable("more files than a bundle has")
            for entry in entries:
                total += entry.file_size
                if total > MOST_BYTES:
                    raise Unreadable("larger than a bundle can be")
                if entry.filename in found:
                    raise Unreadable(f"the file {plain(entry.filename)} is in it twice")
                with archive.open(entry) as opened:
                    found[entry.filename] = opened.read(entry.file_size + 1)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise Unreadable(f"{plain(place)} cannot be read as a zip file ({type(error).__name__})") from None
    return found


def _of_folder(place: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(one for one in folders if one != "__pycache__")
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                raise Unreadable(f"{plain(path)} is not a plain file")
            total += os.path.getsize(path)
            if total > MOST_BYTES or len(found) >= MOST_FILES:
                raise Unreadable("larger than a bundle can be")
            with open(path, "rb") as opened:
                found[os.path.relpath(path, place).replace(os.sep, "/")] = opened.read()
    return found


# Signatures


def openssl_says(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether openssl finds that this key signed this message. Raises OSError where it cannot be run."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, content in (("key.der", ED25519 + public), ("message", message), ("signature", signature)):
            paths.append(os.path.join(folder, name))
            with open(paths[-1], "wb") as opened:
                opened.write(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0], "-rawin",
                   "-in", paths[1], "-sigfile", paths[2]]  # fmt: skip
        # A fixed program without a shell, and the paths of files made here: S603 has nothing to warn of.
        ran = subprocess.run(  # noqa: S603  # nosec B603
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
        )
        return ran.returncode == 0


def openssl_works() -> str:
    """Empty, or why signatures cannot be checked here. Tried on what is known to be right (RFC 8032, 7.1, test 2)."""
    public = binascii.unhexlify("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = binascii.unhexlify(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    try:
        if openssl_says(public, b"\x72", signature) and not openssl_says(public, b"\x73", signature):
            return ""
        return "the openssl on this machine does not check Ed25519 signatures; 3.0 or later does"
    except (OSError, subprocess.SubprocessError):
        return "there is no program openssl on this machine"


def key_id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:32]


def public_key(data: bytes) -> bytes | None:
    """The 32 bytes out of a PEM or DER file; None if it is neither."""
    if b"-----BEGIN PUBLIC KEY-----" in data:
        middle = data.split(b"-----BEGIN PUBLIC KEY-----", 1)[1].split(b"-----END", 1)[0]
        try:
            data = base64.b64decode(b"".join(middle.split()), validate=True)
        except ValueError:
            return None
    return data[len(ED25519) :] if data.startswith(ED25519) and len(data) == len(ED25519) + 32 else None


def trusted_key(text: str) -> str:
    """The id of a key given on the command line. Raises Unreadable."""
    try:
        raw = binascii.unhexlify(text.replace(":", ""))
        if len(raw) in (16, 32):
            return raw.hex() if len(raw) == 16 else key_id(raw)
    except ValueError:
        pass
    try:
        with open(text, "rb") as opened:
            found = public_key(opened.read(10_000))
    except OSError:
        found = None
    if found is None:
        raise Unreadable(f"--key {plain(text)} is neither an Ed25519 public key in a file nor its digits")
    return key_id(found)


# Checking


class Check:
    """One bundle."""

    def __init__(self, files: dict[str, bytes], trusted: list[str], says: Callable[[bytes, bytes, bytes], bool] | None):
        self.files = files
        self.trusted = trusted
        self.says = says
        self.found = Found()
        self.keys: dict[str, bytes] = {}
        self.anchors: dict[int, dict[str, Any]] = {}
        self.lines: list[tuple[int | None, dict[str, Any]]] = []
        self.proven: set[int] = set()
        self.records: dict[str, dict[str, Any]] = {}
        self.manifest: dict[str, Any] = {}

    def run(self) -> Found:
        self.whole()
        for step in (
            self.take_keys, self.signed, self.take_checkpoints, self.take_lines, self.chained, self.take_records,
            self.agree, self.hang_together, self.copies,
        ):  # fmt: skip
            try:
                step()
            except Unreadable as error:
                self.found.wrong.append(f"{error}.")
            except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
                self.found.wrong.append(f"Something in the bundle is not as bundles are ({type(error).__name__}).")
        return self.found

    def whole(self) -> None:
        """That every file is the one that the manifest lists."""
        if MANIFEST not in self.files:
            raise Unreadable(f"there is no {MANIFEST}: this is not an evidence bundle")
        self.manifest = read_json(self.files[MANIFEST], MANIFEST)
        listed = self.manifest.get("files")
        if self.manifest.get("format") != "fingerpost.evidence.v1" or not isinstance(listed, dict):
            raise Unreadable("this is not an evidence bundle that this verifier knows")
        for name in sorted(listed):
            if name not in self.files:
                self.found.wrong.append(f"The file {plain(name)} is missing.")
            elif hashlib.sha256(self.files[name]).hexdigest() != listed[name]:
                self.found.wrong.append(f"The file {plain(name)} is not the one that the bundle was made with.")
        for name in sorted(set(self.files) - set(listed) - {MANIFEST, SIGNATURE}):
            self.found.wrong.append(f"The file {plain(name)} does not belong to the bundle.")
        if not self.found.wrong:
            self.found.shown.append(f"All {len(listed)} files are the ones that the manifest lists.")

    def take_keys(self) -> None:
        for name in sorted(self.files):
            if name.startswith("keys/"):
                public = public_key(self.files[name])
                if public is None or name != f"keys/{key_id(public)}.pem":
                    self.found.wrong.append(f"{plain(name)} is not the key that its name says.")
                else:
                    self.keys[key_id(public)] = public

    def by(self, key: Any, message: bytes, signature: bytes, what: str) -> bool:
        """Whether this key is known, trusted, and signed it."""
        if key not in self.keys:
            self.found.wrong.append(f"{what} names a key that is not in the bundle ({plain(key)}).")
            return False
        if self.trusted and key not in self.trusted:
            self.found.wrong.append(f"{what} is signed with a key that you did not give as the hub's ({key}).")
            return False
        if self.says is None:
            return True
        if not self.says(self.keys[key], message, signature):
            self.found.wrong.append(f"The signature on {what[0].lower()}{what[1:]} is not that of the key {key}.")
            return False
        return True

    def signed(self) -> None:
        message = MANIFEST_DOMAIN + self.files[MANIFEST]
        if (
            self.by(self.manifest.get("key"), message, self.files.get(SIGNATURE, b""), "The manifest")
            and self.says is not None
        ):
            self.found.shown.append(
                f"The manifest is signed with the key {self.manifest['key']}, at {plain(self.manifest.get('made_at'))} "
                f"by the hub's clock."
            )
        if not self.trusted:
            self.found.open.append(
                "Whose keys those in the bundle are: you gave no --key. Confirm with the hub's operator, by another "
                "way than this file, that this is theirs: " + ", ".join(sorted(self.keys))
            )

    def take_checkpoints(self) -> None:
        good = 0
        for number, one in self.jsonl("chain/checkpoints.jsonl"):
            what = f"Checkpoint {plain(one.get('number'))}"
            try:
                signature = binascii.unhexlify(one["signature"])
                content = {name: one[name] for name in ("hub", "number", "link", "at", "key")}
                binascii.unhexlify(one["link"])
                int(one["number"])
            except (KeyError, ValueError, TypeError):
                self.found.wrong.append(f"chain/checkpoints.jsonl, line {number}, is not a checkpoint.")
                continue
            if self.by(one["key"], CHECKPOINT_DOMAIN + json_bytes(content), signature, what):
                if one["number"] in self.anchors:
                    self.found.wrong.append(f"There are two checkpoints of the number {one['number']}.")
                self.anchors[one["number"]] = one
                good += 1
                if one["hub"] != self.manifest.get("hub"):
                    self.found.notes.append(f"{what} was signed when the hub's address was {plain(one['hub'])}.")
        if good and self.says is not None:
            self.found.shown.append(f"{good} checkpoints of the chain bear the hub's signature.")

    def take_lines(self) -> None:
        before = 0
        for number, one in self.jsonl("chain/lines.jsonl"):
            place, line = one.get("number"), one.get("line")
            if not isinstance(line, dict) or not (place is None or isinstance(place, int)):
                self.found.wrong.append(f"chain/lines.jsonl, line {number}, is not a line of the audit log.")
                continue
            if place is not None:
                if place <= before:
                    self.found.wrong.append(f"Line {place} of the audit log is there twice, or out of order.")
                before = place
            if line.get("episode") != self.manifest.get("episode"):
                self.found.wrong.append(f"Line {place} of the audit log is about another episode.")
            self.lines.append((place, line))

    def chained(self) -> None:
        """That each line stands in the chain, between two checkpoints that the hub signed."""
        digests: dict[int, str] = {}
        upto: dict[int, int] = {}
        for number, span in self.jsonl("chain/spans.jsonl"):
            after, end, stretch = span.get("after"), span.get("checkpoint"), span.get("digests")
            if not (isinstance(after, int) and isinstance(end, int) and isinstance(stretch, list)):
                self.found.wrong.append(f"chain/spans.jsonl, line {number}, is not a span of the chain.")
                continue
            what = f"The span of the chain from {after + 1} to {end}"
            if (after and after not in self.anchors) or end not in self.anchors:
                self.found.wrong.append(f"{what} does not lie between two good checkpoints.")
                continue
            if len(stretch) != end - after:
                self.found.wrong.append(f"{what} has {len(stretch)} lines, and not {end - after}.")
                continue
            link = binascii.unhexlify(self.anchors[after]["link"]) if after else GENESIS
            try:
                for step, digest in enumerate(stretch, start=after + 1):
                    link = hashlib.sha256(
                        LINK_DOMAIN + step.to_bytes(8, "big") + link + binascii.unhexlify(digest)
                    ).digest()
            except (ValueError, TypeError):
                link = b""
            if link.hex() != self.anchors[end]["link"]:
                self.found.wrong.append(f"{what} does not lead to its checkpoint: a line in it was changed, taken out "
                                        f"or put in.")  # fmt: skip
                continue
            for step, digest in enumerate(stretch, start=after + 1):
                digests[step], upto[step] = digest, end
        loose = 0
        for place, line in self.lines:
            if place is None or place not in digests:
                loose += 1
                continue
            if hashlib.sha256(LINE_DOMAIN + json_bytes(line)).hexdigest() != digests[place]:
                self.found.wrong.append(f"Line {place} of the audit log ({plain(line.get('action'))}) is not the one "
                                        f"that stands in the chain.")  # fmt: skip
            else:
                self.proven.add(place)
        if self.proven:
            last = self.anchors[max(upto[place] for place in self.proven)]
            self.found.shown.append(
                f"{len(self.proven)} of {len(self.lines)} lines about the episode stand in the hub's audit chain, the "
                f"last of them no later than {plain(last['at'])} by the hub's clock."
            )
        if loose:
            self.found.open.append(
                f"{loose} lines about the episode are not shown to stand in the chain: no checkpoint of the bundle "
                f"covers them."
            )

    def take_records(self) -> None:
        for kind in KINDS:
            for number, one in self.jsonl(f"records/{kind}.jsonl"):
                key = f"{kind}:{one.get('place')}"
                if one.get("kind") != kind or key in self.records:
                    self.found.wrong.append(f"records/{kind}.jsonl, line {number}, is there twice or of another kind.")
                    continue
                self.records[key] = one

    def agree(self) -> None:
        """That each record is what the lines of the audit log say of it."""
        said: dict[str, list[tuple[int | None, str]]] = {}
        for place, line in self.lines:
            detail = line.get("detail")
            for key, value in detail.items() if isinstance(detail, dict) else ():
                if ":" in key:
                    said.setdefault(key, []).append((place, str(value)))
        counts = {"agree": 0, "erased": 0, "silent": 0, "untold": 0, "loose": 0}
        for key in sorted(said):
            if key not in self.records:
                self.found.wrong.append(f"Line {said[key][-1][0]} states the record {plain(key)}, which is missing.")
        for key, record in self.records.items():
            if key not in said:
                untold = record.get("kind") == "attempt" and (record.get("clear") or {}).get("state") in UNTOLD
                counts["untold" if untold else "silent"] += 1
                if not untold:
                    self.found.notes.append(f"No line states the record {plain(key)}.")
                continue
            self._once(key, said[key])
            place, newest = said[key][-1]
            digest, _, commitment = newest.partition(".")
            if self._digest(record) != digest:
                self._not_the_newest(key, record, said[key])
                continue
            if record.get("sealed") is None:
                if record.get("erased") is True and commitment:
                    counts["erased"] += 1
                else:
                    self.found.wrong.append(f"What was sealed of the record {plain(key)} could not be opened by the "
                                            f"hub although it was not erased.")  # fmt: skip
                    continue
            elif self._commitment(record) != commitment:
                self.found.wrong.append(f"What was sealed of the record {plain(key)} is not what line {place} states "
                                        f"of it: it was changed.")  # fmt: skip
                continue
            counts["agree"] += 1
            if place is None or place not in self.proven:
                counts["loose"] += 1
        self.found.shown.append(f"{counts['agree']} of {len(self.records)} records are what the audit log states.")
        if counts["erased"]:
            self.found.notes.append(
                f"Of {counts['erased']} records what was personal has been erased. Its commitments still stand in the "
                f"chain; what they were made of cannot be guessed from them."
            )
        if counts["untold"]:
            self.found.notes.append(
                f"{counts['untold']} attempts are under way or were given back and never made; no line states them."
            )
        if counts["silent"]:
            self.found.open.append(f"{counts['silent']} records are not stated by any line of the audit log (see the "
                                   f"notes): that they were not changed is not shown.")  # fmt: skip
        if counts["loose"]:
            self.found.open.append(f"{counts['loose']} records are stated by lines that are not shown to stand in the "
                                   f"chain.")  # fmt: skip

    def _not_the_newest(self, key: str, record: dict[str, Any], said: list[tuple[int | None, str]]) -> None:
        digest, kind = self._digest(record), key.partition(":")[0]
        earlier = [place for place, value in said if value.partition(".")[0] == digest]
        if earlier and kind in CHANGING:
            self.found.open.append(
                f"The record {plain(key)} is what line {earlier[-1]} states of it, and not what the later line "
                f"{said[-1][0]} does: it was put back, or the clocks of the hub's machines differed."
            )
        else:
            self.found.wrong.append(
                f"The record {plain(key)} is not what line {said[-1][0]} states of it: it was changed."
            )

    def _once(self, key: str, said: list[tuple[int | None, str]]) -> None:
        """What never changes is not stated twice with two contents."""
        kind = key.partition(":")[0]
        if kind in CHANGING or len({value for _, value in said}) == 1:
            return
        if len({value.partition(".")[0] for _, value in said}) > 1 or kind != "event":
            self.found.wrong.append(f"The record {plain(key)} is stated twice, and not the same, by lines "
                                    f"{', '.join(str(place) for place, _ in said)}.")  # fmt: skip
        else:
            self.found.notes.append(f"The record {plain(key)} came before the report and was sealed anew with it; "
                                    f"line {said[-1][0]} states it as it is sealed now.")  # fmt: skip

    def _digest(self, record: dict[str, Any]) -> str:
        content = {"kind": record.get("kind"), "place": record.get("place"), "clear": record.get("clear")}
        return hashlib.sha256(RECORD_DOMAIN + json_bytes(content)).hexdigest()

    def _commitment(self, record: dict[str, Any]) -> str:
        sealed = record.get("sealed")
        if not sealed:
            return ""
        try:
            inner = {name: hashlib.sha256(opened(value)).hexdigest() for name, value in sealed.items()}
            salt = binascii.unhexlify(record["salt"])
        except (KeyError, ValueError, TypeError, AttributeError):
            return "unreadable"
        content = {"kind": record.get("kind"), "place": record.get("place"), "sealed": inner}
        return hashlib.sha256(COMMITMENT_DOMAIN + salt + json_bytes(content)).hexdigest()

    def hang_together(self) -> None:
        """That what a record belongs to is in the bundle."""
        belongs = {
            "decision": ("event", "event"), "notice": ("decision", "decision"), "delivery": ("notice", "notice"),
            "attempt": ("delivery", "delivery"), "receipt": ("delivery", "delivery"),
            "acknowledgement": ("notice", "notice"), "message": ("thread", "thread"),
            "message_reader": ("message", "message"), "message_file": ("message", "message"),
            "resolution_step": ("notice", "notice"),
        }  # fmt: skip
        for key, record in self.records.items():
            column, kind = belongs.get(str(record.get("kind")), ("", ""))
            owner = (record.get("clear") or {}).get(column)
            if owner is not None and f"{kind}:{owner}" not in self.records:
                self.found.wrong.append(
                    f"The record {plain(key)} belongs to the {kind} {plain(owner)}, which is missing."
                )

    def copies(self) -> None:
        """That the files for reading hold what the records hold."""
        for kind, folder, column, ending in (
            ("event", "events", "body", "json"),
            ("receipt", "receipts", "raw", "txt"),
            ("message", "messages", "signed", "txt"),
        ):
            for key, record in self.records.items():
                sealed = record.get("sealed")
                # Only what another hub sent has something signed; what was written here is nobody's copy.
                if record.get("kind") == kind and sealed and (kind != "message" or column in sealed):
                    name = f"{folder}/{record['place']}.{ending}"
                    try:
                        held = opened(record["sealed"][column])
                    except (KeyError, ValueError, TypeError):
                        held = b""
                    if self.files.get(name) != held:
                        self.found.wrong.append(f"{plain(name)} is not what the record {plain(key)} holds.")

    def jsonl(self, name: str) -> list[tuple[int, dict[str, Any]]]:
        found = []
        for number, row in enumerate(self.files.get(name, b"").splitlines(), start=1):
            one = read_json(row, name)
            if not isinstance(one, dict):
                raise Unreadable(f"{plain(name)}, line {number}, is not an object")
            found.append((number, one))
        return found


def opened(value: dict[str, str]) -> bytes:
    """What was sealed: text as it is, anything else in base64."""
    if set(value) == {"text"}:
        return value["text"].encode()
    return base64.b64decode(value["base64"], validate=True)


def report(check: Check) -> str:
    """What an expert reads."""
    manifest, found = check.manifest, check.found
    said = [
        f"Evidence of the episode {plain(manifest.get('episode'))}, made by the hub {plain(manifest.get('hub'))}",
        "",
    ]
    for title, some in (
        ("WRONG", found.wrong),
        ("Shown", found.shown),
        ("Not shown", found.open),
        ("To know", found.notes),
    ):
        if some:
            said += [f"{title}:", *(f"  - {one}" for one in some), ""]
    said += [
        "What no bundle can show by itself: that the hub's operator wrote nothing into the audit log that did not",
        "happen, or left out of the bundle whole lines that stand in the chain by their digests only; that the chain",
        "is one from its first line on (compare its checkpoints with those kept at a second place, or have",
        "`fingerpost audit verify` run at the hub); that the hub's clock was right. The entries of the directory and",
        "the packs are as the hub gives them; the addresses used are bound to the chain by the deliveries.",
        "",
        {
            0: "Everything in this bundle is shown.",
            1: "SOMETHING IS WRONG: this bundle does not prove what it says.",
            3: "Nothing is wrong, but not everything could be shown.",
        }[found.status],
    ]
    return "\n".join(said)


def main(arguments: list[str]) -> int:
    """Check and print; the exit status."""
    parser = argparse.ArgumentParser(description="Checks an evidence bundle of Fingerpost, offline.")
    parser.add_argument("--key", action="append", default=[], metavar="PUBLIC", help="the hub's public key")
    parser.add_argument("bundle", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    given = parser.parse_args(arguments)
    try:
        trusted = [trusted_key(one) for one in given.key]
        cannot = openssl_works()
        check = Check(files_of(given.bundle), trusted, None if cannot else openssl_says)
        if cannot:
            check.found.open.append(f"No signature was checked: {cannot}.")
        check.run()
    except Unreadable as error:
        print(f"Cannot be checked: {error}", file=sys.stderr)
        return 2
    print(report(check))
    return check.found.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
