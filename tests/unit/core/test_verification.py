"""Proof of life: what proves itself, when it is asked, and what becomes of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contacts.directory import Directory
from contacts.model import Bundle, Certificate
from hub.core.tokens import receipt_token, reply_code, reply_digest, token_digest, verify_token
from hub.core.verification import (
    AGAIN,
    LATER,
    LEASE,
    Terms,
    Verification,
    asked,
    budget,
    claimed,
    failed,
    may_be_asked,
    places,
    proved,
    put_off,
    waiting,
)
from tests.kit.directory import BROMLEY, NIGHT, NOW, certificate_der, contact, small_bundle

SECRET = b"s" * 32
SUNDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
TERMS = Terms(every=timedelta(days=90), within=timedelta(days=7), per_hour=240)
ALL = ("email", "sms", "push")
SHARED = replace(small_bundle().contacts[0], id="shared", desk="mash", hours=None)
TEXT = contact(BROMLEY, "mash", id="texts", channel="sms", address="+447700900123")


def bundle(**changes: object) -> Bundle:
    return replace(small_bundle(), contacts=(*small_bundle().contacts, SHARED, TEXT), **changes)  # type: ignore[arg-type]


def certificate(address: str, mark: str = "ab") -> Certificate:
    return Certificate(address=address, der=certificate_der(address, NOW, NOW + timedelta(days=9)), fingerprint=mark)


def test_an_address_proves_itself_once_for_all_the_desks_it_serves() -> None:
    found = places(Directory.of(bundle()), ALL, SECRET, NOW)
    assert len(found) == len(small_bundle().contacts) + 1
    by_ids = {tuple(one.id for one in place.contacts): place for place in found.values()}
    both = by_ids["e09000006.front_door", "shared"]
    assert both.first.id == "e09000006.front_door"
    present = Directory.of(bundle())
    assert may_be_asked(present, both, NOW)
    assert may_be_asked(present, both, SUNDAY), "one of them has no hours"
    assert not may_be_asked(present, by_ids["e09000006.social_work_team",], SUNDAY)
    assert not may_be_asked(present, both, NIGHT), "nobody is woken"
    assert may_be_asked(present, by_ids["e09000006.emergency_duty_team",], NIGHT), "who works by night is awake"


def test_only_what_is_in_force_on_a_channel_that_is_on() -> None:
    gone = replace(TEXT, valid_until=NOW)
    present = replace(bundle(), contacts=(gone, SHARED))
    assert [p.first.id for p in places(Directory.of(present), ALL, SECRET, NOW).values()] == ["shared"]
    assert "texts" not in {p.first.id for p in places(Directory.of(bundle()), ("email",), SECRET, NOW).values()}


def test_another_address_certificate_or_organisation_is_another_place_and_case_is_none() -> None:
    one = replace(SHARED, desk="fallback")

    def mark(entry: object, *certificates: Certificate) -> bytes:
        present = Bundle(contacts=(entry,), certificates=certificates)  # type: ignore[arg-type]
        (found,) = places(Directory.of(replace(present, hours=bundle().hours)), ALL, SECRET, NOW)
        return found

    plain = mark(one)
    assert mark(replace(one, address=one.address.upper())) == plain
    assert mark(replace(one, id="another", desk="mash")) == plain
    certified = mark(one, certificate(one.address))
    others = {
        mark(replace(one, address="other@bromley.example")),
        mark(replace(one, organisation="E09000007")),
        certified,
        mark(one, certificate(one.address, "cd")),
        mark(one, certificate(one.address), certificate(one.address, "cd")),
    }
    assert len(others | {plain}) == 6
    (other_secret,) = places(Directory.of(replace(bundle(), contacts=(one,))), ALL, b"t" * 32, NOW)
    assert other_secret != plain


@pytest.mark.parametrize(("asked_before", "seconds", "room"), [
    (0, 30, 2), (239, 30, 1), (240, 30, 0), (900, 30, 0), (0, 3600, 240), (0, 1, 1),
])  # fmt: skip
def test_evenly_and_never_more_than_the_hour_allows(asked_before: int, seconds: float, room: int) -> None:
    assert budget(TERMS, asked_before, seconds) == room


def place_and_row(at: datetime = NOW) -> tuple[Verification, object]:
    (found,) = [p for p in places(Directory.of(bundle()), ("sms",), SECRET, at).values()]
    return waiting(found, "pv_1", SECRET, at), found


def test_what_waits_is_found_by_digests_of_its_own_tokens() -> None:
    row, _ = place_and_row()
    assert row.token_digest == token_digest(verify_token(SECRET, "pv_1"))
    assert row.receipt_digest == token_digest(receipt_token(SECRET, "pv_1"))
    assert row.reply_digest == reply_digest(SECRET, TEXT.address, reply_code(SECRET, "pv_1"))
    assert verify_token(SECRET, "pv_1") != receipt_token(SECRET, "pv_1") != verify_token(SECRET, "pv_2")
    assert TEXT.address not in repr(row)


def test_a_round_from_asking_to_proof_and_the_next() -> None:
    row, place = place_and_row()
    taken = claimed(row, place, "pv_2", SECRET, NOW)  # type: ignore[arg-type]
    assert (taken.state, taken.id, taken.since, taken.next_at) == ("asking", "pv_1", NOW, NOW + LEASE)
    assert taken.delivery == "pv_1.1" == claimed(taken, place, "pv_2", SECRET, NOW + LEASE).delivery  # type: ignore[arg-type]
    out = asked(taken, "ref", NOW)
    assert (out.state, out.asks, out.delivery, out.next_at) == ("asked", 1, "pv_1.2", NOW + AGAIN)
    assert not out.is_late(TERMS.within, NOW + TERMS.within - timedelta(seconds=1))
    assert out.is_late(TERMS.within, NOW + TERMS.within)
    done = proved(out, TERMS, NOW + timedelta(hours=1))
    assert (done.state, done.since, done.alarm) == ("proved", None, None)
    assert done.next_at == NOW + timedelta(hours=1) + TERMS.every
    assert not done.is_late(TERMS.within, done.next_at)
    again = claimed(done, place, "pv_2", SECRET, done.next_at)  # type: ignore[arg-type]
    assert (again.id, again.asks, again.since, again.proved_at) == ("pv_2", 0, done.next_at, done.proved_at)
    assert again.token_digest != done.token_digest


def test_what_could_not_be_handed_over_is_tried_again_soon_and_what_failed_later() -> None:
    row, place = place_and_row()
    taken = claimed(row, place, "pv_2", SECRET, NOW)  # type: ignore[arg-type]
    off = put_off(taken, NOW)
    assert (off.state, off.since, off.next_at) == ("waiting", NOW, NOW + LATER)
    assert off.is_late(TERMS.within, NOW + TERMS.within), "whatever the reason, nothing was proved"
    bad = failed(taken, "rejected", NOW)
    assert (bad.state, bad.reason, bad.failed_at, bad.next_at) == ("failed", "rejected", NOW, NOW + AGAIN)
    retried = claimed(replace(bad, alarm="al_1"), place, "pv_2", SECRET, NOW + AGAIN)  # type: ignore[arg-type]
    assert (retried.id, retried.since, retried.alarm) == ("pv_1", NOW, "al_1")
