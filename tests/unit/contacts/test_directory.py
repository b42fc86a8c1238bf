"""Who answers for a role at a moment: never nobody without a reason, never the wrong desk."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contacts.directory import Directory, desk_of
from contacts.model import Bundle, Certificate, Contact, Desk, Reached, Unreached
from contacts.plans import usable_for
from contacts.roles import AUTHORITY_ROLES, BY_OPTION, DESK_FUNCTIONS, DESKS, ORGANISATION_OF, POLICE_ROLES
from tests.kit.directory import BROMLEY, MET, NIGHT, NOW, contact, small_bundle

VOCABULARY = """
police police_missing_from police_responsible responsible_authority host_authority social_worker
supervising_social_worker iro school home_office home_office_evidence home_office_immigration_enforcement
missing_persons_bureau ceop quality_assurance designated_nurse mash mase_panel missing_advocate practice_supervisor
early_help youth_offending_service group_manager assistant_director police_senior_officer circulation:london
circulation:national operator
""".split()
"""vocabulary.md, Recipient roles, without the people (parent, carer)."""


def build(bundle: Bundle | None = None, *extra: Contact) -> Directory:
    bundle = bundle or small_bundle()
    return Directory.of(replace(bundle, contacts=(*bundle.contacts, *extra)))


def only(desk: str) -> Bundle:
    """The small bundle, in which nobody but this desk of the council has contacts."""
    bundle = small_bundle()
    return replace(bundle, contacts=tuple(c for c in bundle.contacts if c.organisation != BROMLEY or c.desk == desk))


def addresses(found: Reached | Unreached) -> list[str]:
    assert isinstance(found, Reached)
    return [c.address for c in found.contacts]


def test_the_table_of_roles_is_the_vocabulary() -> None:
    """And three roles more, that only options of packs tell (ADR 0005)."""
    known = sorted({*VOCABULARY, *BY_OPTION})
    assert sorted(DESKS) == known
    assert sorted({*AUTHORITY_ROLES, *ORGANISATION_OF, *POLICE_ROLES, "school"}) == known
    assert not BY_OPTION & {*VOCABULARY}


def test_only_police_roles_and_authority_roles_share_a_desk() -> None:
    """B21. The circulations use one desk of each member, but have no organisation to share."""
    shared: dict[str, set[str]] = {}
    for role in VOCABULARY:
        shared.setdefault(desk_of(role), set()).add(role)
    assert sorted(sorted(roles) for roles in shared.values() if len(roles) > 1) == [
        ["circulation:london", "circulation:national"],
        ["host_authority", "responsible_authority"],
        ["police", "police_missing_from", "police_responsible", "police_senior_officer"],
    ]


@pytest.mark.parametrize("role", ["parent", "carer", "front_door_desk", "", "iro "])
def test_a_role_without_a_desk_is_a_gap_and_never_another_desk(role: str) -> None:
    assert desk_of(role) not in DESK_FUNCTIONS
    found = build().resolve(role, BROMLEY, NOW)
    assert isinstance(found, Unreached)
    assert found.reason == "no_desk"


def test_in_hours_the_desk_answers() -> None:
    found = build().resolve("social_worker", BROMLEY, NOW)
    assert isinstance(found, Reached)
    assert (found.desk, found.on_duty) == ("social_work_team", True)
    assert addresses(found) == [f"social-work-team@{BROMLEY.lower()}.example"]


@pytest.mark.parametrize(
    ("role", "in_house_foster", "desk"),
    [
        ("social_worker", False, "emergency_duty_team"),
        ("responsible_authority", False, "emergency_duty_team"),
        ("social_worker", True, "fostering_out_of_hours"),
        ("responsible_authority", True, "fostering_out_of_hours"),
        ("host_authority", True, "emergency_duty_team"),
    ],
)
def test_out_of_hours(role: str, in_house_foster: bool, desk: str) -> None:
    """B-69, B-101: the emergency duty team. B-70: for an in-house foster placement the fostering duty service."""
    found = build().resolve(role, BROMLEY, NIGHT, in_house_foster=in_house_foster)
    assert isinstance(found, Reached)
    assert (found.organisation, found.desk, found.on_duty) == (BROMLEY, desk, True)


def test_in_hours_an_in_house_foster_placement_changes_nothing() -> None:
    found = build().resolve("social_worker", BROMLEY, NOW, in_house_foster=True)
    assert isinstance(found, Reached)
    assert found.desk == "social_work_team"


def test_a_bank_holiday_is_out_of_hours() -> None:
    found = build().resolve("social_worker", BROMLEY, datetime(2026, 4, 6, 11, tzinfo=UTC))
    assert isinstance(found, Reached)
    assert found.desk == "emergency_duty_team"


def test_the_desks_own_night_contacts_come_before_the_duty_team() -> None:
    own = contact(BROMLEY, "social_work_team", id="own-night", hours="night", address="night@council.example")
    assert addresses(build(None, own).resolve("social_worker", BROMLEY, NIGHT)) == ["night@council.example"]


def test_without_a_fostering_desk_the_emergency_duty_team_answers() -> None:
    bundle = small_bundle()
    without = replace(bundle, desks=tuple(d for d in bundle.desks if d.function != "fostering_out_of_hours"))
    found = build(without).resolve("social_worker", BROMLEY, NIGHT, in_house_foster=True)
    assert isinstance(found, Reached)
    assert found.desk == "emergency_duty_team"


def test_nobody_on_duty_and_no_night_desk_still_reaches_the_day_contacts() -> None:
    found = build(only("social_work_team")).resolve("social_worker", BROMLEY, NIGHT)
    assert isinstance(found, Reached)
    assert (found.desk, found.on_duty) == ("social_work_team", False)
    assert len(found.contacts) == 1


def test_whoever_is_not_told_of_it_is_nobody_on_duty() -> None:
    """A manager's mobile that is on duty day and night, for what presses, hides neither the duty team nor the desk."""
    mobile = contact(BROMLEY, "front_door", id="mobile", channel="sms", address="+447700900123", least_priority="high")
    routine = usable_for("normal", ("email", "sms"))
    asked = build(None, mobile).resolve("responsible_authority", BROMLEY, NIGHT, usable=routine)
    assert isinstance(asked, Reached) and (asked.desk, asked.on_duty) == ("emergency_duty_team", True)
    asked = build(only("front_door"), mobile).resolve("responsible_authority", BROMLEY, NIGHT, usable=routine)
    assert isinstance(asked, Reached) and (asked.desk, asked.on_duty) == ("front_door", False)
    assert {one.channel for one in asked.contacts} == {"email"}
    pressing = usable_for("high", ("email", "sms"))
    asked = build(None, mobile).resolve("responsible_authority", BROMLEY, NIGHT, usable=pressing)
    assert addresses(asked) == ["+447700900123"]


