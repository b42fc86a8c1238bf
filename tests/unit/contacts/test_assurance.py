"""What the directory's owner is told to look at next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contacts.areas import load_areas
from contacts.assurance import STATES, Coverage, coverage, coverage_of, covered, expiring, without_certificate
from contacts.directory import Directory
from contacts.fictional import fictional_directory
from contacts.model import Certificate
from tests.kit.directory import BROMLEY, MET, NOW, certificate_der, small_bundle

AREAS = load_areas()
START = datetime(2020, 1, 1, tzinfo=UTC)


def by_role(directory: Directory, organisation: str, at: datetime = NOW) -> dict[str, Coverage]:
    return {c.role: c for c in coverage(directory, at, AREAS) if c.organisation == organisation}


def certificate(address: str, end: datetime, start: datetime = START) -> Certificate:
    return Certificate(address=address, der=certificate_der(address, start, end), fingerprint=f"{end}")


def test_the_fictional_directory_is_complete() -> None:
    found = coverage(fictional_directory(), NOW, AREAS)
    assert len(found) == 218 * 17 + 46 + 6
    assert all(c.complete for c in found)


@pytest.mark.parametrize("at", [NOW, datetime(2024, 12, 20, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)])
def test_states_by_day_and_by_night(at: datetime) -> None:
    """Also where the next Wednesday is Christmas Day, or lies behind a clock change."""
    found = by_role(Directory.of(small_bundle()), BROMLEY, at)
    assert (found["social_worker"].by_day, found["social_worker"].by_night) == ("on_duty", "on_duty")
    assert (found["mash"].by_day, found["mash"].by_night) == ("no_contact", "no_contact")
    assert (found["iro"].by_day, found["iro"].by_night) == ("no_desk", "no_desk")
    assert not found["iro"].complete


def test_a_desk_without_anybody_at_night() -> None:
    bundle = small_bundle()
    day_only = tuple(c for c in bundle.contacts if c.desk != "emergency_duty_team")
    found = by_role(Directory.of(replace(bundle, contacts=day_only)), BROMLEY)
    assert (found["social_worker"].by_day, found["social_worker"].by_night) == ("on_duty", "off_duty")


def test_organisations_that_are_missing_altogether_are_listed() -> None:
    directory = Directory.of(small_bundle())
    assert {c.by_day for c in by_role(directory, "E06000013").values()} == {"no_organisation"}
    assert by_role(directory, MET)["police"].complete
    assert by_role(directory, "ceop")["ceop"].by_day == "no_organisation"


def test_contacts_without_a_certificate_in_date() -> None:
    bundle = small_bundle()
    good, ended, early = (c.address for c in bundle.contacts[:3])
    certificates = (
        certificate(good, NOW),
        certificate(ended, NOW - timedelta(seconds=1)),
        certificate(early, NOW + timedelta(days=9), start=NOW + timedelta(seconds=1)),
    )
    gone = replace(bundle.contacts[-1], valid_until=NOW)
    changed = replace(bundle, certificates=certificates, contacts=(*bundle.contacts[:-1], gone))
    missing = without_certificate(Directory.of(changed), NOW)
    assert missing == bundle.contacts[1:-1]


def test_certificates_that_end_soon() -> None:
    bundle = small_bundle()
    soon, replaced, late, ended = (c.address for c in bundle.contacts[:4])
    certificates = (
        certificate(soon, NOW + timedelta(days=29)),
        certificate(replaced, NOW + timedelta(days=5)),
        certificate(replaced, NOW + timedelta(days=400)),
        certificate(late, NOW + timedelta(days=31)),
        certificate(ended, NOW - timedelta(days=1)),
        certificate("nobody@council.example", NOW),
    )
    found = expiring(Directory.of(replace(bundle, certificates=certificates)), NOW, timedelta(days=30))
    assert [e.contact.address for e in found] == [ended, soon]
    assert found[1].until == NOW + timedelta(days=29)


def test_what_begins_after_a_break_does_not_help_and_what_follows_on_does() -> None:
    bundle = small_bundle()
    followed, late = (c.address for c in bundle.contacts[:2])
    soon, far = NOW + timedelta(days=5), NOW + timedelta(days=400)
    certificates = (
        certificate(followed, soon),
        certificate(followed, far, start=soon),
        certificate(late, soon),
        certificate(late, far, start=soon + timedelta(seconds=1)),
    )
    found = expiring(Directory.of(replace(bundle, certificates=certificates)), NOW, timedelta(days=30))
    assert [(e.contact.address, e.until) for e in found] == [(late, soon)]


def test_a_certificate_to_come_is_no_certificate_that_ends() -> None:
    bundle = small_bundle()
    address = bundle.contacts[0].address
    to_come = certificate(address, NOW + timedelta(days=20), start=NOW + timedelta(days=10))
    assert expiring(Directory.of(replace(bundle, certificates=(to_come,))), NOW, timedelta(days=30)) == ()
    ended = certificate(address, NOW - timedelta(days=1))
    (told,) = expiring(Directory.of(replace(bundle, certificates=(to_come, ended))), NOW, timedelta(days=30))
    assert told.until == NOW - timedelta(days=1)


def test_now_is_the_moment_asked_about() -> None:
    """On Christmas Day the office is closed, which no ordinary Wednesday shows."""
    bundle = small_bundle()
    day_only = Directory.of(replace(bundle, contacts=tuple(c for c in bundle.contacts if "night" != c.hours)))
    christmas = by_role(day_only, BROMLEY, datetime(2026, 12, 25, 11, tzinfo=UTC))["social_worker"]
    assert (christmas.now, christmas.by_day, christmas.by_night) == ("off_duty", "on_duty", "off_duty")
    assert by_role(day_only, BROMLEY, NOW)["social_worker"].now == "on_duty"
    assert not christmas.complete
    covered_by_night = by_role(Directory.of(bundle), BROMLEY, NOW)["social_worker"]
    assert covered_by_night.complete and covered_by_night.always


def test_the_states_are_counted_with_those_that_nothing_is_in() -> None:
    directory = Directory.of(small_bundle())
    found = coverage_of(directory, NOW, [(BROMLEY, "social_worker"), (BROMLEY, "mash"), ("E06000013", "mash")])
    assert [(c.organisation, c.role) for c in found] == [
        (BROMLEY, "social_worker"), (BROMLEY, "mash"), ("E06000013", "mash"),
    ]  # fmt: skip
    count = covered(found)
    assert len(count) == 3 * len(STATES)
    by_state = {state: count["now", state] for state in STATES}
    assert by_state == {"on_duty": 1, "off_duty": 0, "no_organisation": 1, "no_desk": 0, "no_contact": 1}
