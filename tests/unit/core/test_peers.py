"""What another hub says of itself: read strictly, known by its fingerprint, followed through a change of keys."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest

from adapters.https.introduction import signed
from hub.core.peers import (
    TRANSITIONS,
    BadIntroduction,
    State,
    common_version,
    fingerprint,
    introduction,
    is_another,
    is_fingerprint,
    recalled,
    same_keys,
    succeeds,
    written,
)
from tests.kit.clock import START
from tests.kit.peers import ASHBY, BORDON, Hub


def test_an_introduction_comes_back_as_it_was_said() -> None:
    document = ASHBY.document()
    assert introduction(document, START) == ASHBY.said() == recalled(document)


def test_what_a_later_version_says_beside_it_is_left_aside() -> None:
    said = json.loads(written(ASHBY.said()))
    said["keys"] += [{"kty": "AKP", "alg": "ML-DSA-65", "pub": "…"}]
    more = signed(json.dumps({**said, "motto": "Onward"}).encode(), ASHBY.signers)
    assert introduction(more, START) == ASHBY.said()


def test_whoever_publishes_keys_has_to_hold_one_of_them() -> None:
    with pytest.raises(BadIntroduction, match="none of its own keys"):
        introduction(signed(written(ASHBY.said()), BORDON.signers), START)


BAD: Mapping[str, Any] = {
    "format": "fingerpost.hub.v2",
    "id": "hub_1",
    "name": "two\nlines",
    "iss": "mailto:hub@ashby.example",
    "inbox": 7,
    "versions": [True],
    "issued": "yesterday",
    "keys": [],
}


@pytest.mark.parametrize("field", BAD)
def test_a_field_that_is_wrong_or_not_there_is_named_and_not_repeated(field: str) -> None:
    said = json.loads(written(ASHBY.said()))
    for changed in ({**said, field: BAD[field]}, {key: said[key] for key in said if key != field}):
        with pytest.raises(BadIntroduction) as caught:
            introduction(signed(json.dumps(changed).encode(), ASHBY.signers), START)
        assert str(BAD[field]) not in str(caught.value) or field in ("keys", "inbox")


@pytest.mark.parametrize("use", ["enc", "sig", "OKP"])
def test_each_kind_of_key_is_needed(use: str) -> None:
    said = json.loads(written(ASHBY.said()))
    said["keys"] = [one for one in said["keys"] if (one["kty"] if use == "OKP" else one["use"]) != use]
    with pytest.raises(BadIntroduction):
        introduction(signed(json.dumps(said).encode(), ASHBY.signers), START)


def test_a_private_key_in_it_is_refused() -> None:
    said = json.loads(written(ASHBY.said()))
    said["keys"][0]["d"] = "x"
    with pytest.raises(BadIntroduction, match="private"):
        introduction(signed(json.dumps(said).encode(), ASHBY.signers), START)


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"payload":7}', b'{"payload":"!"}', b"[" * 100_000])
def test_what_is_no_document_is_refused(document: bytes) -> None:
    with pytest.raises(BadIntroduction):
        introduction(document, START)


def test_a_fingerprint_is_six_groups_of_five_digits_over_the_id_and_every_key() -> None:
    said = ASHBY.said()
    mark = fingerprint(said)
    assert [len(group) for group in mark.split()] == [5] * 6
    assert mark.replace(" ", "").isdecimal()
    other = ASHBY.with_keys("content", "second").said()
    different = [
        BORDON.said(),
        other,
        replace(said, hub=BORDON.said().hub),
        replace(said, requests=BORDON.said().requests),
        replace(said, keys=(*said.keys[:1], *BORDON.said().keys[1:])),
    ]
    assert len({mark, *map(fingerprint, different)}) == 6
    # What is no key may change, and so may their order.
    assert fingerprint(replace(said, name="Another", issued=START + timedelta(days=9), keys=said.keys[::-1])) == mark


def test_a_fingerprint_may_be_typed_with_any_grouping_and_must_be_whole() -> None:
    said = ASHBY.said()
    mark = fingerprint(said)
    for typed in (mark, mark.replace(" ", ""), mark.replace(" ", "-"), f" {mark}\n", mark.replace(" ", ". ")):
        assert is_fingerprint(said, typed)
    for typed in ("", mark[:-1], mark + "0", mark[6:], fingerprint(BORDON.said()), "٣" * 30):
        assert not is_fingerprint(said, typed)


def test_new_keys_are_followed_where_a_known_one_signed_them() -> None:
    known = ASHBY.said()
    both, gone = ASHBY.with_keys("content", "second"), ASHBY.with_keys("second")
    assert succeeds(both.document(), known, START)
    assert not same_keys(both.said(), known)
    assert not succeeds(gone.document(), known, START)
    # Step by step it comes to the same.
    assert succeeds(gone.document(), introduction(both.document(), START), START)
    assert same_keys(replace(known, keys=known.keys[::-1], name="Other"), known)


@pytest.mark.parametrize(("versions", "common"), [((1,), 1), ((2, 1), 1), ((2, 3), None)])
def test_the_newest_version_that_both_speak_is_spoken(versions: tuple[int, ...], common: int | None) -> None:
    assert common_version(versions) == common


def test_two_people_are_told_apart_by_their_names() -> None:
    assert is_another("Jo Worker", "Sam Manager")
    assert not is_another(" jo  worker", "Jo Worker")


def test_nothing_leads_to_confirmed_but_a_confirmation() -> None:
    assert TRANSITIONS.keys() == set(get_args(State))
    ways = [(state, step) for state, steps in TRANSITIONS.items() for step, to in steps.items() if to == "confirmed"]
    assert ways == [("introduced", "confirm"), ("suspended", "confirm")]


def test_a_hub_of_the_kit_is_another_for_another_name() -> None:
    assert Hub(name="ashby", number=1).document() != BORDON.document()
