"""Options: rows that are off until an authority turns them on, for its own placements, and that decisions then name."""

from typing import Any

import pytest

from hub.core.events import instant
from routing.duties import rows_of
from routing.packs import Pack, PackProblem, Packs, amiss_together, load_packs, no_such_option, parse_pack
from tests.kit.engine import Engine
from tests.kit.events import EPISODE, event, reported, returned, updated

LEEDS, YORK = "E08000035", "E06000014"

OURS = """
name = "ours"
title = "A protocol of our own"
version = "2026-1"
[applies]
always = true
[options.more]
title = "More people are told"
[options.reviews]
title = "Reviews"
ours = "daily"
[[recipients]]
role = "mash"
missing = "always"
rules = ["X-1"]
[[recipients]]
role = "mase_panel"
missing = "always"
option = "more"
rules = ["X-1"]
[[duties]]
code = "review"
when = "missing"
due = "P1D"
owner = "lead_authority"
option = "reviews"
rules = ["X-1"]
[[duties]]
code = "review"
when = "missing"
due = "P3D"
owner = "lead_authority"
rules = ["X-1"]
[evidence.X-1]
source = "Our protocol"
section = "2"
quote = "must be told"
"""


def ours() -> Pack:
    return parse_pack("ours", OURS)


def switch(*options: str, authority: str = LEEDS, name: str = "switch") -> Pack:
    return parse_pack(
        name,
        f'name = "{name}"\ntitle = "What we turned on"\nversion = "1"\nturns_on = {list(options)}\n'
        f'[applies]\nauthorities = ["{authority}"]\n',
    )


def placed(host: str) -> dict[str, Any]:
    return {"placement": {"type": "foster_care", "responsible_authority": host, "host_authority": host}}


def roles(packs: Packs) -> list[str]:
    return [row.role for pack in packs.packs for row in pack.recipients]


def test_an_option_is_off_until_it_is_turned_on() -> None:
    off = Packs((ours(),))
    assert roles(off) == ["mash"]
    assert [str(row.due) for row in off.packs[0].duties] == [str(ours().duties[1].due)]
    assert off.packs[0].version == "2026-1"
    assert roles(off.select(placed(LEEDS))) == ["mash"]
    # what it would be is still there to be shown
    assert [table for table, _ in off.written[0].optional("more")] == ["recipients"]


def test_an_authority_turns_it_on_for_its_own_placements_only() -> None:
    packs = Packs((ours(), switch("ours:more")))
    assert roles(packs.select(placed(LEEDS))) == ["mash", "mase_panel"]
    assert roles(packs.select(placed(YORK))) == ["mash"]
    assert packs.select(placed(LEEDS)).packs[0].duties == packs.select(placed(YORK)).packs[0].duties


def test_two_authorities_of_one_placement_turn_on_what_each_wants() -> None:
    packs = Packs((ours(), switch("ours:more"), switch("ours:reviews", authority=YORK, name="other")))
    shared = {"placement": {"type": "foster_care", "responsible_authority": LEEDS, "host_authority": YORK}}
    assert packs.select(shared).packs[0].version == "2026-1+more+reviews"
    assert packs.select(placed(YORK)).packs[0].version == "2026-1+reviews"


def test_each_citation_names_the_options_that_were_on() -> None:
    packs = Packs((ours(), switch("ours:more")))
    assert [rule.version for rule in packs.select(placed(LEEDS)).packs[0].cite(["X-1"])] == ["2026-1+more"]
    assert [rule.version for rule in packs.select(placed(YORK)).packs[0].cite(["X-1"])] == ["2026-1"]


def test_an_option_renames_no_row_of_the_others() -> None:
    off, on = Packs((ours(),)), Packs((ours(),)).switched(["ours:reviews"])
    assert [running.id for running in rows_of(off)] == ["ours/review/0"]
    assert [running.id for running in rows_of(on)] == ["ours/review/reviews.0", "ours/review/0"]


