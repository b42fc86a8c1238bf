"""What the rules hand round are values: nobody changes one that another holds, and what is given is given by name."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields, is_dataclass
from functools import cached_property

import pytest
from pydantic import BaseModel, ValidationError

import routing
from contacts.areas import load_areas
from routing.needtoknow import view
from routing.packs import Packs, load_packs
from routing.standing import stand
from tests.kit.clocks import DOC

BY_PLACE = {"Condition", "Happening", "Packs", "Running"}
"""Values that are made by the place of what they are made of; all others by name."""


def _modules() -> Iterator[object]:
    for module in pkgutil.iter_modules(routing.__path__, "routing."):
        yield importlib.import_module(module.name)


def _classes() -> list[type]:
    found = {
        thing
        for module in _modules()
        for thing in vars(module).values()
        if isinstance(thing, type) and thing.__module__.startswith("routing.")
    }
    return sorted(found, key=lambda cls: cls.__name__)


VALUES = [cls for cls in _classes() if is_dataclass(cls)]
MODELS = [cls for cls in _classes() if issubclass(cls, BaseModel) and cls.model_fields]
values = pytest.mark.parametrize("value", VALUES, ids=lambda cls: cls.__name__)
models = pytest.mark.parametrize("model", MODELS, ids=lambda cls: cls.__name__)


@values
def test_a_value_is_never_changed(value: type) -> None:
    instance = object.__new__(value)
    with pytest.raises(FrozenInstanceError):
        setattr(instance, fields(value)[0].name, None)


@values
def test_a_value_has_no_room_for_what_is_not_named(value: type) -> None:
    works_out_later = any(isinstance(attribute, cached_property) for attribute in vars(value).values())
    assert hasattr(object.__new__(value), "__dict__") == works_out_later


@values
def test_a_value_is_made_by_name(value: type) -> None:
    by_name = all(field.kw_only for field in fields(value))
    assert by_name == (value.__name__ not in BY_PLACE)


@models
def test_what_was_read_from_a_file_is_never_changed_and_has_no_unknown_keys(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError, match="Instance is frozen"):
        setattr(model.model_construct(), next(iter(model.model_fields)), None)
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model.model_validate({"nobody_knows_this": 1})


def test_values_that_hold_a_child_do_not_print_it() -> None:
    doc = {**DOC, "people": [{"role": "parent", "name": "Pat Example"}]}
    standing = stand(doc, load_packs(), load_areas(), ever_missing=True, persons={"parent/Pat Example": {}})
    assert "areas=" not in repr(standing) and "persons=" not in repr(standing)
    seen = view(doc, ["police"])
    assert seen.fields["child.name"] == "Robin Example"
    assert repr(seen) == "View(roles=('police',))"


def test_packs_are_told_apart_by_what_they_are_not_by_what_they_say() -> None:
    one, other = Packs(load_packs().written), Packs(load_packs().written)
    assert one != other, "what is worked out of one is kept by it, and comparing seven protocols would cost more"
    assert one == one
    assert "_chosen" not in repr(one) and " packs=" not in repr(one)
