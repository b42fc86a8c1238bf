"""Every pair of state and happening, of all three layers."""

from itertools import permutations, product
from pathlib import Path

import pytest

from hub.core.state_page import MEANING, reference_page
from hub.core.states import (
    ATTEMPT,
    ATTEMPT_HAPPENINGS,
    ATTEMPT_STATES,
    DELIVERY,
    DELIVERY_HAPPENINGS,
    DELIVERY_STATES,
    NEVER_SENT,
    NOTICE,
    NOTICE_HAPPENINGS,
    NOTICE_STATES,
    AttemptHappening,
    AttemptState,
    IllegalTransition,
    NoticeHappening,
    attempt_after,
    delivery_after,
    notice_after,
)

# One line a state, in the order of the happenings above it; "." stays, "!" cannot happen.
NOTICE_GRID = """
                content_sent  alert_sent receipt    accepted     not_ours   redirected superseded gave_up       overdue withheld held released
pending         notified      .          receipted  acknowledged unresolved unresolved superseded undeliverable overdue withheld held .
notified        .             .          receipted  acknowledged unresolved unresolved .          undeliverable overdue .        .    !
receipted       .             .          .          acknowledged unresolved unresolved .          undeliverable overdue .        .    !
acknowledged    .             .          .          .            unresolved unresolved .          .             .       .        .    !
withheld        !             !          .          .            .          .          .          !             !       .        held pending
held            !             !          .          .            .          .          superseded !             !       withheld .    pending
unresolved      .             .          .          acknowledged .          .          superseded .             .       withheld held pending
undeliverable   notified      .          receipted  acknowledged unresolved unresolved .          .             .       withheld held pending
overdue         .             .          .          acknowledged unresolved unresolved superseded undeliverable .       withheld held pending
superseded      .             .          .          .            .          .          .          .             .       .        .    !
"""  # noqa: E501 - a grid is read across
DELIVERY_GRID = """
           claimed carried retry released lease_lost gave_up withdrawn redriven called_off
due        leased  !       !     !        !          failed  cancelled !        cancelled
leased     !       sent    due   due      due        failed  cancelled !        !
sent       !       .       !     !        !          failed  .         !        !
failed     !       !       !     !        !          .       .         due      cancelled
cancelled  !       !       !     !        !          !       .         !        .
"""
ATTEMPT_GRID = """
                   claimed accepted deferred           rejected           failed_technically abandoned         released  receipt_delayed receipt_delivered receipt_expired receipt_bounced
created            sending !        !                  !                  !                  !                 cancelled !               !                 !               !
sending            !       sent     temporary_failure  permanent_failure  technical_failure  technical_failure cancelled delayed         delivered         expired         permanent_failure
sent               !       .        .                  .                  .                  .                 !         delayed         delivered         expired         permanent_failure
delayed            !       .        .                  .                  .                  .                 !         .               delivered         expired         permanent_failure
delivered          !       .        .                  .                  .                  .                 !         .               .                 expired         permanent_failure
temporary_failure  !       .        .                  .                  .                  .                 !         delayed         delivered         expired         permanent_failure
permanent_failure  !       .        .                  .                  .                  .                 !         .               .                 .               .
technical_failure  !       sent     temporary_failure  permanent_failure  .                  .                 !         delayed         delivered         expired         permanent_failure
expired            !       .        .                  .                  .                  .                 !         .               .                 .               permanent_failure
cancelled          !       sent     temporary_failure  permanent_failure  technical_failure  .                 .         delayed         delivered         expired         permanent_failure
"""  # noqa: E501 - a grid is read across


def _grid(text: str) -> dict[tuple[str, str], str | None]:
    first, *rows = text.strip("\n").splitlines()
    happenings = first.split()
    pairs: dict[tuple[str, str], str | None] = {}
    for row in rows:
        state, *targets = row.split()
        assert len(targets) == len(happenings), state
        for happening, target in zip(happenings, targets, strict=True):
            pairs[state, happening] = None if target == "!" else state if target == "." else target
    return pairs


@pytest.mark.parametrize(
    ("grid", "table", "states", "happenings", "after"),
    [
        (NOTICE_GRID, NOTICE, NOTICE_STATES, NOTICE_HAPPENINGS, notice_after),
        (DELIVERY_GRID, DELIVERY, DELIVERY_STATES, DELIVERY_HAPPENINGS, delivery_after),
        (ATTEMPT_GRID, ATTEMPT, ATTEMPT_STATES, ATTEMPT_HAPPENINGS, attempt_after),
    ],
    ids=["notice", "delivery", "attempt"],
)
def test_every_pair_is_as_the_grid_has_it(grid, table, states, happenings, after):
    expected = _grid(grid)
    assert set(expected) == set(product(states, happenings))
    assert set(table) == set(states)
    for (state, happening), target in expected.items():
        if target is None:
            with pytest.raises(IllegalTransition, match=happening):
                after(state, happening)
        else:
            assert after(state, happening) == target, (state, happening)