def test_one_is_tried_by_name_and_an_unknown_one_is_refused() -> None:
    packs = Packs((ours(),))
    assert roles(packs.switched(["ours:more"])) == ["mash", "mase_panel"]
    assert roles(packs.switched(["ours:more"]).select(placed(YORK))) == ["mash", "mase_panel"]
    with pytest.raises(PackProblem) as caught:
        packs.switched(["ours:less", "theirs:more", "ours:more"])
    assert caught.value.problems == (
        ("ours:less", "ours has no option less; it has more, reviews"),
        ("theirs:more", "there is no pack theirs"),
    )


def test_what_a_pack_turns_on_has_to_be_there() -> None:
    packs = (ours(), switch("ours:more", "ours:less", "theirs:more"))
    assert list(amiss_together(packs)) == [
        ("switch", "turns_on[1]", "ours has no option less; it has more, reviews"),
        ("switch", "turns_on[2]", "there is no pack theirs"),
    ]
    assert no_such_option(packs, "switch:more") == "switch has no option more; it has none"
    assert list(amiss_together(load_packs().written)) == []


FOLLOWING = """
[[duties]]
code = "{code}"
starts = "completed"
after = "{after}"
outcomes = ["declined"]
when = "{when}"
due = "P2D"
owner = "lead_authority"
rules = ["X-1"]
"""


def following(*rows: tuple[str, str, str]) -> Packs:
    text = OURS + "".join(FOLLOWING.format(code=code, after=after, when=when) for code, after, when in rows)
    return Packs((*load_packs().packs, parse_pack("ours", text)))


def completed(id: str, duty: str, outcome: str, time: str) -> dict[str, Any]:
    return event("duty.completed", {"episode": {"ref": EPISODE}, "duty": duty, "outcome": outcome}, id=id, time=time)


def test_a_duty_follows_upon_another_with_the_outcomes_named_and_once() -> None:
    rows = (("asked", "return_interview", "looked_after"), ("never", "return_interview", "not looked_after"))
    engine = Engine(packs=following(*rows))
    engine.post(reported())
    engine.post(returned(id="E2", time="2026-03-02T08:00:00Z"))
    engine.post(completed("E3", "return_interview", "declined", "2026-03-02T09:00:00Z"))
    engine.post(completed("E4", "return_interview", "declined", "2026-03-02T10:00:00Z"))
    following_duties = [d for d in engine.episode().duties if d.code in ("asked", "never")]
    assert [(d.code, d.state, d.due_at) for d in following_duties] == [
        ("asked", "open", instant("2026-03-04T09:00:00Z"))
    ]


def test_another_outcome_or_a_duty_that_was_not_open_starts_nothing() -> None:
    engine = Engine(packs=following(("asked", "return_interview", "always")))
    engine.post(reported())
    engine.post(completed("E2", "return_interview", "declined", "2026-03-01T21:00:00Z"))  # nothing to decline yet
    engine.post(returned(id="E3", time="2026-03-02T08:00:00Z"))
    engine.post(completed("E4", "return_interview", "held", "2026-03-02T09:00:00Z"))
    assert "asked" not in {d.code for d in engine.episode().duties}


def test_what_follows_upon_a_duty_done_while_the_child_is_out_is_not_asked_again() -> None:
    engine = Engine(packs=following(("asked", "daily_contact", "missing")))
    engine.post(reported())
    engine.post(completed("E2", "daily_contact", "declined", "2026-03-01T21:00:00Z"))
    engine.post(updated(id="E3", time="2026-03-01T22:00:00Z", episode={"clothing": "red coat"}))
    assert [d.state for d in engine.episode().duties if d.code == "asked"] == ["open"]


def test_a_duty_to_follow_upon_has_to_be_there() -> None:
    packs = following(("asked", "return_interveiw", "always"))
    assert list(amiss_together(packs.written)) == [("ours", "duties[2].after", "there is no duty return_interveiw")]
