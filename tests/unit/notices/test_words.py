"""The wording is complete, and says nothing it does not know."""

import string
import tomllib
from importlib import resources
from typing import get_args

import pytest
from pydantic import ValidationError

from hub.notices.words import KindWords, load_words
from routing.decision import Kind
from routing.needtoknow import COLUMNS

WORDS = load_words()
TERMS = {"child", "Child", "sender", "due", "duty", "task"}


def _texts(kind: KindWords) -> list[str]:
    tables = (kind.actions, kind.back, kind.rules)
    lists = [actions for table in tables for actions in table.values()]
    titles = [kind.titles.all, kind.titles.named, kind.titles.unnamed]
    return [*(t for actions in lists for t in actions), *kind.lead.values(), *(t for t in titles if t)]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_role_is_asked_for_something_in_each_kind(kind: Kind) -> None:
    for role in sorted(COLUMNS):
        actions = WORDS.pick(WORDS.kinds[kind].actions, (role,))
        assert actions
        assert all(action.strip() for action in actions)


def test_each_role_of_the_need_to_know_has_a_name_and_a_family() -> None:
    assert set(WORDS.roles) == set(COLUMNS)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_wording_mentions_known_terms_only(kind: Kind) -> None:
    for text in _texts(WORDS.kinds[kind]):
        used = {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
        assert used <= TERMS, text


@pytest.mark.parametrize("kind", get_args(Kind))
def test_wording_is_addressed_to_known_roles_and_families(kind: Kind) -> None:
    known = {*WORDS.roles, *(role.family for role in WORDS.roles.values()), "all", "owner"}
    words = WORDS.kinds[kind]
    assert set(words.actions) <= known
    assert set(words.back) <= known
    assert set(words.lead) <= known


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_title_without_a_name_has_no_place_for_one(kind: Kind) -> None:
    titles = WORDS.kinds[kind].titles
    assert "{child}" not in (titles.unnamed or titles.all)
    assert "{" not in titles.all


def test_each_duty_of_the_packs_has_words_and_its_owners_are_roles() -> None:
    codes = set()
    folder = resources.files("routing") / "protocols"
    for pack in folder.iterdir():
        if pack.name.endswith(".toml"):
            duties = tomllib.loads(pack.read_text(encoding="utf-8")).get("duties", [])
            codes |= {duty["code"] for duty in duties} if isinstance(duties, list) else set(duties)
    assert codes <= set(WORDS.duties)
    for duty in WORDS.duties.values():
        assert set(duty.owners) <= {*WORDS.roles, "hub"}
        assert set(duty.outcomes) <= {"held", "declined", "done", "not_required"}
        assert duty.task.endswith(".")
        assert duty.outcomes or duty.report or duty.owners == ("hub",)


def test_a_role_and_a_duty_of_an_authoritys_own_pack_are_called_by_their_names() -> None:
    assert WORDS.role("night_warden").name == "night warden"
    assert WORDS.duty("visit_the_home").title == "Visit the home"
    assert WORDS.pick(WORDS.kinds["missing"].actions, ("night_warden",)) == WORDS.kinds["missing"].actions["all"]


def test_merged_roles_are_asked_for_what_each_of_them_is_asked_once() -> None:
    actions = WORDS.kinds["missing"].actions
    both = WORDS.pick(actions, ("police", "police_missing_from", "police"))
    assert both == (*actions["police"], *actions["police_missing_from"])


def test_a_misspelt_key_in_the_wording_is_refused() -> None:
    with pytest.raises(ValidationError, match="actoins"):
        KindWords.model_validate({"titles": {"all": "x"}, "actions": {}, "actoins": {}})
