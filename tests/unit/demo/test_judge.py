"""The judge of the demo must not be lenient: every way in which it could go wrong is shown to it here."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.core.records import AcknowledgementRecord, DecisionRecord, EpisodeRecord, NoticeRecord
from hub.demo.case import (
    BUREAU,
    CARER_AT_HOME,
    CHILD,
    EXPECTED,
    HOME_OFFICE_REFERENCE,
    IRO,
    PARENT,
    POLICE,
    READERS,
    SCHOOL,
    SECRETS,
    TOLD_PARENT,
    WITHHELD,
    WITHHELD_PARENT,
    Chapter,
    Reader,
)
from hub.demo.judge import judge_end, judge_fields, judge_identities, judge_mails
from hub.demo.mailboxes import Mail, Opened, Unopened
from hub.service.timeline import Decided, Timeline, Told
from routing.decision import Decision, Recipient

NOW = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
ADDRESSES = {f"{number}@box.example": reader for number, reader in enumerate((*READERS, WITHHELD_PARENT))}
BOX = {reader: address for address, reader in ADDRESSES.items()}


def letter(reader: Reader, chapter: Chapter, number: int = 1, **changes: Any) -> Opened:
    """A mail as it should be."""
    kind = EXPECTED[chapter].get(reader, "missing")
    reference = f"FP-AAAA-{number:04d}"
    raw = f"Subject: [OFFICIAL-SENSITIVE] Secure notice {reference}\r\nMessage-ID: <{number}@hub>\r\n\r\nMIIB"
    mail = Mail(
        number=number,
        recipients=(BOX[reader],),
        sender="hub@fingerpost.example",
        raw=raw.encode(),
        arrived_at=NOW,
        encrypted_transport=True,
    )
    told = [secret.marker for secret in SECRETS if reader in secret.readers]
    opened = Opened(
        mail=mail,
        address=BOX[reader],
        subject="Missing child",
        text="",
        link="http://127.0.0.1/a/x",
        notice={"kind": kind, "roles": [reader.role], "reference": reference, "fields": {"child.name": CHILD}},
        readable="\n".join([CHILD, *told]),
        decrypted_at=NOW,
        verified_at=NOW,
    )
    return replace(opened, **changes)


def all_well(chapter: Chapter) -> list[Opened | Unopened]:
    return [letter(reader, chapter, number) for number, reader in enumerate(EXPECTED[chapter])]


def swapped(mails: list[Opened | Unopened], reader: Reader, mail: Opened | Unopened) -> list[Opened | Unopened]:
    return [mail if isinstance(m, Opened) and m.address == BOX[reader] else m for m in mails]


@pytest.mark.parametrize("chapter", EXPECTED)
def test_nothing_to_complain_of(chapter: Chapter) -> None:
    assert judge_mails(chapter, all_well(chapter), ADDRESSES) == []


@pytest.mark.parametrize("chapter", EXPECTED)
def test_one_mail_less(chapter: Chapter) -> None:
    for number, reader in enumerate(EXPECTED[chapter]):
        mails = all_well(chapter)
        del mails[number]
        (complaint,) = judge_mails(chapter, mails, ADDRESSES)
        assert "got 0 mails instead of one" in complaint
        assert (reader.person or reader.role.replace("_", " ")) in complaint


def test_one_mail_twice() -> None:
    mails = [*all_well("report"), letter(POLICE, "report", 99)]
    assert judge_mails("report", mails, ADDRESSES) == ["police got 2 mails instead of one (report)"]


@pytest.mark.parametrize("reader", [WITHHELD_PARENT, CARER_AT_HOME, BUREAU], ids=lambda reader: reader.role)
def test_a_mail_to_somebody_who_must_not_get_one(reader: Reader) -> None:
    (complaint,) = judge_mails("report", [*all_well("report"), letter(reader, "report", 99)], ADDRESSES)
    assert "must not get any" in complaint


def test_a_mail_to_an_unknown_mailbox() -> None:
    stray = letter(POLICE, "report", 99, address="stranger@box.example")
    assert judge_mails("report", [*all_well("report"), stray], ADDRESSES) == [
        "an unknown mailbox got a mail and must not get any (report)"
    ]


def test_a_mail_that_does_not_open() -> None:
    mails = swapped(all_well("report"), POLICE, Unopened(mail=letter(POLICE, "report").mail, why="no key"))
    assert judge_mails("report", mails, ADDRESSES) == [
        "mail 1 could not be opened: no key",
        "police got 0 mails instead of one (report)",
    ]


def with_notice(mail: Opened, **changes: Any) -> Opened:
    return replace(mail, notice={**mail.notice, **changes})


INSIDE: Mapping[str, tuple[Opened, str]] = {
    "kind": (with_notice(letter(IRO, "report"), kind="away"), "iro got away instead of missing"),
    "role": (with_notice(letter(IRO, "report"), roles=["police"]), "not written for this role"),
    "nothing for machines": (letter(IRO, "report", notice={}), "iro got None instead of missing"),
    "no link": (letter(IRO, "report", link=None), "without a link"),
    "told too much": (
        letter(IRO, "report", readable=f"{letter(IRO, 'report').readable} {HOME_OFFICE_REFERENCE}"),
        "iro can read the Home Office reference and must not",
    ),
    "told too little": (letter(IRO, "report", readable=CHILD), "iro cannot read the circumstances and must"),
}


@pytest.mark.parametrize("case", INSIDE)
def test_what_is_wrong_inside(case: str) -> None:
    mail, complaint = INSIDE[case]
    found = judge_mails("report", swapped(all_well("report"), IRO, mail), ADDRESSES)
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize("reader", [PARENT, SCHOOL], ids=lambda reader: reader.role)
def test_every_secret_is_kept_from_those_who_may_know_none(reader: Reader) -> None:
    curious = letter(reader, "report", readable="\n".join(secret.marker for secret in SECRETS))
    complaints = judge_mails("report", swapped(all_well("report"), reader, curious), ADDRESSES)
    assert len(complaints) == len(SECRETS)


OUTSIDE: Mapping[str, tuple[dict[str, Any], str]] = {
    "clear connection": ({"encrypted_transport": False}, "without STARTTLS"),
    "subject": ({"raw": b"Subject: Missing child FP-AAAA-0001\r\n\r\nMIIB"}, "another outer subject"),
    "no subject": ({"raw": b"\r\nMIIB"}, "another outer subject"),
    "name outside": (
        {"raw": b"Subject: [OFFICIAL-SENSITIVE] Secure notice FP-AAAA-0001\r\nX-Child: Robin Example\r\n\r\nMIIB"},
        "something personal outside",
    ),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_is_wrong_outside(case: str) -> None:
    changes, complaint = OUTSIDE[case]
    mail = letter(IRO, "report")
    seen = replace(mail, mail=replace(mail.mail, **changes))
    (found,) = judge_mails("report", swapped(all_well("report"), IRO, seen), ADDRESSES)
    assert complaint in found


def test_two_mails_under_one_identity() -> None:
    mails = all_well("report")
    assert judge_identities(mails) == []
    assert judge_identities([*mails, letter(POLICE, "report", 3)]) == ["2 mails bear one Message-ID"]


def timeline(chapter: Chapter = "report", **episode: Any) -> Timeline:
    """The record that goes with ``all_well``; the first notice is acknowledged."""
    record = EpisodeRecord(
        id="ep_1", source="so_1", child="ch_1", ref="R", organisation=None, state="returned", category="missing",
        status="actual", ever_missing=True, since=NOW, ended_at=NOW, revision=1, version=1, wake_at=None, memory=b"",
    )  # fmt: skip
    decided = [
        Decided(record=decision(number, reader.person), notices=(told(number, reader.person),))
        for number, reader in enumerate(EXPECTED[chapter])
    ]
    withheld = decision(99, WITHHELD)
    withheld = replace(withheld, decision=replace(withheld.decision, outcome="withhold"))
    return Timeline(
        episode=replace(record, **episode),
        decided=(*decided, Decided(record=withheld, notices=())),
        happened=(),
        duties=(),
        register=(),
    )


def decision(number: int, person: str | None) -> DecisionRecord:
    return DecisionRecord(
        id=f"de_{number}",
        event=None,
        episode="ep_1",
        ordinal=number,
        decision=Decision(
            at=NOW, cause="event:1", outcome="notify", kind="missing", priority="normal",
            recipients=(Recipient(role="x", person=person),), fields=("child.name",), rules=(), why="",
        ),
    )  # fmt: skip


def told(number: int, person: str | None) -> Told:
    notice = NoticeRecord(
        id=f"no_{number}", reference=f"FP-AAAA-{number:04d}", decision=f"de_{number}", episode="ep_1", revision=1,
        kind="missing", priority="normal", roles=("x",), organisation=None, person=person,
        state="notified" if number else "acknowledged", created_at=NOW, state_at=NOW,
    )  # fmt: skip
    answer = AcknowledgementRecord(id="ak_1", notice=notice.id, delivery="dl_1", at=NOW, answer="accepted", name="A")
    return Told(notice=notice, deliveries=(), answers=() if number else (answer,))


def renoted(record: Timeline, number: int, **changes: Any) -> Timeline:
    """The same with one notice changed."""
    decided = list(record.decided)
    (one,) = decided[number].notices
    decided[number] = replace(decided[number], notices=(replace(one, notice=replace(one.notice, **changes)),))
    return replace(record, decided=tuple(decided))


def test_the_record_agrees_with_the_mails() -> None:
    assert judge_fields(all_well("report"), timeline()) == []


def test_a_mail_with_other_fields_than_recorded() -> None:
    richer = with_notice(letter(POLICE, "report", 0), fields={"child.name": CHILD, "child.medical": "x"})
    (complaint,) = judge_fields(swapped(all_well("report"), POLICE, richer), timeline())
    assert "exactly the fields" in complaint


def test_a_mail_nobody_decided() -> None:
    (complaint,) = judge_fields([letter(POLICE, "report", 77)], timeline())
    assert "reference of no notice" in complaint


def test_the_end_as_it_should_be() -> None:
    assert judge_end(timeline(), "FP-AAAA-0000", WITHHELD) == []


def test_an_episode_that_did_not_end() -> None:
    assert judge_end(timeline(state="open"), "FP-AAAA-0000", WITHHELD) == ["the episode ends as open, not as returned"]


@pytest.mark.parametrize("state", ["pending", "undeliverable", "superseded", "unresolved", "held"])
def test_a_notice_in_no_settled_state(state: str) -> None:
    complaints = judge_end(renoted(timeline(), 3, state=state), "FP-AAAA-0000", WITHHELD)
    assert complaints == [f"notice FP-AAAA-0003 ends as {state}"]


def test_an_acknowledgement_that_was_not_recorded() -> None:
    (complaint,) = judge_end(renoted(timeline(), 0, state="notified"), "FP-AAAA-0000", WITHHELD)
    assert "0 notices are acknowledged" in complaint


def test_an_acknowledgement_of_the_wrong_notice() -> None:
    (complaint,) = judge_end(timeline(), "FP-AAAA-0005", WITHHELD)
    assert "not just the one that was answered" in complaint


def test_more_acknowledgements_than_answers() -> None:
    (complaint,) = judge_end(renoted(timeline(), 4, state="acknowledged"), "FP-AAAA-0000", WITHHELD)
    assert "2 notices are acknowledged" in complaint


def test_a_notice_for_the_withheld_parent() -> None:
    complaints = judge_end(renoted(timeline(), 5, person=WITHHELD), "FP-AAAA-0000", WITHHELD)
    assert complaints == ["there is a notice for the parent who must not be told"]


def test_a_withholding_that_is_not_on_record() -> None:
    assert judge_end(timeline(), "FP-AAAA-0000", TOLD_PARENT) != []
    whole = timeline()
    forgotten = replace(whole, decided=whole.decided[:-1])
    assert judge_end(forgotten, "FP-AAAA-0000", WITHHELD) == ["the decision to withhold is not on record"]
