"""The fictional directory: complete, unreachable by anybody real, the same every time."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from contacts.areas import load_areas
from contacts.fictional import fictional_bundle, fictional_directory
from contacts.model import Reached, Unreached
from contacts.roles import AUTHORITY_ROLES, ORGANISATION_OF, POLICE_ROLES
from contacts.tables import dumps, load_json
from tests.kit.directory import NIGHT, NOW

CHRISTMAS = datetime(2026, 12, 25, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize("office_hours", [False, True])
@pytest.mark.parametrize("at", [NOW, NIGHT, CHRISTMAS])
def test_every_role_of_everybody_is_on_duty(office_hours: bool, at: datetime) -> None:
    areas, directory = load_areas(), fictional_directory(office_hours=office_hours)
    expected = [
        *((role, code) for code in areas.everywhere() for role in AUTHORITY_ROLES),
        *((role, code) for code in areas.forces for role in POLICE_ROLES),
        *ORGANISATION_OF.items(),
        ("school", "school:100000"),
    ]
    for role, organisation in expected:
        found = directory.resolve(role, organisation, at)
        assert isinstance(found, Reached), (role, organisation)
        assert found.on_duty or (office_hours and role == "school"), (role, organisation)
    for code in areas.everywhere():
        fallback = directory.fallback(code, at)
        assert isinstance(fallback, Reached) and fallback.organisation == code


def test_without_office_hours_the_time_of_day_makes_no_difference() -> None:
    directory = fictional_directory()
    for role in AUTHORITY_ROLES:
        answers = {directory.resolve(role, "E09000006", NOW + timedelta(hours=h)) for h in range(48)}
        assert len(answers) == 1


def test_nothing_in_it_can_reach_anybody() -> None:
    bundle = fictional_bundle()
    for contact in bundle.contacts:
        assert re.fullmatch(r"[a-z-]+@[a-z0-9.-]+\.example", contact.address)
    for organisation in bundle.organisations:
        assert organisation.phone is not None
        assert re.fullmatch(r"\+441632960[0-9]{3}", organisation.phone)
    assert len({o.phone for o in bundle.organisations}) == len(bundle.organisations)
    assert len({c.address for c in bundle.contacts}) == len(bundle.contacts)


def test_addresses_are_readable() -> None:
    directory = fictional_directory()
    for role, organisation, address in [
        ("responsible_authority", "E09000006", "front-door@e09000006.council.example"),
        ("police", "E23000001", "missing-persons-unit@e23000001.police.example"),
        ("home_office_evidence", None, "evidence-and-enquiry@home-office.gov.example"),
    ]:
        found = directory.resolve(role, organisation, NOW)
        assert isinstance(found, Reached)
        assert [c.address for c in found.contacts] == [address]


@pytest.mark.parametrize("office_hours", [False, True])
def test_it_passes_its_own_import(office_hours: bool) -> None:
    data = dumps(fictional_bundle(office_hours=office_hours))
    loaded = load_json(data, load_areas(), NOW)
    assert loaded.problems == ()
    assert loaded.bundle is not None
    assert dumps(loaded.bundle) == data


def test_what_is_unreachable() -> None:
    directory = fictional_directory(unreachable_roles=["host_authority"], unreachable_organisations=["305", "ceop"])
    assert isinstance(directory.resolve("host_authority", "E06000013", NOW), Unreached)
    assert isinstance(directory.resolve("responsible_authority", "E06000013", NOW), Reached)
    assert isinstance(directory.resolve("responsible_authority", "E09000006", NOW), Unreached)  # 305 is Bromley
    assert isinstance(directory.resolve("ceop", "ceop", NOW), Unreached)
    assert isinstance(fictional_directory().resolve("host_authority", "E06000013", NOW), Reached)


def test_it_is_built_once() -> None:
    assert fictional_directory() is fictional_directory()
    assert fictional_directory().bundle is fictional_bundle()


def test_certificates_by_the_hook() -> None:
    asked: list[str] = []

    def certify(address: str) -> bytes | None:
        asked.append(address)
        return address.encode() if "e09000006" in address else None

    directory = fictional_directory(certificates=certify)
    address = "front-door@e09000006.council.example"
    (certificate,) = directory.certificates(address)
    assert (certificate.der, certificate.pinned) == (address.encode(), True)
    assert directory.certificates("front-door@e06000013.council.example") == ()
    assert len(asked) == len(directory.bundle.contacts)
    assert fictional_directory().certificates(address) == ()
