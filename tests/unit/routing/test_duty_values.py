"""A duty as a value: what is still to happen with it, what happens next, what a completion closes, which row it has."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from routing.decision import DutyState
from routing.duties import (
    Duty,
    cancel,
    chased,
    closed_along,
    code_of,
    codes,
    complete,
    due_of,
    ended,
    next_chase,
    next_happening,
    overtaken,
    reminded,
    rows_of,
    rows_starting,
    turned,
)
from routing.packs import Packs, Reminders, parse_pack
from tests.kit.clocks import DOC, at, opened, pack, row, toml

T = at("2026-02-02T10:00:00Z")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REVIEW = 'code = "review"\nwhen = "always"\ndue = "P3D"\nowner = "police"'
DAILY = 'code = "daily"\nwhen = "always"\ndue = "P1D"\nrepeats = "P1D"\nowner = "social_worker"'


def duty(**changes: Any) -> Duty:
    values: dict[str, Any] = {
        "code": "review", "occurrence": 1, "ordinal": 0, "owner": "police", "opened_at": T, "due_at": T + 3 * DAY,
        "rules": (), "row": "made-up/review/0", "start": T, "n": 1,
    }  # fmt: skip
    return Duty(**{**values, **changes})


@pytest.mark.parametrize("moment", ["remind_at", "chase_at", "turn_at"])
def test_a_duty_lives_while_anything_is_to_happen_with_it(moment: str) -> None:
    assert duty(**{moment: T}).live
    happening = next_happening((duty(**{moment: T}),))
    assert happening is not None and (happening.at, happening.what) == (T, moment.removesuffix("_at"))
    assert not duty().live and next_happening((duty(),)) is None


@pytest.mark.parametrize(
    ("state", "unfinished"), [("open", True), ("overdue", True), ("done", False), ("cancelled", False)]
)
def test_unfinished_is_neither_done_nor_cancelled(state: DutyState, unfinished: bool) -> None:
    assert duty(state=state).unfinished is unfinished


def test_what_comes_first_is_done_first_whatever_order_they_are_in() -> None:
    queue = [
        duty(code="z", remind_at=T),
        duty(code="z", remind_at=T + HOUR, opened_at=T + HOUR),
        duty(code="y", turn_at=T + HOUR, opened_at=T - HOUR),
        duty(code="x", turn_at=T + HOUR, opened_at=T, occurrence=3),
        duty(code="y", turn_at=T + HOUR, opened_at=T, occurrence=1),
        duty(code="y", turn_at=T + HOUR, opened_at=T, occurrence=2),
        duty(code="a", chase_at=T + HOUR, opened_at=T - DAY),
    ]
    for order in (queue, queue[::-1]):
        left, done = list(order), []
        while (happening := next_happening(left)) is not None:
            done.append(happening.duty)
            left.remove(happening.duty)
        assert done == queue


def test_of_one_duty_the_reminder_comes_before_its_turn_and_that_before_the_chase() -> None:
    one = duty(remind_at=T, turn_at=T, chase_at=T)
    assert [h.what for h in (next_happening([one]), next_happening([reminded(one)])) if h] == ["remind", "turn"]
    last = next_happening([replace(reminded(one), turn_at=None)])
    assert last is not None and last.what == "chase"


def test_a_chase_makes_it_late_and_is_followed_by_the_next() -> None:
    after = chased(duty(remind_at=T, chase_at=T + 3 * DAY), T + 3 * DAY, Reminders())
    assert (after.state, after.remind_at, after.chase_at) == ("overdue", None, T + 4 * DAY)


@pytest.mark.parametrize(
    ("hours", "following"), [(-1, 0), (0, 2), (47, 2), (48, 5), (5 * 24, 8), (8 * 24 - 1, 8), (8 * 24, 11), (300, 14)]
)
def test_chases_come_on_the_days_a_pack_sets_and_then_at_its_interval(hours: int, following: int) -> None:
    settings = Reminders(chase_days=(0, 2, 5), then_every_days=3)
    assert next_chase(T, T + hours * HOUR, settings) == T + following * DAY


@pytest.mark.parametrize(
    ("settings", "reminder"),
    [
        ("share = 0.5", T + 36 * HOUR),
        ("share = 0.9", T + timedelta(hours=7.2)),
        ("share = 0.9\nnot_before = 'PT24H'", T + 24 * HOUR),
        ("not_before = 'PT72H'", None),
        ("not_within = 'PT71H'", T + 54 * HOUR),
        ("not_within = 'PT72H'", None),
    ],
)
def test_a_pack_sets_when_owners_are_reminded(settings: str, reminder: Any) -> None:
    running = row(REVIEW.replace("P3D", "PT72H"), head=f"[reminders]\n{settings}")
    assert opened(running, T).remind_at == reminder


@pytest.mark.parametrize(
    ("code", "occurrence", "due", "is_overtaken"),
    [
        ("review", 2, T, True),
        ("review", 2, T - HOUR, True),
        ("review", 2, T + timedelta(seconds=1), False),
        ("review", 1, T, False),
        ("review", 0, T, False),
        ("other", 2, T, False),
    ],
)
def test_a_late_occurrence_is_overtaken_by_a_newer_one_that_fell_due(
    code: str, occurrence: int, due: Any, is_overtaken: bool
) -> None:
    assert overtaken([duty(), duty(code=code, occurrence=occurrence, due_at=due)], duty(), T) is is_overtaken


def test_when_the_newest_falls_due_only_its_own_elders_are_chased_no_more() -> None:
    running = row(DAILY)
    newest = replace(opened(running, T), occurrence=3)
    elder, younger = (replace(newest, occurrence=n, state="overdue", chase_at=T + 9 * DAY) for n in (2, 4))
    other = duty(chase_at=T + 9 * DAY)
    told, same, untouched, kept, following = turned((elder, newest, other, younger), newest, running, T + DAY, DOC)
    assert (told.chase_at, told.state) == (None, "overdue")
    assert same == replace(newest, turn_at=None), "chased on, and still open"
    assert (untouched, kept) == (other, younger)
    assert (following.occurrence, following.ordinal, following.owner) == (4, 0, "social_worker")
    assert (following.opened_at, following.due_at, following.state) == (T + DAY, T + 2 * DAY, "open")
    assert following.remind_at == T + timedelta(days=1.75)


def test_the_hubs_own_duty_that_is_over_already_stays_as_it_ended() -> None:
    running = row('code = "send"\nwhen = "always"\ndue = "P1D"\nowner = "hub"\nacts = "tell"\ntells = ["mash"]')
    live = opened(running, T)
    (done,) = turned((live,), live, running, T + DAY, DOC)
    assert (done.state, done.closed_at, done.closed_by, done.live) == ("done", T + DAY, "duty:send", False)
    over = replace(live, state="done", closed_at=T, closed_by="event:D1")
    assert turned((over,), over, running, T + DAY, DOC) == (replace(over, turn_at=None),)


def test_an_owner_elsewhere_has_not_done_it_because_it_fell_due() -> None:
    running = row(REVIEW + '\ntells = ["mash"]')
    live = opened(running, T)
    assert live.turn_at == live.due_at == live.chase_at
    assert turned((live,), live, running, live.due_at, DOC) == (replace(live, turn_at=None),)


@pytest.mark.parametrize(
    ("extra", "turns"),
    [("", False), ('\nrepeats = "P1D"', True), ('\ntells = ["mash"]', True), ('\noverdue_tells = ["mash"]', False)],
)
def test_only_what_tells_or_repeats_turns_at_its_due_time(extra: str, turns: bool) -> None:
    live = opened(row(REVIEW + extra), T)
    assert live.turn_at == (live.due_at if turns else None)


def test_ending_leaves_nothing_to_happen_and_says_when_and_why() -> None:
    over = ended(duty(remind_at=T, chase_at=T, turn_at=T), "cancelled", T + HOUR, "event:F1")
    assert (over.state, over.closed_at, over.closed_by, over.live) == ("cancelled", T + HOUR, "event:F1", False)


def test_cancelling_touches_the_codes_named_and_what_still_lives() -> None:
    review, daily = duty(chase_at=T), duty(code="daily", chase_at=T)
    done, gone = duty(state="done", turn_at=T), duty(state="done")
    assert [d.state for d in cancel((review, daily), ["daily"], T, "event:F1")] == ["open", "cancelled"]
    assert [d.state for d in cancel((review, daily), [], T, "event:F1")] == ["open", "open"]
    assert [d.state for d in cancel((review, daily), None, T, "event:F1")] == ["cancelled", "cancelled"]
    quiet, same = cancel((done, gone), None, T, "event:F1")
    assert (quiet.state, quiet.closed_by, quiet.live) == ("done", None, False)
    assert same is gone


def test_completion_ends_what_is_owed_under_the_code_and_lets_the_next_open() -> None:
    late = duty(state="overdue", remind_at=T, chase_at=T, turn_at=T)
    other, over = duty(code="other", chase_at=T), duty(state="cancelled")
    done, *rest = complete((late, other, over), "review", T + HOUR, "event:D1")
    assert (done.state, done.closed_at, done.closed_by) == ("done", T + HOUR, "event:D1")
    assert (done.remind_at, done.chase_at, done.turn_at) == (None, None, T)
    assert rest == [other, over]


CLOSES = [
    REVIEW,
    'code = "along"\nwhen = "always"\ndue = "P1D"\nowner = "police"\ncloses_with = ["review"]',
    'code = "anyway"\nwhen = "always"\ndue = "P1D"\nowner = "police"\nclosed_by_any = ["review"]',
    'code = "refused"\nwhen = "always"\ndue = "P1D"\nowner = "police"\nclosed_by_declined = ["review"]',
]


@pytest.mark.parametrize(
    ("outcome", "closed"),
    [
        ("held", {"along", "anyway"}),
        ("done", {"along", "anyway"}),
        ("declined", {"anyway", "refused"}),
        ("not_required", {"anyway"}),
    ],
)
def test_what_a_completion_closes_along_depends_on_its_outcome(outcome: str, closed: set[str]) -> None:  # B11, B12
    packs = Packs((pack(*CLOSES),))
    assert closed_along(packs, "review", outcome) == closed
    assert closed_along(packs, "along", outcome) == frozenset()
    assert codes(packs) == {"review", "along", "anyway", "refused"}


def test_rows_of_one_code_are_numbered_and_an_options_by_themselves() -> None:
    option = REVIEW + '\noption = "more"'
    head = '[options.more]\ntitle = "More"'
    written = parse_pack("made-up", toml("made-up", REVIEW, option, DAILY, REVIEW, option, head=head))
    ids = [running.id for running in rows_of(Packs((written,), frozenset({"made-up:more"})))]
    assert ids == [
        "made-up/review/0", "made-up/review/more.0", "made-up/daily/0", "made-up/review/1", "made-up/review/more.1",
    ]  # fmt: skip
    assert [running.id for running in rows_of(Packs((written,)))] == [ids[0], ids[2], ids[3]]
    assert {code_of(row) for row in ids} == {"review", "daily"}


def test_rows_are_found_by_what_starts_them() -> None:
    back = REVIEW.replace("review", "check") + '\nstarts = "return"'
    held = REVIEW.replace("review", "decision") + '\nstarts = "held"'
    packs = Packs((pack(back, REVIEW, held),))
    assert [r.row.code for r in rows_starting(packs, "return")] == ["check"]
    assert [r.row.code for r in rows_starting(packs, "out", "held")] == ["review", "decision"]
    assert rows_starting(packs, "completed") == ()


@pytest.mark.parametrize(
    ("due", "repeats", "third"),
    [
        ("P1M", "P1M", "2026-04-30T09:00:00Z"),  # the last day again, by the calendar from the start
        ("PT48H", "P1M", "2026-04-02T09:00:00Z"),  # the hours first, then the months
        ("P2D", "PT36H", "2026-02-05T10:00:00Z"),
        ("P1M", "P1DT1H", "2026-03-02T12:00:00Z"),
    ],
)
def test_the_third_occurrence(due: str, repeats: str, third: str) -> None:
    text = f'code = "review"\nwhen = "always"\ndue = "{due}"\nrepeats = "{repeats}"\nowner = "police"'
    assert due_of(row(text), at("2026-01-31T10:00:00Z"), 3, DOC) == at(third)
