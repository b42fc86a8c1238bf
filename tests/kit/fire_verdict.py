"""Was everybody told, once, and nobody else? Judged from outside: what the relay took, what clients were answered.

Every mail is opened with its mailbox's key; a sample by openssl as well, which shares no code with the hub.
"""

import asyncio
import base64
import json
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from hub.app.ledger import open_ledger
from hub.core.records import AttemptRecord, DeliveryRecord, NoticeRecord
from hub.core.verification import IDS as PROOFS
from hub.service.ports import Unit
from hub.settings import load
from tests.kit.fire import SENDER, Relay, Site, mailbox
from tests.kit.fire_posting import Posted
from tests.kit.fire_sink import Arrival, arrivals, content_of
from tests.kit.fire_stories import Step

ENDINGS: Final = frozenset({"found", "returned"})
OVERTAKEN: Final = frozenset({"missing", "away", "update"})
DERIVED: Final = frozenset({"child.medication_needed"})
SETTLED: Final = frozenset({"notified", "superseded"})
"""States a notice of these runs may end in; the withheld parent's decision makes none."""

Key = tuple[str, str, str]
"""Child, kind of notice, mailbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail, opened."""

    arrival: Arrival
    address: str
    notice: Mapping[str, Any] = field(repr=False)

    @property
    def key(self) -> Key:
        return (self.notice["fields"]["child.name"], self.notice["kind"], self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The figures of a run that was as it should be."""

    events: int
    notices: int
    mails: int
    distinct: int
    """Message-IDs."""
    extra: int
    """Mails beyond the first of a Message-ID."""
    most_copies: int
    superseded: int
    """Notices that an ending overtook before they were sent."""
    overtaken: int
    """Notices that an ending overtook while they were on their way: superseded, and sent."""
    opened_by_openssl: int
    not_sealed: int
    """Content-free: alarms, and questions whether an address works."""


async def judge(
    site: Site, relay: Relay, posted: Posted, *, sample: int, extra_at_most: int = 0, alarmed: bool = False
) -> Verdict:
    """Every check; an AssertionError says what is wrong. The hub is not running, or has nothing left to do.
    ``alarmed``: what was done to it may be an alarm, told in clear and without content. By day a hub with nothing to
    send also asks whether addresses work."""
    everything = list(arrivals(relay.folder))
    assert all(one.tls for one in everything), "a mail came in clear"
    not_sealed = [one for one in everything if not _is_sealed(content_of(relay.folder, one))]
    unasked = [one.message_id for one in not_sealed if not one.message_id.startswith(f"<{PROOFS}")]
    assert alarmed or not unasked, f"not sealed, and asks for no proof: {unasked[:5]}"
    _free_of_content(relay, not_sealed, posted)
    letters = await asyncio.to_thread(lambda: [_open(relay, one) for one in everything if one not in not_sealed])
    rows = await _ledger(site)
    expected = _expected(posted)
    _one_message_id_each(letters)
    told = {letter.key for letter in letters}
    assert not told - set(expected), f"told, and nobody decided it: {sorted(told - set(expected))[:5]}"
    superseded = _superseded(rows, expected)
    untold = set(expected) - told - superseded
    unsent = superseded - told
    assert not untold, f"{len(untold)} never told: {sorted(untold)[:5]}"
    for letter in letters:
        _says_what_was_said(letter, expected[letter.key])
    _as_the_ledger_has_it(letters, rows, len(expected))
    copies = Counter(letter.arrival.message_id for letter in letters)
    extra = sum(copies.values()) - len(copies)
    assert extra <= extra_at_most, f"{extra} mails were sent again, {copies.most_common(3)}"
    opened = await asyncio.to_thread(
        _by_openssl, site, relay, letters[:: max(1, len(letters) // max(1, sample))][:sample]
    )
    return Verdict(
        events=posted.events,
        notices=len(rows),
        mails=len(letters),
        distinct=len(copies),
        extra=extra,
        most_copies=max(copies.values(), default=0),
        superseded=len(unsent),
        overtaken=len(superseded & told),
        opened_by_openssl=opened,
        not_sealed=len(not_sealed),
    )


def _expected(posted: Posted) -> dict[Key, Step]:
    """Everything anybody has to be told, by the stories' own lists."""
    expected: dict[Key, Step] = {}
    for story in posted.stories:
        for step in story.steps:
            answers = posted.answers.get(step.id)
            if not answers:
                continue
            assert sum(said.status == 202 for said in answers) <= 1, f"{step.id} was taken twice"
            assert answers[0].body["notices"] == len(step.told), f"{step.id}: {answers[0].body}"
            assert answers[0].body["gaps"] == [], f"{step.id}: {answers[0].body}"
            expected.update({(story.child, step.kind, address): step for address in step.told})
    return expected


def _is_sealed(mail: bytes) -> bool:
    return message_from_bytes(mail).get_content_type() == "application/pkcs7-mime"


def _free_of_content(relay: Relay, not_sealed: Sequence[Arrival], posted: Posted) -> None:
    """Whatever went out unsealed names no child and no episode."""
    for arrival in not_sealed:
        mail = message_from_bytes(content_of(relay.folder, arrival))
        said = f"{mail['Subject']}\n{(mail.get_payload(decode=True) or b'').decode()}"
        for story in posted.stories:
            assert story.child not in said, f"to {arrival.recipients}: says whom it is about"


def _open(relay: Relay, arrival: Arrival) -> Letter:
    assert len(arrival.recipients) == 1, f"one mail to {len(arrival.recipients)} mailboxes"
    (address,) = arrival.recipients
    return Letter(arrival=arrival, address=address, notice=_decrypted(content_of(relay.folder, arrival), address))


@cache  # the same mails are judged more than once
def _decrypted(mail: bytes, address: str) -> Mapping[str, Any]:
    own = mailbox(address)
    assert isinstance(own.key, rsa.RSAPrivateKey)
    sealed = base64.b64decode(str(message_from_bytes(mail).get_payload()))
    signed = pkcs7.pkcs7_decrypt_der(sealed, own.certificate, own.key, [])
    entity = message_from_bytes(signed, policy=policy.default)
    assert entity.get_content_type() == "multipart/signed", entity.get_content_type()
    return _notice(entity)


def _notice(entity: Any) -> Mapping[str, Any]:
    for part in entity.walk():
        if part.get_filename() == "notice.json":
            notice: Mapping[str, Any] = json.loads(part.get_payload(decode=True))
            return notice
    raise AssertionError("a notice without notice.json")


def _one_message_id_each(letters: Sequence[Letter]) -> None:
    """A notice that came again bore the Message-ID of the first, and no Message-ID stands for two notices."""
    ids, keys = defaultdict(set), defaultdict(set)
    for letter in letters:
        identity = (letter.key, letter.notice["reference"])
        ids[letter.key].add(letter.arrival.message_id)
        keys[letter.arrival.message_id].add(identity)
    twice = {key: found for key, found in ids.items() if len(found) > 1}
    assert not twice, f"told twice under different Message-IDs: {list(twice.items())[:3]}"
    shared = {id: found for id, found in keys.items() if len(found) > 1}
    assert not shared, f"one Message-ID, several notices: {list(shared.items())[:3]}"


def _superseded(rows: Sequence["Row"], expected: Mapping[Key, Step]) -> set[Key]:
    found = {row.key for row in rows if row.notice.state == "superseded"}
    assert all(kind in OVERTAKEN for _, kind, _ in found), "an ending was superseded"
    ended = {child for child, kind, _ in expected if kind in ENDINGS}
    assert all(child in ended for child, _, _ in found), "superseded without an ending"
    return found


def _says_what_was_said(letter: Letter, step: Step) -> None:
    """Every fact in the attachment is the accepted event's, or of an event before it."""
    for path, value in letter.notice["fields"].items():
        if path not in DERIVED:
            said = _at(step.facts, path)
            assert _same(value, said), f"{letter.notice['kind']} to {letter.address}: {path}"
    if letter.notice["kind"] == "update":
        assert letter.notice["changed"] == ["episode.clothing"], letter.notice["changed"]
    else:
        assert letter.notice["changed"] == [], letter.notice["changed"]


def _at(facts: Mapping[str, Any], path: str) -> Any:
    value: Any = facts
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _same(shown: Any, said: Any) -> bool:
    if shown == said or (said is None and shown in (None, False, [], {})):
        return True
    if isinstance(shown, str) and isinstance(said, str):
        try:
            return datetime.fromisoformat(shown) == datetime.fromisoformat(said)
        except ValueError:
            return False
    if isinstance(shown, list) and isinstance(said, list):
        return len(shown) == len(said) and all(_same(a, b) for a, b in zip(shown, said, strict=True))
    if isinstance(shown, Mapping) and isinstance(said, Mapping):
        return all(_same(value, said.get(key)) for key, value in shown.items())
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A notice and its one delivery, as the hub has them."""

    child: str
    notice: NoticeRecord
    delivery: DeliveryRecord
    attempts: Sequence[AttemptRecord]

    @property
    def last(self) -> AttemptRecord | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def key(self) -> Key:
        return (self.child, self.notice.kind, self.delivery.address)


async def _ledger(site: Site) -> list[Row]:
    """Read an episode at a time, as no read may take long: nobody writes meanwhile."""
    async with open_ledger(load(environment=site.settings)) as store:
        every = await store.read(lambda unit: unit.episode_list(100_000))
        return [row for one in every for row in await store.read(partial(_rows, episode=one.id))]


async def _rows(unit: Unit, *, episode: str) -> list[Row]:
    rows = []
    stored = await unit.episode_by_id(episode)
    assert stored is not None
    for notice in await unit.notices(episode):
        (delivery,) = await unit.deliveries(notice.id)
        attempts = tuple(await unit.attempts(delivery.id))
        rows.append(Row(child=stored.doc["child"]["name"], notice=notice, delivery=delivery, attempts=attempts))
    return rows


def _as_the_ledger_has_it(letters: Sequence[Letter], rows: Sequence[Row], expected: int) -> None:
    """The hub's account and the relay's agree, delivery by delivery."""
    assert len(rows) == expected, f"{len(rows)} notices, {expected} expected"
    unsettled = Counter(row.notice.state for row in rows if row.notice.state not in SETTLED)
    assert not unsettled, f"not in a known end: {unsettled}"
    came = {_delivery(letter): letter for letter in letters}
    copies = Counter(map(_delivery, letters))
    for row in rows:
        letter = came.get(row.delivery.id)
        assert copies[row.delivery.id] <= len(row.attempts), f"sent again, in no attempt: {row.delivery.id}"
        again = [one for one in row.attempts[:-1] if one.state == "sent"]
        assert not again, f"written down as sent, and tried again: {row.delivery.id}"
        if row.notice.state == "notified":
            assert letter is not None, f"said to be sent, and never came: {row.delivery.id}"
            assert row.delivery.state == "sent", row.delivery.state
        if letter is not None:
            # Sent and superseded: the record must say that it was sent, or that it may have been.
            assert row.last is not None and (row.last.state == "sent" or row.last.reason == "provider_timeout"), (
                row.last
            )
            assert letter.key == row.key, f"{row.delivery.id} went to another mailbox or of another child"
            assert letter.notice["reference"] == row.notice.reference
    assert set(came) <= {row.delivery.id for row in rows}, "a mail of no delivery"


def _delivery(letter: Letter) -> str:
    return letter.arrival.message_id.strip("<>").partition("@")[0]


def _by_openssl(site: Site, relay: Relay, letters: Sequence[Letter]) -> int:
    """Decrypted with the mailbox's key, verified against the hub's own authority, by the openssl program."""
    with tempfile.TemporaryDirectory() as folder:
        for letter in letters:
            own, key = mailbox(letter.address), Path(folder) / "own.pem"
            key.write_bytes(own.pem + own.key_pem)
            signed = _openssl(
                ["-decrypt", "-recip", str(key), "-inkey", str(key)], content_of(relay.folder, letter.arrival)
            )
            checks = ["-verify", "-CAfile", str(site.hub_ca), "-no-CApath", "-purpose", "smimesign"]
            signer = Path(folder) / "signer.pem"
            content = _openssl([*checks, "-signer", str(signer)], signed)
            told = subprocess.run(["openssl", "x509", "-in", str(signer), "-noout", "-email"], capture_output=True)
            assert told.stdout.decode().strip() == SENDER, told.stdout
            entity = message_from_bytes(content, policy=policy.default)
            assert isinstance(entity, EmailMessage)
            assert _notice(entity) == letter.notice
    return len(letters)


def _openssl(arguments: Sequence[str], given: bytes) -> bytes:
    done = subprocess.run(["openssl", "cms", *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
