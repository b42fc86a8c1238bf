"""Who may do what, for which organisation; when a session ends and an account is locked."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import get_args

import pytest

from contacts.roles import OPERATOR
from hub.core.accounts import (
    ROLES,
    AccountLimits,
    Action,
    Role,
    User,
    UserSession,
    Viewer,
    alive,
    fits,
    lock_of,
    locked,
    may,
    may_grant,
    may_manage,
)
from tests.kit.clock import START

BROMLEY, CAMDEN = "E09000006", "E09000007"
LIMITS = AccountLimits()


def viewer(*roles: Role, organisation: str = BROMLEY) -> Viewer:
    return Viewer(user="us_1", organisation=organisation, roles=frozenset(roles), name="Rowan Example")


def allowed(who: Viewer, organisation: str) -> set[str]:
    return {action for action in get_args(Action) if may(who, action, organisation)}


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        (
            "directory_admin",
            {
                "users:see",
                "users:manage",
                "tokens:manage",
                "directory:see",
                "directory:change",
                "directory:approve",
                "audit:see",
            },
        ),
        ("recipient", {"directory:see", "notices:see", "notices:answer"}),
        ("auditor", {"users:see", "directory:see", "audit:see"}),
    ],
)
def test_each_role_may_this_within_its_organisation_and_nothing_elsewhere(role: Role, actions: set[str]) -> None:
    assert allowed(viewer(role), BROMLEY) == actions
    assert allowed(viewer(role), CAMDEN) == set()
    assert allowed(viewer(role), OPERATOR) == set()


def test_the_operator_acts_for_every_organisation_and_reads_no_notice() -> None:
    operator = viewer("operator", organisation=OPERATOR)
    for organisation in (OPERATOR, BROMLEY):
        assert allowed(operator, organisation) == set(get_args(Action)) - {"notices:see", "notices:answer"}


def test_the_operators_other_people_keep_to_their_desks_but_its_auditor_reads_everywhere() -> None:
    assert allowed(viewer("directory_admin", organisation=OPERATOR), BROMLEY) == set()
    assert allowed(viewer("recipient", organisation=OPERATOR), BROMLEY) == set()
    assert allowed(viewer("auditor", organisation=OPERATOR), BROMLEY) == {"users:see", "directory:see", "audit:see"}


def test_no_role_beyond_its_organisation_whoever_holds_which_roles() -> None:
    for count in range(1 << len(ROLES)):
        roles = [role for at, role in enumerate(ROLES) if count >> at & 1 and role != "operator"]
        assert not any(may(viewer(*roles), action, CAMDEN) for action in get_args(Action))


def test_a_role_of_the_operator_in_another_organisation_opens_no_third_one() -> None:
    assert allowed(viewer("operator"), CAMDEN) == set()


def test_the_operators_role_is_granted_to_the_operators_people_only() -> None:
    operator = viewer("operator", organisation=OPERATOR)
    assert may_grant(operator, ["operator"], OPERATOR)
    assert not may_grant(operator, ["operator"], BROMLEY)
    assert may_grant(operator, ["directory_admin"], BROMLEY)
    admin = viewer("directory_admin")
    assert may_grant(admin, ["directory_admin", "recipient", "auditor"], BROMLEY)
    assert not may_grant(admin, ["recipient"], CAMDEN)
    assert not may_grant(admin, ["operator"], BROMLEY)
    assert not may_grant(admin, [], BROMLEY)
    assert not may_grant(viewer("recipient", "auditor"), ["recipient"], BROMLEY)
    # An administrator among the operator's people cannot make themselves an operator by a second account.
    assert [fits(["operator"], one) for one in (OPERATOR, BROMLEY)] == [True, False]
    assert not may_grant(viewer("directory_admin", organisation=OPERATOR), ["operator"], OPERATOR)


def test_who_sees_every_organisation_is_made_and_recovered_by_an_operator_alone() -> None:
    """The operator's auditor reads of all: an administrator among the operator's people must not become one by an
    invitation to themselves, nor by the link of a recovery."""
    among, operator = viewer("directory_admin", organisation=OPERATOR), viewer("operator", organisation=OPERATOR)
    for roles in (["auditor"], ["auditor", "recipient"]):
        auditor = user(id="us_2", organisation=OPERATOR, roles=frozenset(roles))
        assert not may_grant(among, roles, OPERATOR) and not may_manage(among, auditor)
        assert may_grant(operator, roles, OPERATOR) and may_manage(operator, auditor)
    assert may_grant(among, ["recipient", "directory_admin"], OPERATOR)
    assert may_grant(viewer("directory_admin"), ["auditor"], BROMLEY)


def user(**changes: object) -> User:
    one = User(
        id="us_1",
        organisation=BROMLEY,
        roles=frozenset({"recipient"}),
        email="rowan@bromley.example",
        state="active",
        created_at=START,
        state_at=START,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def test_ten_failures_lock_and_each_lock_is_twice_as_long_up_to_a_day() -> None:
    assert lock_of(user(failures=8), LIMITS, START) is None
    waits = [lock_of(user(failures=9, locks=locks), LIMITS, START) for locks in (0, 1, 2, 6, 7, 100_000)]
    minutes = [(until - START) / timedelta(minutes=1) for until in waits if until is not None]
    assert minutes == [15, 30, 60, 960, 1440, 1440]


def test_locked_until_and_no_longer() -> None:
    until = START + timedelta(minutes=15)
    assert not locked(user(), START)
    assert locked(user(locked_until=until), until - timedelta(microseconds=1))
    assert not locked(user(locked_until=until), until)


def test_nobody_manages_themselves_or_somebody_with_more_rights() -> None:
    admin, operator = viewer("directory_admin"), viewer("operator", organisation=OPERATOR)
    assert may_manage(admin, user(id="us_2", roles=frozenset({"directory_admin"})))
    assert not may_manage(admin, user(id="us_1"))
    assert not may_manage(admin, user(id="us_2", organisation=CAMDEN))
    assert may_manage(operator, user(id="us_2"))
    assert not may_manage(operator, user(id="us_1", organisation=OPERATOR, roles=frozenset({"operator"})))
    among = viewer("directory_admin", organisation=OPERATOR)
    assert not may_manage(among, user(id="us_2", organisation=OPERATOR, roles=frozenset({"operator", "auditor"})))


def session(**changes: object) -> UserSession:
    one = UserSession(
        id="se_1",
        user="us_1",
        organisation=BROMLEY,
        digest=b"d" * 32,
        created_at=START,
        seen_at=START,
        expires_at=START + timedelta(hours=12),
        complete=True,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "minutes", "lives"),
    [
        ({}, 0, True),
        ({}, 29.99, True),
        ({}, 30, False),
        ({"seen_at": START + timedelta(minutes=700)}, 719.99, True),
        ({"seen_at": START + timedelta(minutes=700)}, 720, False),
        ({"complete": False}, 4.99, True),
        ({"complete": False}, 5, False),
        ({}, -10, True),  # another node's clock is a little behind
        ({}, -31, False),
    ],
)
def test_how_long_a_session_lives(changes: dict[str, object], minutes: float, lives: bool) -> None:
    assert alive(session(**changes), LIMITS, START + timedelta(minutes=minutes)) is lives


def test_nothing_secret_or_personal_prints() -> None:
    marked = user(name="NAMED", email="MAILED", password="HASHED", totp=b"SHARED")
    for one, action in product((marked, session(digest=b"DIGESTED")), (repr, str)):
        assert not [word for word in ("NAMED", "MAILED", "HASHED", "SHARED", "DIGESTED") if word in action(one)]
    assert "Rowan" not in repr(viewer("recipient"))
