"""Whether everything was as it should be: compares what openssl opened with what the case expects.

Every function returns complaints in words; none means that all was well. Pure, so that tests can show it mails that
are wrong.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from hub.demo.case import EXPECTED, PERSONAL, SECRETS, Chapter, Reader
from hub.demo.mailboxes import Mail, Opened, Unopened
from hub.service.timeline import Timeline
from routing.decision import Kind

OUTER_SUBJECT = re.compile(r"\[OFFICIAL-SENSITIVE\] Secure notice FP-[0-9A-Z]{4}-[0-9A-Z]{4}")
SETTLED = frozenset({"notified", "receipted", "acknowledged"})

Addresses = Mapping[str, Reader]
"""Mailbox -> whose it is."""


def judge_mails(chapter: Chapter, mails: Sequence[Opened | Unopened], addresses: Addresses) -> list[str]:
    """All mails of one chapter: each expected reader got exactly one of the right kind, nobody else got any."""
    complaints: list[str] = []
    expected = EXPECTED[chapter]
    got: Counter[Reader] = Counter()
    for mail in mails:
        complaints += judge_outside(mail.mail)
        if isinstance(mail, Unopened):
            complaints.append(f"mail {mail.mail.number} could not be opened: {mail.why}")
            continue
        reader = addresses.get(mail.address)
        if reader is None or reader not in expected:
            who = "an unknown mailbox" if reader is None else _name(reader)
            complaints.append(f"{who} got a mail and must not get any ({chapter})")
            continue
        got[reader] += 1
        complaints += judge_inside(mail, reader, expected[reader])
    for reader in expected:
        if got[reader] != 1:
            complaints.append(f"{_name(reader)} got {got[reader]} mails instead of one ({chapter})")
    return complaints


def judge_outside(mail: Mail) -> list[str]:
    """What everybody on the way can read: nothing but a reference."""
    complaints = []
    if not mail.encrypted_transport:
        complaints.append(f"mail {mail.number} came without STARTTLS")
    if not OUTER_SUBJECT.fullmatch(mail.header("Subject")):
        complaints.append(f"mail {mail.number} has another outer subject than it must")
    if any(value.encode() in mail.raw for value in PERSONAL):
        complaints.append(f"mail {mail.number} shows something personal outside the encryption")
    return complaints


def judge_inside(mail: Opened, reader: Reader, kind: Kind) -> list[str]:
    """The right kind for the right role, with all that this reader must know and nothing that they must not."""
    name = _name(reader)
    complaints = []
    if mail.notice.get("kind") != kind:
        complaints.append(f"{name} got {mail.notice.get('kind')} instead of {kind}")
    if reader.role not in mail.notice.get("roles", ()):
        complaints.append(f"{name} got a mail that is not written for this role")
    if mail.link is None:
        complaints.append(f"{name} got a mail without a link to answer by")
    for secret in SECRETS:
        if reader not in secret.readers and secret.marker in mail.readable:
            complaints.append(f"{name} can read {secret.name} and must not")
        if reader in secret.readers and secret.told_in == kind and secret.marker not in mail.readable:
            complaints.append(f"{name} cannot read {secret.name} and must")
    return complaints


def judge_fields(mails: Iterable[Opened | Unopened], timeline: Timeline) -> list[str]:
    """What the hub recorded as told is what stands in the mail: same reference, same fields."""
    recorded = {
        told.notice.reference: decided.record.decision.fields
        for decided in timeline.decided
        for told in decided.notices
    }
    complaints = []
    for mail in mails:
        if isinstance(mail, Unopened):
            continue
        reference = str(mail.notice.get("reference"))
        if reference not in recorded:
            complaints.append(f"mail {mail.mail.number} bears the reference of no notice")
        elif set(mail.notice.get("fields", ())) != set(recorded[reference]):
            complaints.append(f"mail {mail.mail.number} does not hold exactly the fields of its decision")
    return complaints


def judge_identities(mails: Iterable[Opened | Unopened]) -> list[str]:
    """No mail came twice."""
    seen = Counter(mail.mail.header("Message-ID") for mail in mails)
    return [f"{count} mails bear one Message-ID" for identity, count in seen.items() if count > 1 or not identity]


def judge_end(timeline: Timeline, acknowledged: str, withheld: str) -> list[str]:
    """The record at the end: returned, every notice in a known state, one acknowledged, one person never told."""
    complaints = []
    if timeline.episode.state != "returned":
        complaints.append(f"the episode ends as {timeline.episode.state}, not as returned")
    notices = [told for decided in timeline.decided for told in decided.notices]
    for told in notices:
        if told.notice.state not in SETTLED:
            complaints.append(f"notice {told.notice.reference} ends as {told.notice.state}")
        if told.notice.person == withheld:
            complaints.append("there is a notice for the parent who must not be told")
    answered = {told.notice.reference for told in notices if told.notice.state == "acknowledged"}
    if answered != {acknowledged}:
        complaints.append(f"{len(answered)} notices are acknowledged, and not just the one that was answered")
    if not any(
        decided.record.decision.outcome == "withhold"
        and any(recipient.person == withheld for recipient in decided.record.decision.recipients)
        for decided in timeline.decided
    ):
        complaints.append("the decision to withhold is not on record")
    return complaints


def _name(reader: Reader) -> str:
    return reader.role.replace("_", " ") if reader.person is None else f"{reader.role} {reader.person}"
