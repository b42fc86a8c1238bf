"""The audit chain: pinned bytes, and every way in which somebody might change it."""

import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.audit import (
    GENESIS,
    Broken,
    Head,
    LinkedLine,
    Unreadable,
    digestible,
    line_bytes,
    link_after,
    link_of,
    odd_digest,
    verify_chain,
)
from hub.core.records import AuditLine
from hub.core.wire_json import canonical

VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "audit.json").read_text(encoding="utf-8"))
AT = datetime(2026, 3, 1, 19, 46, tzinfo=UTC)


def line(number: int = 1, **changes: Any) -> AuditLine:
    values: dict[str, Any] = {
        "id": f"au_{number:026d}",
        "at": AT + timedelta(seconds=number),
        "actor": "source:src_1",
        "action": "event.accepted",
        "organisation": "E09000006",
        "episode": "ep_1",
        "subject": "ev_1",
        "detail": {"status": "202", "digest": "ab12"},
    }
    return AuditLine(**{**values, **changes})


def chain(count: int) -> list[LinkedLine]:
    head, linked = Head(), []
    for number in range(1, count + 1):
        linked.append(link_after(head, line(number)))
        head = Head(number=number, link=linked[-1].link)
    return linked


def test_bytes_and_links_are_pinned() -> None:
    """A chain written today must verify for as long as the log is kept."""
    head = Head()
    for pinned in VECTOR:
        fields = dict(pinned["line"])
        given_line = AuditLine(**{**fields, "at": datetime.fromisoformat(fields["at"])})
        assert line_bytes(given_line).decode() == pinned["bytes"]
        linked = link_after(head, given_line)
        assert linked.link.hex() == pinned["link"]
        head = Head(number=linked.number, link=linked.link)
    assert head.number == len(VECTOR) >= 3


def test_a_whole_chain() -> None:
    linked = chain(5)
    assert verify_chain(linked) == Head(number=5, link=linked[-1].link)
    assert verify_chain([]) == Head(number=0, link=GENESIS)


def test_a_part_after_a_head_that_is_known() -> None:
    linked = chain(5)
    assert verify_chain(linked[2:], Head(number=2, link=linked[1].link)) == Head(number=5, link=linked[4].link)
    assert verify_chain(linked[2:]) == Broken(number=1, line=linked[2].line.id, reason="number")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "au_other"},
        {"at": AT},
        {"actor": "hub"},
        {"action": "event.refused"},
        {"organisation": None},
        {"episode": "ep_2"},
        {"subject": None},
        {"detail": {}},
        {"detail": {"status": "200", "digest": "ab12"}},
        {"detail": {"digest": "ab12", "status": "202", "more": ""}},
    ],
)
def test_any_change_to_a_line_shows(changes: dict[str, Any]) -> None:
    linked = chain(4)
    changed = line(2, **changes)
    linked[1] = dataclasses.replace(linked[1], line=changed)
    assert verify_chain(linked) == Broken(number=2, line=changed.id, reason="link")


def test_a_changed_line_with_its_link_made_anew_shows_at_the_next() -> None:
    linked = chain(4)
    linked[1] = link_after(Head(number=1, link=linked[0].link), line(2, actor="hub"))
    assert verify_chain(linked) == Broken(number=3, line=linked[2].line.id, reason="link")


def test_a_line_taken_out_put_twice_or_swapped_shows() -> None:
    linked = chain(4)
    assert verify_chain([linked[0], *linked[2:]]) == Broken(number=2, line=linked[2].line.id, reason="number")
    assert verify_chain([*linked[:2], linked[1], *linked[2:]]) == Broken(
        number=3, line=linked[1].line.id, reason="number"
    )
    swapped = [linked[0], linked[2], linked[1], linked[3]]
    assert verify_chain(swapped) == Broken(number=2, line=linked[2].line.id, reason="number")


