"""Who takes part in a conversation, who is told of a message, and what a message may hold."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.roles import DESKS, OPERATOR, POLICE_ROLES, desk_of
from hub.core.conversation import (
    LARGEST_FILE,
    LONGEST_TEXT,
    MOST_A_DAY,
    MOST_FILES,
    PURPOSES,
    Message,
    Party,
    Reader,
    TextProblem,
    files_problem,
    picture_type,
    plain_text,
    too_many,
    touches_whereabouts,
)
from hub.core.parties import is_police, may_address, parties, priority, readers, taking_part, works_it
from hub.core.records import DecisionRecord, NoticeRecord, NoticeState
from hub.edge.ids import SeededIds
from routing.decision import Recipient
from tests.kit.clock import START
from tests.kit.records import Story

COUNCIL, FORCE, SCHOOL = "E09000006", "E23000001", "school:123456"
JPEG, PNG = b"\xff\xd8\xff\xe0 made up", b"\x89PNG\r\n\x1a\n made up"


def party(organisation: str | None, *roles: str) -> Party:
    return Party(organisation=organisation, desk=desk_of(roles[0]), roles=roles)


POLICE = party(FORCE, "police")
OTHER_FORCE = party("E23000002", "police_missing_from")
DOOR = party(COUNCIL, "responsible_authority")
NURSE = party(COUNCIL, "designated_nurse")
OFFICE = party(SCHOOL, "school")
SOCIAL = party(COUNCIL, "social_worker")
CEOP = party("ceop", "ceop")
EVERYONE = (POLICE, OTHER_FORCE, DOOR, NURSE, OFFICE, SOCIAL, CEOP)


def told(**more: Any) -> tuple[NoticeRecord, DecisionRecord]:
    story = Story(ids=SeededIds("1"), episode="ep_1")
    values = {"organisation": COUNCIL, "person": None, "roles": ("responsible_authority",), "state": "notified"} | more
    recipients = values.pop("recipients", (Recipient(role="police", organisation=FORCE),))
    decision = story.decision(None, recipients=recipients)
    return story.notice(decision, **values), decision


def of(**more: Any) -> tuple[Party, ...]:
    notice, decision = told(**more)
    return parties([notice], [decision])


# who takes part


def test_a_desk_that_was_told_is_a_party_in_all_its_roles_once() -> None:
    first, second = told(), told(roles=("host_authority", "responsible_authority"))
    assert parties([first[0], second[0]], []) == (
        Party(organisation=COUNCIL, desk="front_door", roles=("responsible_authority", "host_authority")),
    )


@pytest.mark.parametrize("state", get_args(NoticeState))
def test_who_was_not_told_is_none(state: NoticeState) -> None:
    assert bool(of(state=state)) is (state not in ("withheld", "held", "superseded"))


@pytest.mark.parametrize(
    "more",
    [
        {"person": "Sam Example"},
        {"roles": ("parent",)},
        {"roles": ("carer",)},
        {"organisation": OPERATOR, "roles": ("operator",)},
        {"organisation": None},
        {"organisation": "school", "roles": ("school",)},
        {"kind": "verification"},
    ],
)
def test_nobody_of_the_family_nor_the_operator_takes_part(more: dict[str, Any]) -> None:
    assert of(**more) == ()


def test_a_national_desk_is_known_by_its_role() -> None:
    assert of(organisation=None, roles=("ceop",)) == (CEOP,)


def test_where_a_desk_stands_in_the_party_is_whom_it_stands_in_for() -> None:
    assert of(gap_role="police") == (POLICE,)
    assert of(gap_role="police", recipients=(Recipient(role="police"),)) == (), "a force that nobody knows"
    assert of(gap_role="carer", recipients=(Recipient(role="carer", person="Pat Example"),)) == ()
    notice, _ = told(gap_role="police")
    assert parties([notice], []) == ()


def test_whoever_works_the_episode_may_write_to_all_the_others_only_to_those() -> None:
    for author, other in product(EVERYONE, EVERYONE):
        allowed = other in may_address(author, EVERYONE)
        assert allowed is (author != other and (works_it(author) or works_it(other)))
    assert may_address(OFFICE, EVERYONE) == (POLICE, OTHER_FORCE, DOOR, SOCIAL)


@pytest.mark.parametrize("role", sorted(DESKS))
def test_only_the_police_are_the_police(role: str) -> None:
    assert is_police(party("x", role)) is (role in POLICE_ROLES)


# who is told


def asked(author: Party = NURSE, **more: Any) -> dict[Party, str]:
    given: dict[str, Any] = {
        "thread": (), "named": (), "police": (POLICE, OTHER_FORCE), "touches": False, "may_see_places": lambda one: True
    }  # fmt: skip
    return {one.party: one.because for one in readers(author, **given | more)}


def test_a_message_goes_to_its_thread_and_to_whom_it_names() -> None:
    assert asked(thread=(NURSE, DOOR), named=(SOCIAL, DOOR)) == {NURSE: "author", DOOR: "thread", SOCIAL: "named"}


@given(
    st.sampled_from(EVERYONE), st.sets(st.sampled_from(EVERYONE)), st.sets(st.sampled_from(EVERYONE)), st.booleans(),
    st.sets(st.sampled_from(EVERYONE)),
)  # fmt: skip
def test_whereabouts_go_to_all_police_whatever_the_thread_says_and_to_nobody_who_may_not_know(
    author: Party, thread: set[Party], named: set[Party], touches: bool, may: set[Party]
) -> None:
    given: dict[str, Any] = {"thread": tuple(thread), "named": tuple(named)}
    found = asked(author, **given, touches=touches, may_see_places=lambda one: one in may)
    assert found.pop(author) == "author"
    if not touches:
        assert set(found) == (thread | named) - {author}
        return
    assert {POLICE, OTHER_FORCE} - {author} <= set(found)
    assert set(found) - {POLICE, OTHER_FORCE} == ((thread | named) & may) - {author, POLICE, OTHER_FORCE}
    assert all(found[one] == "whereabouts" for one in found if one not in thread | named)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_touches_whereabouts_is_said_or_nobody_could_be_asked(purpose: Any) -> None:
    assert touches_whereabouts(purpose, True) and touches_whereabouts(purpose, None)
    assert touches_whereabouts(purpose, False) is (purpose == "sighting")


def test_only_whereabouts_for_the_police_and_what_the_police_ask_go_before_everything_else() -> None:
    for purpose, to, touches in product(PURPOSES, EVERYONE, (True, False)):
        expected = "normal" if purpose == "information" else "high"
        first = purpose == "police_hold" or (touches and is_police(to))
        assert priority(purpose, to, touches=touches) == ("immediate" if first else expected)


def message(number: int, *some: Party) -> Message:
    return Message(
        id=f"ms_{number}", thread="th_1", episode="ep_1", author="Kit Writer", organisation=COUNCIL, desk="front_door",
        actor="user:us_1", via="page", purpose="question", whereabouts=False, text="Who?", sent_at=START,
        readers=tuple(Reader(party=one, because="named") for one in some),
    )  # fmt: skip


def test_what_was_written_before_somebody_joined_is_not_for_them() -> None:
    first, second = message(1, DOOR, SOCIAL), message(2, DOOR, POLICE)
    assert taking_part([first, second]) == (DOOR, SOCIAL, POLICE)
    assert second.read_by([POLICE]) and not first.read_by([POLICE])
    assert not first.read_by([]) and first.read_by([NURSE, replace(SOCIAL, roles=("iro",))]), "by desk, not by role"


def test_an_organisation_writes_so_much_within_a_day_and_what_forms_write_does_not_count() -> None:
    full = [message(number) for number in range(MOST_A_DAY)]
    later = START + timedelta(hours=23)
    assert too_many(full, COUNCIL, later) and not too_many(full[1:], COUNCIL, later)
    assert not too_many(full, "E09000007", later)
    assert not too_many(full, COUNCIL, START + timedelta(days=1)), "the day is over"
    assert not too_many([replace(one, purpose="police_hold") for one in full], COUNCIL, later)


def test_nothing_personal_of_a_message_prints() -> None:
    assert "Kit" not in repr(message(1)) and "Who?" not in repr(message(1))


# what it may hold


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Seen at 10.\r\nIn the park. ", "Seen at 10.\nIn the park."),
        ("A\tB", "A\tB"),
        ("Łódź 🧒🏽 “quoted”", "Łódź 🧒🏽 “quoted”"),
        ("x" * LONGEST_TEXT, "x" * LONGEST_TEXT),
    ],
)
def test_plain_text_is_kept(given: str, kept: str) -> None:
    assert plain_text(given) == kept


@pytest.mark.parametrize(
    "given", ["", " \n ", "x" * (LONGEST_TEXT + 1), "a\x00b", "a\x1b[2J", "a\u202eb", "a\u2066b", "a\ud800b", "a\x85b"]
)
def test_anything_else_is_refused_without_repeating_it(given: str) -> None:
    problem = plain_text(given)
    assert isinstance(problem, TextProblem) and problem.field == "text"
    assert len(problem.message) < 120


@pytest.mark.parametrize(
    ("files", "refused"),
    [
        ([], False),
        ([JPEG, PNG], False),
        ([JPEG] * (MOST_FILES + 1), True),
        ([JPEG + b"x" * LARGEST_FILE], True),
        ([b"%PDF-1.7"], True),
        ([b"MZ\x90"], True),
        ([b"<svg onload=alert(1)>"], True),
        ([b""], True),
    ],
)
def test_only_pictures_go_with_it(files: list[bytes], refused: bool) -> None:
    assert (files_problem(files) is not None) is refused
    assert [picture_type(one) for one in (JPEG, PNG, b"GIF89a")] == ["image/jpeg", "image/png", None]
