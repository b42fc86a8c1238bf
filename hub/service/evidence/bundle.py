"""The files of an evidence bundle, out of what was gathered. Pure: the same state makes the same bytes."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.core.audit import line_content, line_digest
from hub.core.checkpoints import CheckpointKey, key_id, to_json
from hub.core.evidence import MANIFEST_DOMAIN, Stated, json_bytes, statements
from hub.core.wire_values import instant_text
from hub.service.evidence.gathering import Gathered, Line
from hub.service.evidence.page import Part, html, text
from hub.service.evidence.ports import Pack, Visit
from hub.service.evidence.standing import Entry
from hub.service.evidence.words import course, headline, json_of

FORMAT: Final = "fingerpost.evidence.v1"
VERIFIER: Final = "verify.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What a bundle is made with, besides what it is about."""

    hub: str
    made_at: datetime
    key: CheckpointKey
    keys: Mapping[str, Ed25519PublicKey] = field(repr=False)
    """Every key that checkpoints were signed with, by id."""
    packs: Mapping[str, Pack] = field(repr=False)


def verifier() -> bytes:
    """The stand-alone verifier, as it lies beside this file."""
    return (resources.files("hub.service.evidence") / VERIFIER).read_bytes()


def files_of(found: Gathered, making: Making) -> dict[str, bytes]:
    """Every file by name, the manifest and its signature too."""
    keys = dict(making.keys) | {making.key.id: making.key.private.public_key()}
    cited = _packs(found, making.packs)
    files = {
        VERIFIER: verifier(),
        "chain/lines.jsonl": _rows({"number": one.number, "line": line_content(one.line)} for one in found.lines),
        "chain/spans.jsonl": _rows(
            {"after": one.after, "checkpoint": one.checkpoint, "digests": [digest.hex() for digest in one.digests]}
            for one in found.stretches
        ),
        "chain/checkpoints.jsonl": b"".join(to_json(one) for one in found.checkpoints),
        "directory/entries.jsonl": _rows(_entry(one) for one in found.directory),
        "packs/packs.jsonl": _rows(cited),
        **{f"packs/{one['name']}.toml": making.packs[one["name"]].text for one in cited if one["sha256"]},
        **{f"keys/{name}.pem": _pem(key) for name, key in keys.items()},
        **_records(found.records),
    }
    title = f"Evidence: {found.subject.id}"
    parts = _report(found, making, keys)
    files["report.html"] = html(title, parts)
    files["README.txt"] = text(title, parts[:2])
    manifest = json_bytes(
        {
            "format": FORMAT,
            "hub": making.hub,
            "episode": found.subject.id,
            "made_at": instant_text(making.made_at),
            "key": making.key.id,
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        }
    )
    return {**files, "manifest.json": manifest, "manifest.sig": making.key.private.sign(MANIFEST_DOMAIN + manifest)}


def record_json(one: Stated) -> dict[str, Any]:
    """A record as it stands in a bundle."""
    sealed = None if one.sealed is None else {name: value_json(value) for name, value in one.sealed.items()}
    return {
        "kind": one.kind,
        "place": one.place,
        "clear": one.clear,
        "sealed": sealed,
        "salt": one.salt.hex(),
        "erased": one.erased,
    }


def value_json(value: bytes) -> dict[str, str]:
    """Text as it is, anything else in base64."""
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _records(records: Sequence[Stated]) -> dict[str, bytes]:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    copies: dict[str, bytes] = {}
    for one in records:
        by_kind.setdefault(one.kind, []).append(record_json(one))
        if one.sealed and one.kind == "event":
            copies[f"events/{one.place}.json"] = one.sealed["body"]
        if one.sealed and one.kind == "receipt":
            copies[f"receipts/{one.place}.txt"] = one.sealed["raw"]
        if one.sealed and one.kind == "message" and "signed" in one.sealed:
            copies[f"messages/{one.place}.txt"] = one.sealed["signed"]
    return {f"records/{kind}.jsonl": _rows(rows) for kind, rows in by_kind.items()} | copies


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "contact": one.contact,
        "version": one.version,
        "since": None if one.since is None else instant_text(one.since),
        "deliveries": list(one.deliveries),
        "rows": {name: dict(row) for name, row in one.rows.items()},
        "certificates": [dict(row) for row in one.certificates],
    }