def test_a_line_taken_out_and_the_rest_renumbered_shows() -> None:
    linked = chain(4)
    rest = [dataclasses.replace(found, number=found.number - 1) for found in linked[2:]]
    assert verify_chain([linked[0], *rest]) == Broken(number=2, line=linked[2].line.id, reason="link")


def test_a_chain_cut_short_is_whole_but_its_head_is_another() -> None:
    linked = chain(4)
    cut = verify_chain(linked[:3])
    assert isinstance(cut, Head)
    assert cut != verify_chain(linked)


@given(st.text(), st.text(), st.dictionaries(st.text(st.characters(max_codepoint=127)), st.text()))
def test_the_bytes_are_those_of_rfc_8785(actor: str, subject: str, detail: dict[str, str]) -> None:
    made = line(actor=actor, subject=subject, detail=detail)
    content = json.loads(line_bytes(made))
    assert content["detail"] == detail
    assert canonical(content) == line_bytes(made)


def test_a_detail_that_is_no_text_or_has_odd_keys_has_bytes_too() -> None:
    odd = line(detail={"\ue000": "1", "\U0001f600": "2", "n": 3})
    assert canonical(json.loads(line_bytes(odd))) == line_bytes(odd)
    assert line_bytes(odd).index("\U0001f600".encode()) < line_bytes(odd).index("\ue000".encode()), "by UTF-16 units"
    with pytest.raises(ValueError):
        line_bytes(line(actor="\ud800"))


ODD = st.text(st.sampled_from("ab\\u0\0\ud800\udfff\U0001f600"), max_size=8)


@given(ODD, ODD, st.dictionaries(ODD, ODD | st.integers() | st.floats()))
def test_whatever_is_to_be_written_can_be_digested(actor: str, subject: str, detail: dict[str, Any]) -> None:
    made = digestible(line(actor=actor, subject=subject, detail=detail))
    assert digestible(made) is made
    assert not any("\0" in text for text in map(str, (made.actor, made.subject, *made.detail, *made.detail.values())))
    assert json.loads(line_bytes(made))["actor"] == re.sub("[\0\ud800-\udfff]", "\ufffd", actor)


def test_a_line_that_has_no_canonical_bytes_is_written_as_the_nearest_that_has() -> None:
    odd = line(actor="Sam\ud800", detail={"n": 2**53, "half": "\udfff", "as": "it is"})
    said = digestible(odd)
    assert (said.actor, said.detail) == ("Sam\ufffd", {"n": str(2**53), "half": "\ufffd", "as": "it is"})
    assert digestible(line(at=AT.astimezone(timezone(timedelta(hours=1))))).at == AT
    with pytest.raises(ValueError, match="offset"):
        digestible(line(at=AT.replace(tzinfo=None)))


def test_a_row_that_is_no_line_has_its_place_in_the_chain() -> None:
    first = link_after(Head(), line(1))
    row = {"id": "au_2", "at": b"no instant", "detail": "{", "actor": None}
    digest = odd_digest(row)
    odd = Unreadable(number=2, id="au_2", link=link_of(2, first.link, digest), digest=digest)
    last = link_after(Head(number=2, link=odd.link), line(3))
    assert verify_chain([first, odd, last]) == Head(number=3, link=last.link)
    changed = dataclasses.replace(odd, digest=odd_digest({**row, "detail": "}"}))
    assert verify_chain([first, changed, last]) == Broken(number=2, line="au_2", reason="link")


def test_the_instant_has_to_be_in_utc() -> None:
    for at in (AT.replace(tzinfo=None), AT.astimezone(timezone(timedelta(hours=1)))):
        with pytest.raises(ValueError, match="UTC"):
            line_bytes(line(at=at))


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))))
def test_the_order_of_the_detail_makes_no_difference_and_its_content_does(detail: dict[str, str]) -> None:
    assert line_bytes(line(detail=detail)) == line_bytes(line(detail=dict(reversed(detail.items()))))
    assert json.loads(line_bytes(line(detail=detail)))["detail"] == detail
