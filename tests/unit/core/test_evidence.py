"""Statements of records: what they are made of, and that nobody finds by guessing what was sealed."""

import hashlib
from dataclasses import replace

import pytest

from hub.core import audit, checkpoints, evidence
from hub.core.evidence import Stated, json_bytes, remarks, salt_key, salt_of, statements
from hub.core.records import AuditLine
from hub.core.wire_json import canonical
from hub.service.evidence import verify
from tests.kit.clock import START

CLEAR = {"id": "nt_1", "roles": ["police"], "revision": 1, "gap_role": None}


def stated(key: bytes = b"k" * 32, place: str = "nt_1", person: bytes = b"Sam Example") -> Stated:
    salt = salt_of(salt_key(key), "notice", place)
    return Stated(kind="notice", place=place, clear=CLEAR, sealed={"person": person}, salt=salt)


def test_a_statement_is_what_the_documentation_says_it_is() -> None:
    one = stated()
    content = b'{"clear":{"gap_role":null,"id":"nt_1","revision":1,"roles":["police"]},"kind":"notice","place":"nt_1"}'
    digest = hashlib.sha256(b"fingerpost.record.v1\0" + content).hexdigest()
    inner = hashlib.sha256(b"Sam Example").hexdigest()
    hidden = b'{"kind":"notice","place":"nt_1","sealed":{"person":"' + inner.encode() + b'"}}'
    commitment = hashlib.sha256(b"fingerpost.commitment.v1\0" + one.salt + hidden).hexdigest()
    assert one.statement == f"{digest}.{commitment}"
    assert Stated(kind="notice", place="nt_1", clear=CLEAR).statement == digest, "nothing of it is sealed"
    with pytest.raises(ValueError, match="cannot be stated"):
        _ = Stated(kind="notice", place="nt_1", clear=CLEAR, sealed=None, erased=True).statement


def test_who_guesses_right_cannot_tell_without_the_key_and_one_salt_says_nothing_of_another() -> None:
    one = stated()
    others = [stated(key=b"o" * 32), stated(person=b"Pat Example"),
              Stated(kind="notice", place="nt_1", clear=CLEAR, sealed={"person": b"Sam Example"})]  # fmt: skip
    assert len({other.statement for other in (one, *others)}) == 4
    assert {other.digest for other in (one, *others)} == {one.digest}
    assert len(one.salt) == 32 and one.salt != stated(place="nt_2").salt != salt_key(b"k" * 32) != b"k" * 32


def test_the_verifier_computes_what_the_hub_does() -> None:
    assert (verify.LINE_DOMAIN, verify.LINK_DOMAIN) == (audit._LINE, audit._LINK)
    assert verify.CHECKPOINT_DOMAIN == checkpoints._DOMAIN and verify.GENESIS == audit.GENESIS
    assert (verify.RECORD_DOMAIN, verify.COMMITMENT_DOMAIN, verify.MANIFEST_DOMAIN) == (
        evidence.RECORD_DOMAIN, evidence.COMMITMENT_DOMAIN, evidence.MANIFEST_DOMAIN
    )  # fmt: skip
    line = AuditLine(
        id="au_1", at=START, actor="hub", action="notice.created", detail={"é": 'quo"te\u2028\x7f\n', "a": ""}
    )
    content = {"id": line.id, "at": "2026-03-01T20:00:00Z", "actor": line.actor, "action": line.action,
               "organisation": None, "episode": None, "subject": None, "detail": dict(line.detail)}  # fmt: skip
    assert audit.line_bytes(line) == canonical(content) == json_bytes(content) == verify.json_bytes(content)
    assert statements(
        AuditLine(id="a", at=START, actor="hub", action="x", detail={"notice:nt_1": "d", "kind": "m"})
    ) == {"notice:nt_1": "d"}


def test_people_are_told_how_many_records_a_line_states_and_not_what_stands_for_them() -> None:
    bare = AuditLine(id="a", at=START, actor="hub", action="x", detail={"kind": "missing"})
    assert remarks(bare) == {"kind": "missing"}
    one = replace(bare, detail={"kind": "missing", "notice:nt_1": "d"})
    two = replace(bare, detail={**one.detail, "delivery:dl_1": "d"})
    assert remarks(one) == {"kind": "missing", "states": "1 record"}
    assert remarks(two) == {"kind": "missing", "states": "2 records"}