def _packs(found: Gathered, present: Mapping[str, Pack]) -> list[dict[str, Any]]:
    """Those that the decisions cite, under which versions; the text only where it is in force as it was."""
    cited: dict[str, set[str]] = {}
    for one in found.of("decision"):
        for pack, _, _, _, version in json_of(one, "decision").get("rules", ()):
            cited.setdefault(pack, set()).add(version)
    for line in found.lines:  # after erasure they are all that says so
        for rule in line.line.detail.get("rules", "").split():
            cited.setdefault(rule.partition(":")[0], set())
    rows = []
    for name in sorted(cited):
        pack = present.get(name)
        same = pack is not None and all(_bare(version) == pack.version for version in cited[name])
        rows.append(
            {
                "name": name,
                "versions_cited": sorted(cited[name]),
                "version_now": None if pack is None else pack.version,
                "sha256": hashlib.sha256(pack.text).hexdigest() if pack is not None and same else None,
            }
        )
    return rows


def _bare(version: str) -> str:
    """A pack's own version, without the options that were on."""
    return version.partition("+")[0]


def _report(found: Gathered, making: Making, keys: Mapping[str, Ed25519PublicKey]) -> list[Part]:
    linked = [one for one in found.lines if one.number is not None]
    sentences = course(found)
    stated = {key for one in found.lines for key in statements(one.line)}
    return [
        Part(
            title="What this is",
            paragraphs=(
                headline(found) + ".",
                f"Made {instant_text(making.made_at)} by the hub {making.hub}: {len(found.records)} records, "
                f"{len(found.lines)} lines of the audit log. Times below are London's; in the records they are UTC.",
                "This holds personal data. Keep it as you would the child's file, and no longer than you need it.",
                *_erasure(found),
            ),
        ),
        Part(
            title="How to check it",
            paragraphs=(
                "Unpack it and run: python3 verify.py --key PUBLIC   where PUBLIC is the hub's public key as you have "
                "it from its operator by another way than this file. It needs Python 3.9 or later and openssl 3.0 or "
                "later, nothing else, and no network. It prints what is shown, what is wrong and what could not be "
                "shown. Without --key nobody can say who made it.",
                "Take verify.py from the Fingerpost distribution rather than from here if you doubt this file as a "
                "whole; the two are the same.",
                "Keys in this bundle: " + ", ".join(sorted(keys)),
                "records/ has the hub's records, with what was sealed opened and its salts; events/, receipts/ and "
                "messages/ the same bodies, receipts and messages of other hubs as they came; chain/ the lines of the "
                "audit log about this episode, the chain around each by digests, and the checkpoints that the hub "
                "signed; directory/ the entries that the deliveries went by, as they stood; packs/ the rules that the "
                "decisions cite.",
            ),
        ),
        Part(
            title="The course",
            head=("When", "What", "Record"),
            rows=[(one.when, one.text, one.record) for one in sentences],
        ),
        Part(
            title="Pick-up pages that were asked for",
            head=("Delivery", "Asked", "Opened", "Seen"),
            rows=[
                (one.delivery, *("" if at is None else instant_text(at) for at in _moments(one)))
                for one in found.visits
            ],
        ),
        Part(
            title="The audit log about this episode",
            paragraphs=(
                f"{len(linked)} lines stand in the chain"
                + (f", {len(found.lines) - len(linked)} were not linked yet" if len(found.lines) > len(linked) else "")
                + f". {sum(one.key in stated for one in found.records)} of {len(found.records)} records are stated by "
                "them.",
            ),
            head=("Number", "At (UTC)", "By", "What", "About", "Digest"),
            rows=[_line(one) for one in found.lines],
        ),
    ]


def _erasure(found: Gathered) -> list[str]:
    count = sum(one.erased for one in found.records)
    told = f"Of {count} records what was personal has been erased; it is marked so, and the rest still verifies."
    return [told] if count else []


def _line(one: Line) -> tuple[str, ...]:
    line, number = one.line, "" if one.number is None else str(one.number)
    return number, instant_text(line.at), line.actor, line.action, line.subject or "", line_digest(line).hex()


def _moments(visit: Visit) -> tuple[datetime | None, ...]:
    return visit.asked_at, visit.opened_at, visit.viewed_at


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _rows(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json_bytes(row) + b"\n" for row in rows)


__all__ = ["FORMAT", "Making", "files_of", "key_id", "record_json", "value_json", "verifier"]
