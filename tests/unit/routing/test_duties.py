"""One duty from opening to end: due times, reminders, chasing, repeats, completion (readings.md A7, A8, B6 to B9)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.calendar import Period, add
from routing.duties import (
    Duty,
    cancel,
    complete,
    due_of,
    next_chase,
    next_happening,
    open_duty,
    owner_role,
    reminded,
    row_by_id,
    rows_of,
    turned,
)
from routing.packs import Packs, Reminders
from tests.kit.clocks import DOC, at, opened, pack, row, run

ONCE = 'code = "once"\nwhen = "always"\ndue = "PT72H"\nowner = "social_worker"'
DAILY = 'code = "daily"\nwhen = "always"\ndue = "P1D"\nrepeats = "P1D"\nowner = "social_worker"'
MONTHLY = 'code = "monthly"\nwhen = "always"\ndue = "P1M"\nrepeats = "P1M"\nowner = "social_worker"'
UPDATE = 'code = "update"\nwhen = "always"\ndue = "PT48H"\nrepeats = "P5D"\nowner = "police"\ntells = ["carer"]'
RENOTIFY = 'code = "renotify"\nwhen = "always"\ndue = "P6M"\nrepeats = "P6M"\nowner = "hub"\nacts = "renotify"'
AT_ONCE = 'code = "now"\nwhen = "always"\ndue = "PT0S"\nowner = "police"'
ADULT = 'code = "adulthood"\nwhen = "always"\ndue_age = 18\nowner = "lead_authority"'
T = at("2026-02-02T10:00:00Z")


def times(heard: list[tuple[str, int, datetime]], what: str, occurrence: int | None = None) -> list[str]:
    return [f"{when:%m-%dT%H:%M}" for w, n, when in heard if w == what and occurrence in (None, n)]


def test_a_duty_is_reminded_a_quarter_before_and_chased_daily_then_weekly() -> None:
    running = row(ONCE)
    duties, heard = run((opened(running, T),), running, at("2026-03-01T00:00:00Z"))
    assert times(heard, "remind") == ["02-04T16:00"]
    chases = ["02-05", "02-06", "02-07", "02-08", "02-09", "02-10", "02-11", "02-12", "02-19", "02-26"]
    assert times(heard, "chase") == [f"{day}T10:00" for day in chases]
    assert duties[0].state == "overdue"


def test_chases_keep_the_local_time_over_a_clock_change() -> None:
    settings = Reminders()
    due = at("2026-03-28T18:00:00Z")
    assert next_chase(due, due, settings) == at("2026-03-29T17:00:00Z")
    assert next_chase(due, at("2026-04-04T17:00:00Z"), settings) == at("2026-04-11T17:00:00Z")


@given(st.integers(0, 5000))
def test_the_next_chase_is_always_ahead_and_at_most_a_week(hours: int) -> None:
    after = T + timedelta(hours=hours)
    following = next_chase(T, after, Reminders())
    assert after < following <= after + timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    ("due", "reminder"),
    [
        ("PT2H", None),  # not for what is due within two hours
        ("PT2H1S", "2026-02-02T11:30:00.750000+00:00"),
        ("PT3H", "2026-02-02T12:15:00+00:00"),
        ("PT24H", "2026-02-03T04:00:00+00:00"),
    ],
)
def test_reminders_of_short_duties(due: str, reminder: str | None) -> None:
    duty = opened(row(ONCE.replace("PT72H", due)), T)
    assert (duty.remind_at and duty.remind_at.isoformat()) == reminder


def test_a_reminder_is_never_sooner_than_an_hour_after_opening() -> None:
    running = row(ONCE)
    late = opened(running, T, T + timedelta(hours=69))
    assert late.remind_at == T + timedelta(hours=70)
    assert opened(running, T, T + timedelta(hours=70)).remind_at is None


def test_a_duty_due_at_once_is_chased_as_it_opens() -> None:
    running = row(AT_ONCE)
    _, heard = run((opened(running, T),), running, T)
    assert heard == [("chase", 1, T)]


def test_a_one_off_that_comes_late_opens_and_is_late_at_once() -> None:
    running = row(ONCE)
    now = T + timedelta(days=5)
    duty = opened(running, T, now)
    assert (duty.due_at, duty.opened_at, duty.state) == (T + timedelta(hours=72), now, "open")
    duties, heard = run((duty,), running, now)
    assert heard == [("chase", 1, now)]
    assert duties[0].chase_at == T + timedelta(days=6)


def test_a_repeating_one_that_comes_late_opens_with_the_next_still_to_come() -> None:
    running = row(DAILY)
    duty = opened(running, T, T + timedelta(days=3, hours=1))
    assert (duty.occurrence, duty.due_at) == (4, T + timedelta(days=4))
    assert duty.remind_at == T + timedelta(days=3, hours=18), "the interval begins at the due time before"
    second = opened(running, T, T + timedelta(days=1, hours=1))
    assert (second.occurrence, second.remind_at) == (2, T + timedelta(days=1, hours=18))
    exactly = opened(running, T, T + timedelta(days=3))
    assert exactly.occurrence == 3, "due at this very instant is not past"


def test_only_the_newest_late_occurrence_is_chased() -> None:
    running = row(DAILY)
    duties, heard = run((opened(running, T),), running, T + timedelta(days=4))
    assert times(heard, "chase") == ["02-03T10:00", "02-04T10:00", "02-05T10:00", "02-06T10:00"]
    assert [n for what, n, _ in heard if what == "chase"] == [1, 2, 3, 4]
    assert [d.state for d in duties] == ["overdue"] * 4 + ["open"]


def test_a_late_occurrence_is_chased_until_the_next_falls_due() -> None:
    running = row(UPDATE)
    duties, heard = run((opened(running, T),), running, at("2026-02-09T10:00:00Z"))
    assert times(heard, "chase", 1) == ["02-04T10:00", "02-05T10:00", "02-06T10:00", "02-07T10:00", "02-08T10:00"]
    assert times(heard, "chase", 2) == ["02-09T10:00"]
    assert [d.due_at for d in duties] == [T + timedelta(days=n) for n in (2, 7, 12)]


def test_clocks_that_stood_still_do_not_bury_the_owner() -> None:
    running = row(DAILY)
    woken = T + timedelta(days=5, hours=2)
    duties, heard = run((opened(running, T),), running, woken, tick=woken)
    assert [(what, n) for what, n, _ in heard if what != "turn"] == [("chase", 5)]
    assert [n for what, n, _ in heard if what == "turn"] == [1, 2, 3, 4, 5], "each due time has its consequence"
    assert [d.state for d in duties] == ["overdue"] * 5 + ["open"]
    assert next_happening(duties) == next_happening(tuple(reversed(duties)))


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([DAILY, MONTHLY, UPDATE, RENOTIFY]),
)
def test_repeats_never_drift(start: datetime, text: str) -> None:
    running = row(text)
    duties: tuple[Duty, ...] = (opened(running, start),)
    for n in range(1, 14):
        newest = max(duties, key=lambda d: d.occurrence)
        assert newest.due_at == due_of(running, start, n, DOC)
        duties = turned(duties, newest, running, newest.due_at, DOC)
    assert [d.occurrence for d in duties] == list(range(1, 15))
    gaps = [b.due_at - a.due_at for a, b in pairwise(duties)]
    assert max(gaps) - min(gaps) <= timedelta(days=4)


def test_month_ends_come_back() -> None:
    running = row(MONTHLY)
    start = at("2026-01-31T10:00:00Z")
    dues = [due_of(running, start, n, DOC) for n in range(1, 5)]
    assert dues == [at(t) for t in ("2026-02-28T10:00:00Z", "2026-03-31T09:00:00Z", "2026-04-30T09:00:00Z",
                                    "2026-05-31T09:00:00Z")]  # fmt: skip


def test_the_hubs_own_duty_is_done_at_its_time_and_never_reminded() -> None:
    running = row(RENOTIFY)
    duty = opened(running, T)
    assert (duty.remind_at, duty.chase_at, duty.turn_at) == (None, None, add(T, Period(months=6)))
    duties, heard = run((duty,), running, duty.due_at)
    assert heard == [("turn", 1, duty.due_at)]
    assert (duties[0].state, duties[0].closed_by) == ("done", "duty:renotify")
    assert (duties[1].state, duties[1].due_at) == ("open", add(T, Period(months=12)))


@pytest.mark.parametrize("edited", [("P6M", "P3M"), ("P6M", "P1D"), ("P6M", "P5M"), ("P6M", "P9M")])
def test_an_edited_pack_makes_nothing_fall_due_twice(edited: tuple[str, str]) -> None:
    duty = opened(row(RENOTIFY), T)
    running = row(RENOTIFY.replace(*edited))
    after = turned((duty,), duty, running, duty.due_at, DOC)
    assert after[1].due_at > duty.due_at
    assert after[1].occurrence == 2
    third = turned(after, after[1], running, after[1].due_at, DOC)[2]
    assert third.due_at > after[1].due_at


def test_a_longer_period_counts_on_from_the_start() -> None:
    duty = opened(row(RENOTIFY), T)
    running = row(RENOTIFY.replace("P6M", "P9M"))
    _, second = turned((duty,), duty, running, duty.due_at, DOC)
    assert (second.n, second.due_at) == (2, add(T, Period(months=18)))


def test_a_duty_that_no_pack_knows_any_more_is_not_said_to_be_done() -> None:
    duty = opened(row(RENOTIFY), T)
    (after,) = turned((duty,), duty, None, duty.due_at, DOC)
    assert after.state == "cancelled"
    assert not after.live


def test_a_row_that_was_moved_is_found_by_its_code() -> None:
    packs = Packs((pack(ONCE), pack(RENOTIFY, DAILY, name="other")))
    assert [running.id for running in rows_of(packs)] == ["made-up/once/0", "other/renotify/0", "other/daily/0"]
    for old in ("made-up/renotify/0", "gone/renotify/3", "other/renotify/0"):
        found = row_by_id(packs, old)
        assert found is not None
        assert found.id == "other/renotify/0"
    assert row_by_id(packs, "made-up/unknown/0") is None


def test_completion_closes_every_late_occurrence_and_the_next_still_opens() -> None:
    running = row(DAILY)
    duties, _ = run((opened(running, T),), running, T + timedelta(days=2, hours=1))
    assert [d.state for d in duties] == ["overdue", "overdue", "open"]
    done_at = T + timedelta(days=2, hours=2)
    duties = complete(duties, "daily", done_at, "event:D1")
    assert {(d.state, d.closed_at, d.closed_by) for d in duties} == {("done", done_at, "event:D1")}
    duties, heard = run(duties, running, T + timedelta(days=4))
    assert heard[:2] == [("turn", 3, T + timedelta(days=3)), ("remind", 4, T + timedelta(days=3, hours=18))]
    assert [d.state for d in duties] == ["done", "done", "done", "overdue", "open"]


def test_what_was_completed_is_not_completed_again() -> None:
    duties = complete((opened(row(ONCE), T),), "once", T, "event:D1")
    assert complete(duties, "once", T + timedelta(days=1), "event:D2") == duties
    assert complete(duties, "other", T, "event:D3") == duties
    assert next_happening(duties) is None


def test_cancelling_ends_the_late_ones_too_and_leaves_what_is_done() -> None:
    running = row(DAILY)
    first = complete((opened(running, T),), "daily", T, "event:D1")
    duties, _ = run(first, running, T + timedelta(days=3, hours=1))
    assert [d.state for d in duties] == ["done", "overdue", "overdue", "open"]
    over = cancel(duties, ["daily"], T + timedelta(days=4), "event:F1")
    assert [(d.state, d.closed_by) for d in over] == [("done", "event:D1")] + [("cancelled", "event:F1")] * 3
    assert next_happening(over) is None
    assert cancel(over, None, T + timedelta(days=5), "event:X1") == over
    assert cancel(duties, ["other"], T, "event:F1") == duties


def test_cancelling_stops_the_repeats_of_one_done_before_its_time() -> None:
    duties = complete((opened(row(DAILY), T),), "daily", T, "event:D1")
    (over,) = cancel(duties, None, T, "event:X1")
    assert (over.state, over.closed_by, over.live) == ("done", "event:D1", False)


def test_a_clock_that_starts_anew_counts_on() -> None:
    running = row(DAILY)
    duties, _ = run((opened(running, T),), running, T + timedelta(days=2))
    duties = cancel(duties, None, T + timedelta(days=2, hours=1), "event:U1")
    again = opened(running, T + timedelta(days=9), before=duties)
    assert (again.occurrence, again.ordinal, again.due_at) == (4, 1, T + timedelta(days=10))


def test_the_eighteenth_birthday() -> None:
    running = row(ADULT)
    assert opened(running, T).due_at == at("2029-08-16T23:00:00Z")
    assert opened(running, T).owner == "responsible_authority"
    grown = at("2029-08-16T23:00:00Z")
    assert open_duty(running, grown, grown, DOC, rules=(), before=()) is None
    assert opened(running, grown - timedelta(seconds=1), grown + timedelta(days=9)).state == "open"


def test_the_owner_of_responsible_or_area_authority() -> None:
    assert owner_role("lead_authority", DOC) == "responsible_authority"
    assert owner_role("lead_authority", {**DOC, "child": {"looked_after": False}}) == "host_authority"
    assert owner_role("police", DOC) == "police"


def test_at_one_instant_what_falls_due_turns_before_anything_is_chased() -> None:
    running = row(DAILY)
    duties, _ = run((opened(running, T),), running, T + timedelta(days=1))
    late, newest = (reminded(d) for d in duties)
    assert late.chase_at == newest.turn_at == T + timedelta(days=2)
    for order in ((late, newest), (newest, late)):
        happening = next_happening(order)
        assert happening is not None
        assert (happening.what, happening.duty.occurrence) == ("turn", 2)


def test_nothing_happens_without_duties() -> None:
    none: tuple[Duty, ...] = ()
    assert next_happening(none) is None
