"""What another hub's people say to a proposal, as two hubs say it to each other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.core.agreements import Agreement, Answer, Refused
from hub.core.peer_agreements import answer_step, came_to, fits, judged, proposal_step, step_in
from hub.core.peer_cases import NotUnderstood
from hub.core.summary import EpisodeState
from hub.core.ulid import spelled
from tests.kit.clock import START

OURS, THEIRS = ("E09000006", "front_door"), ("E06000013", "front_door")
MADE = Agreement(
    id=spelled("ag", 1), episode="ep_1", thread="th_1", message="ms_1", kind="collection", does_it=THEIRS,
    deadline=START + timedelta(hours=1), proposer=OURS, asked=(THEIRS,), actor="user:us_1", proposed_at=START,
)  # fmt: skip


def said(step: str, episode: EpisodeState = "open", about: Agreement | None = MADE) -> str | None:
    read = step_in(step.encode())
    assert read is not None
    found = judged(read, THEIRS, about=about, known=[MADE], readers=[OURS, THEIRS], episode=episode, now=START)
    return found.why if isinstance(found, Refused) else found


def test_a_step_is_judged_by_how_the_child_is_and_what_was_answered() -> None:
    accept = answer_step(MADE.id, "accept")
    assert said(accept) == "accepted"
    assert said(accept, "returned") == "over"
    assert said(accept, about=None) == "not_asked"
    done = replace(MADE, answers=(Answer(party=THEIRS, said="accepted", at=START, actor="a", message="ms_2"),))
    assert said(accept, about=done) == "over"
    counter = replace(MADE, id=spelled("ag", 2), proposer=THEIRS, asked=(OURS,), replaces=MADE.id)
    assert said(proposal_step(counter)) == "countered"
    assert said(proposal_step(replace(counter, kind="lead"))) == "not_asked"
    assert said(proposal_step(replace(counter, when=START))) == "late"
    fresh = replace(counter, replaces=None)
    assert said(proposal_step(fresh), about=None) == "in_the_way"
    assert said(proposal_step(fresh), "retracted", about=None) == "over"
    assert said(proposal_step(replace(fresh, kind="lead")), about=None) is None


def test_one_answer_a_party_and_its_own_to_give() -> None:
    answer = Answer(party=THEIRS, said="declined", at=START, actor="a", message="ms_2")
    assert fits(MADE, answer) and not fits(replace(MADE, answers=(answer,)), answer)
    assert not fits(MADE, replace(answer, said="withdrawn")) and not fits(MADE, replace(answer, party=OURS))


@pytest.mark.parametrize("wrong", ["", "[]", "{}", "null", "{" * 5000, answer_step("ag_1", "accept")])
def test_what_cannot_be_read_is_not_understood(wrong: str) -> None:
    with pytest.raises(NotUnderstood):
        step_in(wrong.encode())


def test_terms_are_of_what_is_proposed_and_of_nothing_else() -> None:
    whole = proposal_step(MADE)
    for wrong in (whole.replace("propose", "accept"), whole.replace("propose", "counter"),
                  whole.replace("collection", "dinner")):  # fmt: skip
        with pytest.raises(NotUnderstood):
            step_in(wrong.encode())
    assert step_in(None) is None


def test_what_another_hub_says_of_a_step() -> None:
    assert [came_to(one) for one in ("kept", "over", None, "anything", "on_its_way")] == [
        "kept", "over", "words", "words", "words"
    ]  # fmt: skip
