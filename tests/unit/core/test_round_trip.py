"""What two addresses may agree to in the place of a second person, and all that they may not."""

from dataclasses import replace
from typing import Any

import pytest

from contacts.changes import difference
from contacts.model import Bundle, Certificate, Desk
from contacts.sensitive import reasons
from hub.core.drafts import About, Draft, Judged
from hub.core.round_trip import round_trip
from tests.kit.directory import BROMLEY, NOW, certificate_der, contact, small_bundle

OWN, NEW = "jo@council.example", "new@council.example"
DRAFT = Draft(id="ch_1", organisation=BROMLEY, scope=BROMLEY, state="waiting", base=1, entries=1, proposed_at=NOW,
              proposed_by="user:us_1", proposed_name="Jo Example", person="us_1")  # fmt: skip
BEFORE = small_bundle()


def moved(desk: str = "mash", *, of: Bundle = BEFORE, **changes: Any) -> Bundle:
    """The contact of a desk with these changes."""
    return replace(of, contacts=tuple(replace(c, **changes) if c.desk == desk else c for c in of.contacts))


BEFORE = replace(BEFORE, contacts=(*BEFORE.contacts, contact(BROMLEY, "mash")))
ELSEWHERE = replace(BEFORE, contacts=(*(c for c in BEFORE.contacts if c.desk != "mash"),
                                      contact(BROMLEY, "front_door", id="e09000006.mash", address=NEW)))  # fmt: skip
MOVE = moved(of=BEFORE, address=NEW)


def held(address: str) -> Certificate:
    return Certificate(address=address, der=certificate_der("x", NOW, NOW), fingerprint="ab" * 32)


def asked(before: Bundle, after: Bundle, mailbox: str | None = OWN, **changes: Any) -> tuple[str, str] | None:
    found = difference(before, after)
    judged = tuple(
        Judged(difference=one, reasons=why) for one, why in zip(found, reasons(before, after, found, NOW), strict=True)
    )
    about = About(draft=replace(DRAFT, **changes), judged=judged, concerned=(frozenset({BROMLEY}),) * len(found))
    agreed = round_trip(about, before, after, mailbox)
    return None if agreed is None else (agreed.old.address, agreed.new.address)


def test_one_mailbox_in_the_place_of_another() -> None:
    assert asked(BEFORE, MOVE) == ("mash@e09000006.example", NEW)
    beside = replace(MOVE, desks=tuple(replace(d, name="The hub") if d.function == "mash" else d for d in MOVE.desks))
    assert asked(BEFORE, beside) is not None, "what takes one person may go with it"


@pytest.mark.parametrize(
    ("after", "more"),
    [
        (moved(of=BEFORE, address=NEW, channel="push"), {}),
        (moved(of=BEFORE, address="MASH@e09000006.example"), {}),
        (moved(of=BEFORE, address=OWN.upper()), {}),
        (moved("fallback", of=BEFORE, address=NEW), {}),
        (moved("emergency_duty_team", of=BEFORE, address=NEW), {}),
        (moved(of=BEFORE, address="front-door@e09000006.example"), {}),
        (moved("front_door", of=MOVE, address="other@council.example"), {}),
        (replace(MOVE, certificates=(held(NEW),)), {}),
        (ELSEWHERE, {}),
        (replace(BEFORE, contacts=(*BEFORE.contacts, contact(BROMLEY, "mash", id="m2", address=NEW))), {}),
        (replace(BEFORE, contacts=tuple(c for c in BEFORE.contacts if c.desk != "mash")), {}),
        (replace(MOVE, desks=(*(d for d in MOVE.desks if d.function != "front_door"),
                              Desk(organisation=BROMLEY, function="front_door", deputy="mash"))), {}),
        (MOVE, {"mailbox": None}),
        (MOVE, {"mailbox": "MASH@e09000006.example"}),
        (MOVE, {"proposed_by": "token:nightly"}),
        (MOVE, {"scope": None}),
        (BEFORE, {}),
    ],
    ids=["channel", "same mailbox", "the proposer's own", "fallback desk", "duty team", "somebody else's address",
         "two of them", "a certificate", "another desk too", "a new contact", "the last contact", "a deputy",
         "no account", "from the proposer's own", "a token", "the operator", "nothing"],
)  # fmt: skip
def test_all_else_takes_a_person(after: Bundle, more: dict[str, Any]) -> None:
    assert asked(BEFORE, after, **more) is None


def test_where_a_certificate_was_in_use_it_takes_a_person() -> None:
    """The notices were sealed until now."""
    sealed = replace(BEFORE, certificates=(held("mash@e09000006.example"),))
    assert asked(sealed, replace(MOVE, certificates=sealed.certificates)) is None