def test_a_desk_of_which_nobody_is_told_of_it_is_no_gap() -> None:
    mobile = contact(BROMLEY, "front_door", id="mobile", channel="sms", address="+447700900123", least_priority="high")
    bundle = replace(only("front_door"), contacts=(mobile,))
    routine = usable_for("normal", ("email", "sms"))
    asked = build(bundle).resolve("responsible_authority", BROMLEY, NIGHT, usable=routine)
    assert isinstance(asked, Reached) and asked.on_duty


def test_a_police_desk_is_never_covered_by_a_council() -> None:
    bundle = small_bundle()
    by_day = tuple(replace(c, hours="office") if c.organisation == MET else c for c in bundle.contacts)
    found = build(replace(bundle, contacts=by_day)).resolve("police", MET, NIGHT)
    assert isinstance(found, Reached)
    assert (found.organisation, found.desk, found.on_duty) == (MET, "missing_persons_unit", False)


@pytest.mark.parametrize(
    ("role", "organisation", "reason"),
    [
        ("social_worker", "E09000007", "no_organisation"),
        ("social_worker", None, "no_organisation"),
        ("iro", BROMLEY, "no_desk"),
        ("mash", BROMLEY, "no_contact"),
        ("ceop", None, "no_organisation"),
        ("school", "school:100000", "no_organisation"),
    ],
)
def test_gaps_say_why(role: str, organisation: str | None, reason: str) -> None:
    """A gap by day is a gap by night: the duty team stands in for people who are off duty, not for a missing desk."""
    for at in (NOW, NIGHT):
        found = build().resolve(role, organisation, at)
        assert isinstance(found, Unreached)
        assert (found.reason, found.desk) == (reason, desk_of(role))


def test_order_then_id() -> None:
    extra = [
        contact(BROMLEY, "mash", id="b", order=1, address="b@council.example"),
        contact(BROMLEY, "mash", id="c", order=0, address="c@council.example"),
        contact(BROMLEY, "mash", id="a", order=1, address="a@council.example"),
    ]
    found = build(None, *extra).resolve("mash", BROMLEY, NOW)
    assert addresses(found) == ["c@council.example", "a@council.example", "b@council.example"]


def test_entries_stand_from_their_first_instant_up_to_their_last() -> None:
    change = NOW + timedelta(days=1)
    instant = timedelta(microseconds=1)
    old = contact(BROMLEY, "mash", id="old", address="old@council.example", valid_until=change)
    new = contact(BROMLEY, "mash", id="new", address="new@council.example", valid_from=change)
    directory = build(None, old, new)
    assert addresses(directory.resolve("mash", BROMLEY, change - instant)) == ["old@council.example"]
    assert addresses(directory.resolve("mash", BROMLEY, change)) == ["new@council.example"]