def test_a_late_bounce_after_delivered_is_a_failure():
    assert attempt_after("delivered", "receipt_bounced") == "permanent_failure"


def test_every_receipt_may_come_late():
    receipts = [happening for happening in ATTEMPT_HAPPENINGS if happening.startswith("receipt_")]
    for state in set(ATTEMPT_STATES) - {"created"}:
        for receipt in receipts:
            attempt_after(state, receipt)


def test_the_order_in_which_result_and_receipts_arrive_does_not_matter():
    happenings: list[AttemptHappening] = ["accepted", "receipt_delayed", "receipt_delivered", "receipt_bounced"]
    for count in (2, 3, 4):
        for chosen in {frozenset(some) for some in permutations(happenings, count)}:
            ends = set()
            for order in permutations(sorted(chosen)):
                state: AttemptState = "sending"
                for happening in order:
                    state = attempt_after(state, happening)
                ends.add(state)
            assert len(ends) == 1, chosen


def test_a_receipt_does_not_make_a_content_free_alert_a_notice_that_was_told():
    assert notice_after("pending", "alert_sent") == "pending"


def test_only_content_or_its_receipt_makes_a_notice_notified():
    ways = {(state, happening) for state, row in NOTICE.items() for happening, to in row.items() if to == "notified"}
    assert {happening for state, happening in ways if state != "notified"} == {"content_sent"}


def test_only_a_named_human_acknowledges():
    ways = {
        happening
        for state, row in NOTICE.items()
        for happening, to in row.items()
        if to == "acknowledged" and state != "acknowledged"
    }
    assert ways == {"accepted"}


def test_not_ours_and_redirected_end_nothing():
    for happening in ("not_ours", "redirected"):
        for state in ("pending", "notified", "receipted", "acknowledged", "overdue", "undeliverable", "unresolved"):
            assert notice_after(state, happening) == "unresolved"


def test_what_must_not_be_told_has_no_way_to_be_sent():
    for state in ("withheld", "held"):
        for happening in ("content_sent", "alert_sent"):
            with pytest.raises(IllegalTransition):
                notice_after(state, happening)
    assert {"withheld", "held", "superseded", "acknowledged"} == NEVER_SENT


def test_an_answer_and_a_result_that_cross_end_in_the_same_state():
    for answer in ("accepted", "not_ours", "redirected"):
        crossing: list[NoticeHappening] = ["content_sent", "receipt", answer]
        ends = set()
        for order in permutations(crossing):
            state = "pending"
            for happening in order:
                state = notice_after(state, happening)
            ends.add(state)
        assert len(ends) == 1, answer


def test_no_state_is_a_dead_end_that_hides_an_untold_reader():
    """From every open state an acceptance ends the chase."""
    for state in ("pending", "notified", "receipted", "unresolved", "undeliverable", "overdue"):
        assert notice_after(state, "accepted") == "acknowledged"


def test_the_error_names_layer_state_and_happening_only():
    with pytest.raises(IllegalTransition) as raised:
        delivery_after("sent", "claimed")
    assert str(raised.value) == "delivery: 'claimed' cannot happen in state 'sent'"


def test_every_happening_is_explained():
    assert set(MEANING["attempt"]) == set(ATTEMPT_HAPPENINGS)
    assert set(MEANING["delivery"]) == set(DELIVERY_HAPPENINGS)
    assert set(MEANING["notice"]) == set(NOTICE_HAPPENINGS)


def test_the_page_of_the_documentation_is_current():
    page = Path(__file__).parents[3] / "docs" / "reference" / "states.md"
    assert page.read_text() == reference_page(), (
        "make it anew: python -c 'from hub.core.state_page import reference_page; print(reference_page(), end=\"\")'"
        " > docs/reference/states.md"
    )


def test_the_diagram_has_an_arrow_for_every_change():
    page = reference_page()
    for table in (ATTEMPT, DELIVERY, NOTICE):
        for state, row in table.items():
            for target in set(row.values()) - {state}:
                assert f"    {state} --> {target}: " in page