def test_a_desk_or_an_organisation_that_is_not_in_force_is_a_gap() -> None:
    bundle = small_bundle()
    desks = tuple(replace(d, valid_until=NOW) if d.function == "front_door" else d for d in bundle.desks)
    found = build(replace(bundle, desks=desks)).resolve("host_authority", BROMLEY, NOW)
    assert found == Unreached(reason="no_desk", organisation=BROMLEY, desk="front_door")
    bodies = tuple(replace(o, valid_from=NOW + timedelta(days=1)) for o in bundle.organisations)
    found = build(replace(bundle, organisations=bodies)).resolve("host_authority", BROMLEY, NOW)
    assert found == Unreached(reason="no_organisation", organisation=BROMLEY, desk="front_door")


def test_a_duty_team_that_is_not_in_force_does_not_stand_in() -> None:
    bundle = small_bundle()
    desks = tuple(replace(d, valid_until=NIGHT) if d.function == "emergency_duty_team" else d for d in bundle.desks)
    found = build(replace(bundle, desks=desks)).resolve("social_worker", BROMLEY, NIGHT)
    assert isinstance(found, Reached)
    assert (found.desk, found.on_duty) == ("social_work_team", False)


def test_the_fallback_desk_hears_of_gaps_and_else_the_operator() -> None:
    directory = build()
    by_day, by_night = directory.fallback(BROMLEY, NOW), directory.fallback(BROMLEY, NIGHT)
    assert isinstance(by_day, Reached) and isinstance(by_night, Reached)
    assert (by_day.organisation, by_day.desk) == (BROMLEY, "fallback")
    assert (by_night.organisation, by_night.desk) == (BROMLEY, "emergency_duty_team")
    for organisation in (MET, "E09000007", None):
        found = directory.fallback(organisation, NOW)
        assert isinstance(found, Reached)
        assert (found.organisation, found.desk) == ("operator", "operator")


def test_an_organisation_may_name_another_desk_as_its_fallback() -> None:
    bundle = small_bundle()
    bodies = tuple(replace(o, fallback_desk="front_door") for o in bundle.organisations)
    found = build(replace(bundle, organisations=bodies)).fallback(BROMLEY, NOW)
    assert isinstance(found, Reached)
    assert found.desk == "front_door"


def test_a_directory_without_an_operator_says_so() -> None:
    assert Directory.of(Bundle()).fallback(None, NOW) == Unreached(
        reason="no_organisation", organisation="operator", desk="operator"
    )


def test_what_is_unreachable_stays_so_by_role_or_by_organisation() -> None:
    directory = build()
    dead = directory.without(roles=["social_worker"], organisations=[MET])
    for at in (NOW, NIGHT):
        assert isinstance(dead.resolve("social_worker", BROMLEY, at), Unreached)
        assert dead.resolve("police", MET, at) == Unreached(
            reason="no_contact", organisation=MET, desk="missing_persons_unit"
        )
    assert isinstance(dead.resolve("host_authority", BROMLEY, NOW), Reached)
    assert isinstance(directory.resolve("police", MET, NOW), Reached)
    gone = directory.without(organisations=[BROMLEY]).fallback(BROMLEY, NOW)
    assert isinstance(gone, Reached)
    assert gone.organisation == "operator"


def test_certificates_are_found_whatever_the_case() -> None:
    on_file = [Certificate(address="Jo@council.example", der=bytes([n]), fingerprint=f"{n}") for n in range(2)]
    directory = Directory.of(replace(small_bundle(), certificates=tuple(on_file)))
    assert directory.certificates("jo@COUNCIL.example") == tuple(on_file)
    assert directory.certificates("sam@council.example") == ()


def test_whom_to_ring() -> None:
    directory = build()
    assert directory.phone(BROMLEY, "front_door") == "+441632960001"
    assert directory.phone(MET, "missing_persons_unit") == "+441632960003"
    assert directory.phone(MET) == "+441632960002"
    assert directory.phone("operator", "operator") is None
    assert directory.phone("E09000007", "front_door") is None


def test_an_unchecked_bundle_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="hours that the directory does not hold"):
        build(None, contact(BROMLEY, "mash", hours="no-such"))


def test_any_school() -> None:
    bundle = small_bundle()
    school = replace(bundle.organisations[0], code="school:*", name="A school")
    named = replace(bundle.organisations[0], code="school:100001", name="Example School")
    directory = build(
        replace(
            bundle,
            organisations=(*bundle.organisations, school, named),
            desks=(
                *bundle.desks,
                Desk(organisation="school:*", function="school_office"),
            ),
        ),
        contact("school:*", "school_office", address="office@school.example"),
    )
    assert addresses(directory.resolve("school", "school:100000", NOW)) == ["office@school.example"]
    assert isinstance(directory.resolve("school", "school:100001", NOW), Unreached)


def test_addresses_do_not_print() -> None:
    directory = build()
    assert "@" not in repr(directory)
    assert "@" not in repr(directory.resolve("social_worker", BROMLEY, NOW))
