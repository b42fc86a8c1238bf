"""Accounts over the real ledger: how somebody gets in, and how nobody else does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import Parameters, Type

from contacts.roles import OPERATOR
from hub.core.accounts import CONSOLE, INVITED_FOR, Viewer
from hub.core.totp import code_at, step_of
from hub.edge.passwords import Argon2
from hub.service.accounts.inviting import Followed
from hub.service.accounts.signing_in import SigningIn
from hub.service.accounts.steps import FormProblem, SignedIn
from tests.kit.accounts import BROMLEY, CAMDEN, PASSWORD, Accounts, accounts_over, audit
from tests.kit.clock import FakeClock
from tests.kit.node import Hub
from tests.kit.store import LEDGER, sqlite_store

ROWAN = "rowan@bromley.example"
OTHER = "plum torch window"


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Accounts]:
    store = await sqlite_store(tmp_path)
    yield accounts_over(store, FakeClock())
    await store.aclose()


def fields(problems: object) -> list[str]:
    assert isinstance(problems, tuple)
    return [one.field for one in problems]


async def test_an_invitation_is_followed_and_opens_the_account(accounts: Accounts, tmp_path: Path) -> None:
    made = await accounts.invited(ROWAN, "directory_admin")
    assert made.expires_at == accounts.clock.now() + INVITED_FOR
    shown = await accounts.inviting.follow(made.token)
    assert shown is not None
    assert (shown.purpose, shown.organisation_name, shown.email, shown.secret) == (
        "invitation", "London Borough of Bromley", ROWAN, None,
    )  # fmt: skip
    done = await accounts.accepted(made.token)
    assert (done.viewer.organisation, done.viewer.roles, done.viewer.name) == (
        BROMLEY, frozenset({"directory_admin"}), "Rowan Example",
    )  # fmt: skip
    assert await accounts.signing_in.viewer(done.token) == done.viewer
    user = await accounts.user(made.user)
    assert user.state == "active" and user.password is not None and user.password.startswith("$argon2id$")
    assert [line[:4] for line in audit(tmp_path)] == [
        ("operator", "user.invited", BROMLEY, made.user),
        (f"user:{made.user}", "user.accepted", BROMLEY, made.user),
    ]
    assert audit(tmp_path)[0][4] == '{"roles": "directory_admin"}'


async def test_a_link_works_once_for_three_days_and_only_the_newest(accounts: Accounts) -> None:
    first = await accounts.invited(ROWAN, "recipient")
    second = await accounts.invited(ROWAN.upper().replace("BROMLEY.EXAMPLE", "bromley.example"), "auditor")
    assert second.user == first.user
    assert await accounts.inviting.follow(first.token) is None
    shown = await accounts.inviting.follow(second.token)
    assert shown is not None and shown.roles == {"auditor"}
    await accounts.clock.advance((INVITED_FOR - timedelta(seconds=1)).total_seconds())
    assert await accounts.inviting.follow(second.token) is not None
    await accounts.accepted(second.token)
    for used in (first.token, second.token, "made up", ""):
        assert await accounts.inviting.follow(used) is None
        assert await accounts.inviting.begin(used, name="X Y", password=PASSWORD, again=PASSWORD) is None
        assert await accounts.inviting.complete(used, "123456") is None
    late = await accounts.invited("late@bromley.example", "recipient")
    await accounts.clock.advance(INVITED_FOR.total_seconds())
    assert await accounts.inviting.follow(late.token) is None


async def test_a_link_followed_half_way_changes_nothing_and_can_be_followed_again(accounts: Accounts) -> None:
    made = await accounts.invited(ROWAN, "recipient")
    shown = await accounts.inviting.begin(made.token, name="Rowan", password=OTHER, again=OTHER)
    assert isinstance(shown, Followed) and shown.secret is not None
    user = await accounts.user(made.user)
    assert (user.state, user.password, user.totp, user.name) == ("invited", None, None, None)
    assert await accounts.signing_in.password(ROWAN, OTHER) is None
    assert await accounts.inviting.complete(made.token, "000000") == "wrong"
    old = code_at(shown.secret, step_of(accounts.clock.now()))
    done = await accounts.accepted(made.token, name="Rowan Example")
    assert done.viewer.name == "Rowan Example"
    assert accounts.inviting is not None and old != await accounts.code(made.user)
    await accounts.signed_in(ROWAN, made.user)


async def test_without_the_first_step_there_is_no_second(accounts: Accounts) -> None:
    made = await accounts.invited(ROWAN, "recipient")
    assert await accounts.inviting.complete(made.token, "000000") is None


@pytest.mark.parametrize(
    ("name", "password", "again", "wrong"),
    [
        ("", PASSWORD, PASSWORD, ["name"]),
        ("123", PASSWORD, PASSWORD, ["name"]),
        ("Rowan\nExample", "short", "short", ["name", "password"]),
        ("Rowan Example", PASSWORD, OTHER, ["again"]),
        ("Rowan Example", "RowanExample1", "RowanExample1", ["password"]),
        ("Rowan Example", "Bromley-2026!", "Bromley-2026!", ["password"]),
        ("R" * 121, PASSWORD, PASSWORD, ["name"]),
    ],
)
async def test_what_is_wrong_is_said_field_by_field(
    accounts: Accounts, name: str, password: str, again: str, wrong: list[str]
) -> None:
    made = await accounts.invited(ROWAN, "recipient")
    assert fields(await accounts.inviting.begin(made.token, name=name, password=password, again=again)) == wrong


async def test_who_may_invite_whom(accounts: Accounts, tmp_path: Path) -> None:
    admin = (await accounts.member("admin@bromley.example", "directory_admin")).viewer
    recipient = (await accounts.member("desk@bromley.example", "recipient")).viewer

    async def outcome(viewer: Viewer, organisation: str, *roles: str, email: str = "new@council.example") -> object:
        return await accounts.inviting.invite(viewer, email=email, organisation=organisation, roles=roles)

    assert await outcome(recipient, BROMLEY, "recipient") is None
    assert await outcome(admin, CAMDEN, "recipient") is None
    assert await outcome(admin, OPERATOR, "operator") is None
    assert fields(await outcome(admin, BROMLEY, "operator")) == ["roles"]
    assert fields(await outcome(CONSOLE, BROMLEY, "operator")) == ["roles"]
    assert fields(await outcome(admin, BROMLEY)) == ["roles"]
    assert fields(await outcome(admin, BROMLEY, "recipient", "king")) == ["roles"]
    assert fields(await outcome(admin, BROMLEY, "recipient", email="no address")) == ["email"]
    assert fields(await outcome(CONSOLE, "no code!", "recipient")) == ["organisation"]
    # An account that is there already is not touched; of one elsewhere nothing is said.
    there = await outcome(admin, BROMLEY, "auditor", email="desk@bromley.example")
    assert isinstance(there, tuple) and "list of users" in there[0].message
    await accounts.member("camden@camden.example", organisation=CAMDEN)
    elsewhere = await outcome(admin, BROMLEY, "recipient", email="camden@camden.example")
    assert isinstance(elsewhere, tuple) and "operator" in elsewhere[0].message and CAMDEN not in elsewhere[0].message
    assert [line[0] for line in audit(tmp_path) if line[1] == "user.invite_refused"] == [admin.actor] * 2
    assert (await accounts.user(recipient.user)).roles == {"recipient"}


async def test_an_administrator_among_the_operators_people_makes_no_operator(accounts: Accounts) -> None:
    """Neither by inviting one, nor by taking over an invitation or an account of one."""
    admin = (await accounts.member("admin@hub.example", "directory_admin", organisation=OPERATOR)).viewer
    invited = await accounts.invited("boss@hub.example", "operator", organisation=OPERATOR)
    for roles in (["operator"], ["recipient"]):
        refused = await accounts.inviting.invite(admin, email="boss@hub.example", organisation=OPERATOR, roles=roles)
        assert isinstance(refused, tuple)
    assert (await accounts.inviting.follow(invited.token)) is not None
    boss = await accounts.accepted(invited.token)
    assert await accounts.people.recover(admin, boss.viewer.user) is None
    assert not await accounts.people.disable(admin, boss.viewer.user)


async def test_signing_in_takes_the_password_and_then_a_code(accounts: Accounts, tmp_path: Path) -> None:
    user = (await accounts.member()).viewer.user
    await accounts.clock.advance(30)
    half = await accounts.signing_in.password(f" {ROWAN.upper()} ".replace("BROMLEY", "bromley"), PASSWORD)
    assert half is not None
    assert await accounts.signing_in.halfway(half)
    assert await accounts.signing_in.viewer(half) is None
    done = await accounts.signing_in.code(half, await accounts.code(user))
    assert isinstance(done, SignedIn) and done.token != half
    assert await accounts.signing_in.viewer(done.token) == done.viewer
    # What was half a session is none any more.
    assert not await accounts.signing_in.halfway(half)
    assert await accounts.signing_in.code(half, await accounts.code(user, step=1)) is None
    assert audit(tmp_path)[-1][:4] == (f"user:{user}", "user.signed_in", BROMLEY, user)


async def test_a_code_counts_once_also_for_another_session(accounts: Accounts) -> None:
    signed = await accounts.member()
    user = signed.viewer.user
    half = await accounts.signing_in.password(ROWAN, PASSWORD)
    assert half is not None
    # The one that the invitation was accepted with.
    assert await accounts.signing_in.code(half, await accounts.code(user)) == "wrong"
    code = await accounts.code(user, step=1)
    assert isinstance(await accounts.signing_in.code(half, code), SignedIn)
    again = await accounts.signing_in.password(ROWAN, PASSWORD)
    assert again is not None
    assert await accounts.signing_in.code(again, code) == "wrong"


async def test_half_a_session_lives_five_minutes_and_there_is_one_at_a_time(accounts: Accounts) -> None:
    user = (await accounts.member()).viewer.user
    first = await accounts.signing_in.password(ROWAN, PASSWORD)
    second = await accounts.signing_in.password(ROWAN, PASSWORD)
    assert first is not None and second is not None
    assert not await accounts.signing_in.halfway(first)
    await accounts.clock.advance(299)
    assert await accounts.signing_in.halfway(second)
    await accounts.clock.advance(1)
    assert not await accounts.signing_in.halfway(second)
    assert await accounts.signing_in.code(second, await accounts.code(user)) is None


class Counted(Argon2):
    """Remembers what was compared."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__(parameters)
        self.compared: list[bool] = []

    async def matches(self, encoded: str | None, password: str) -> bool:
        self.compared.append(encoded is None)
        return await super().matches(encoded, password)


async def test_unknown_wrong_locked_and_disabled_are_one_answer_after_the_same_work(
    accounts: Accounts, tmp_path: Path
) -> None:
    passwords = Counted(Parameters(Type.ID, 19, 16, 32, 1, 8, 1))
    service = SigningIn(
        store=accounts.store, clock=accounts.clock, ids=accounts.ids, passwords=passwords, limits=accounts.limits
    )
    await accounts.member()
    gone = (await accounts.member("gone@bromley.example")).viewer.user
    await accounts.people.disable(CONSOLE, gone)
    shut = (await accounts.member("shut@bromley.example")).viewer.user
    for _ in range(10):
        await service.password("shut@bromley.example", OTHER)
    assert (await accounts.user(shut)).locked_until is not None
    waiting = await accounts.invited("waiting@bromley.example", "recipient")
    passwords.compared.clear()
    before = len(audit(tmp_path))
    tries = [
        ("nobody@bromley.example", PASSWORD),
        (ROWAN, OTHER),
        ("gone@bromley.example", PASSWORD),
        ("shut@bromley.example", PASSWORD),
        ("waiting@bromley.example", PASSWORD),
        ("x" * 100_000, "y" * 100_000),
        ("", ""),
    ]
    assert [await service.password(*one) for one in tries] == [None] * 7
    assert len(passwords.compared) == 7  # one slow hash each, whoever it was
    lines = audit(tmp_path)[before:]
    assert [line[1] for line in lines] == ["user.sign_in_failed"] * 7  # one write each
    assert waiting.user not in {line[3] for line in lines if line[2] is None}
    assert not [line for line in lines if "example" in repr(line)]


async def test_ten_failures_lock_for_a_quarter_of_an_hour_then_for_twice_that(
    accounts: Accounts, tmp_path: Path
) -> None:
    user = (await accounts.member()).viewer.user
    await accounts.clock.advance(60)

    async def fail(times: int) -> None:
        for _ in range(times):
            assert await accounts.signing_in.password(ROWAN, OTHER) is None

    await fail(9)
    assert await accounts.signing_in.password(ROWAN, PASSWORD) is not None
    await fail(1)  # the right password alone has reset nothing
    assert await accounts.signing_in.password(ROWAN, PASSWORD) is None
    assert [line[1] for line in audit(tmp_path)].count("user.locked") == 1
    await fail(30)  # what is tried meanwhile makes it no longer
    await accounts.clock.advance(15 * 60 - 1)
    assert await accounts.signing_in.password(ROWAN, PASSWORD) is None
    await accounts.clock.advance(1)
    await fail(10)
    await accounts.clock.advance(29 * 60)
    assert await accounts.signing_in.password(ROWAN, PASSWORD) is None
    await accounts.clock.advance(60)
    await accounts.signed_in(ROWAN, user)
    after = await accounts.user(user)
    assert (after.failures, after.locks, after.locked_until) == (0, 0, None)


async def test_wrong_codes_lock_as_wrong_passwords_do(accounts: Accounts) -> None:
    user = (await accounts.member()).viewer.user
    await accounts.clock.advance(60)
    half = await accounts.signing_in.password(ROWAN, PASSWORD)
    assert half is not None
    good = await accounts.code(user)
    wrong = next(text for text in ("111111", "222222", "333333", "444444") if text != good)
    outcomes = [await accounts.signing_in.code(half, wrong) for _ in range(10)]
    assert outcomes == ["wrong"] * 9 + [None]
    assert await accounts.signing_in.code(half, good) is None
    assert await accounts.signing_in.password(ROWAN, PASSWORD) is None


async def test_many_guesses_at_once_do_not_overtake_the_lock(accounts: Accounts) -> None:
    user = (await accounts.member()).viewer.user
    guesses = [OTHER] * 40 + [PASSWORD]
    await asyncio.gather(*(accounts.signing_in.password(ROWAN, one) for one in guesses[:-1]))
    assert await accounts.signing_in.password(ROWAN, PASSWORD) is None
    found = await accounts.user(user)
    assert (found.locks, found.failures) == (1, 0)


async def test_a_session_ends_when_nobody_uses_it_and_in_any_case_after_twelve_hours(accounts: Accounts) -> None:
    signed = await accounts.member()
    for _ in range(25):  # twelve hours and ten minutes, in steps of 29 minutes
        assert await accounts.signing_in.viewer(signed.token) is not None
        await accounts.clock.advance(29 * 60 - 1)
        if accounts.clock.now() >= (await accounts.user(signed.viewer.user)).created_at + timedelta(hours=12):
            break
    assert await accounts.signing_in.viewer(signed.token) is None
    again = await accounts.signed_in(ROWAN, signed.viewer.user)
    await accounts.clock.advance(30 * 60)
    assert await accounts.signing_in.viewer(again.token) is None


async def test_most_requests_write_nothing(accounts: Accounts) -> None:
    signed = await accounts.member()

    async def seen() -> list[object]:
        return [one.seen_at for one in await accounts.store.read(lambda u: u.accounts.sessions(signed.viewer.user))]

    before = await seen()
    await accounts.clock.advance(59)
    await accounts.signing_in.viewer(signed.token)
    assert await seen() == before
    await accounts.clock.advance(1)
    await accounts.signing_in.viewer(signed.token)
    assert await seen() == [accounts.clock.now()]


async def test_signing_out_of_nothing_keeps_no_writer_busy(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = await accounts.member()
    written, write = [], accounts.store.write

    async def noted(work: Any) -> Any:
        written.append(work)
        return await write(work)

    monkeypatch.setattr(accounts.store, "write", noted)
    await accounts.signing_in.sign_out("made up")
    assert written == []
    await accounts.signing_in.sign_out(signed.token)
    assert len(written) == 1 and await accounts.signing_in.viewer(signed.token) is None


async def test_a_sixth_session_ends_the_oldest(accounts: Accounts) -> None:
    signed = await accounts.member()
    tokens = [signed.token]
    for _ in range(5):
        tokens.append((await accounts.signed_in(ROWAN, signed.viewer.user)).token)
    alive = [await accounts.signing_in.viewer(token) is not None for token in tokens]
    assert alive == [False, True, True, True, True, True]
    listed = await accounts.people.sessions(signed.viewer)
    assert len(listed) == 5
    assert listed[0].created_at > listed[-1].created_at


async def test_signing_out_here_there_and_everywhere(accounts: Accounts) -> None:
    first = await accounts.member()
    other = await accounts.member("other@bromley.example")
    second = await accounts.signed_in(ROWAN, first.viewer.user)
    third = await accounts.signed_in(ROWAN, first.viewer.user)
    await accounts.signing_in.sign_out(third.token)
    await accounts.signing_in.sign_out("made up")
    await accounts.people.end_session(second.viewer, first.viewer.session)
    await accounts.people.end_session(second.viewer, other.viewer.session)  # not theirs
    tokens = [first.token, second.token, third.token, other.token]
    alive = [await accounts.signing_in.viewer(token) is not None for token in tokens]
    assert alive == [False, True, False, True]
    await accounts.people.sign_out_everywhere(second.viewer)
    assert await accounts.signing_in.viewer(second.token) is None
    assert await accounts.signing_in.viewer(other.token) is not None


async def test_another_password_ends_every_other_session(accounts: Accounts, tmp_path: Path) -> None:
    first = await accounts.member()
    second = await accounts.signed_in(ROWAN, first.viewer.user)
    change = accounts.people.change_password
    assert fields(await change(second.viewer, current=OTHER, password=OTHER, again=OTHER)) == ["current"]
    assert fields(await change(second.viewer, current=PASSWORD, password="short", again="short")) == ["password"]
    assert fields(await change(second.viewer, current=PASSWORD, password=OTHER, again=PASSWORD)) == ["again"]
    assert await accounts.signing_in.viewer(first.token) is not None
    assert await change(second.viewer, current=PASSWORD, password=OTHER, again=OTHER) == ()
    assert await accounts.signing_in.viewer(first.token) is None
    assert await accounts.signing_in.viewer(second.token) is not None
    assert await accounts.signing_in.password(ROWAN, PASSWORD) is None
    await accounts.signed_in(ROWAN, first.viewer.user, password=OTHER)
    assert (second.viewer.actor, "user.password_changed") in {line[:2] for line in audit(tmp_path)}


async def test_whoever_found_a_browser_signed_in_cannot_guess_the_password_on_and_on(accounts: Accounts) -> None:
    signed = await accounts.member()
    change = accounts.people.change_password
    for _ in range(accounts.limits.failures - 1):
        assert fields(await change(signed.viewer, current=OTHER, password=OTHER, again=OTHER)) == ["current"]
    assert await accounts.signing_in.viewer(signed.token) is not None
    assert fields(await change(signed.viewer, current=OTHER, password=OTHER, again=OTHER)) == ["current"]
    assert await accounts.signing_in.viewer(signed.token) is None
    # What was sent before the lock and comes after it, the right one too, changes nothing.
    assert fields(await change(signed.viewer, current=PASSWORD, password=OTHER, again=OTHER)) == ["current"]
    await accounts.clock.advance(accounts.limits.lockout.total_seconds())
    await accounts.signed_in(ROWAN, signed.viewer.user)


async def test_a_recovery_is_started_by_a_second_person_and_ends_what_was(accounts: Accounts, tmp_path: Path) -> None:
    rowan = await accounts.member()
    admin = (await accounts.member("admin@bromley.example", "directory_admin")).viewer
    elsewhere = (await accounts.member("admin@camden.example", "directory_admin", organisation=CAMDEN)).viewer
    recipient = (await accounts.member("desk@bromley.example")).viewer
    for viewer in (elsewhere, recipient, rowan.viewer):
        assert await accounts.people.recover(viewer, rowan.viewer.user) is None
    assert await accounts.people.recover(admin, admin.user) is None
    assert await accounts.people.recover(admin, "us_none") is None
    assert await accounts.signing_in.viewer(rowan.token) is not None
    old_secret = (await accounts.user(rowan.viewer.user)).totp
    made = await accounts.people.recover(admin, rowan.viewer.user)
    assert made is not None
    assert accounts.told == [ROWAN]
    assert await accounts.signing_in.viewer(rowan.token) is None
    assert await accounts.signing_in.password(ROWAN, PASSWORD) is None
    shown = await accounts.inviting.follow(made.token)
    assert shown is not None and (shown.purpose, shown.name) == ("recovery", "Rowan Example")
    back = await accounts.accepted(made.token, password=OTHER)
    assert back.viewer.user == rowan.viewer.user and back.viewer.roles == rowan.viewer.roles
    after = await accounts.user(rowan.viewer.user)
    assert after.totp != old_secret
    await accounts.signed_in(ROWAN, rowan.viewer.user, password=OTHER)
    told = [line[:4] for line in audit(tmp_path) if line[1] in ("user.recovery_started", "user.recovered")]
    assert told == [
        (admin.actor, "user.recovery_started", BROMLEY, rowan.viewer.user),
        (rowan.viewer.actor, "user.recovered", BROMLEY, rowan.viewer.user),
    ]


async def test_a_recovery_opens_what_is_locked_and_a_second_one_takes_the_place_of_the_first(
    accounts: Accounts,
) -> None:
    rowan = (await accounts.member()).viewer
    for _ in range(10):
        await accounts.signing_in.password(ROWAN, OTHER)
    first = await accounts.people.recover(CONSOLE, rowan.user)
    second = await accounts.people.recover(CONSOLE, rowan.user)
    assert first is not None and second is not None
    assert await accounts.inviting.follow(first.token) is None
    await accounts.accepted(second.token)
    await accounts.signed_in(ROWAN, rowan.user)


async def test_other_roles_are_given_by_a_second_person_who_may_give_them_all(
    accounts: Accounts, tmp_path: Path
) -> None:
    rowan = (await accounts.member()).viewer
    admin = (await accounts.member("admin@bromley.example", "directory_admin")).viewer
    elsewhere = (await accounts.member("admin@camden.example", "directory_admin", organisation=CAMDEN)).viewer
    among = (await accounts.member("among@hub.example", "directory_admin", organisation=OPERATOR)).viewer
    desk = (await accounts.member("desk@hub.example", organisation=OPERATOR)).viewer
    boss = (await accounts.member("boss@hub.example", "operator", organisation=OPERATOR)).viewer
    give = accounts.people.give_roles
    for viewer, user in ((elsewhere, rowan), (rowan, admin), (admin, admin), (among, boss)):
        assert await give(viewer, user.user, ["auditor"]) is None
    assert await give(admin, "us_none", ["auditor"]) is None
    for roles in ([], ["king"], ["operator"]):
        assert fields(await give(admin, rowan.user, roles)) == ["roles"]
    assert fields(await give(among, desk.user, ["operator"])) == ["roles"]
    assert await give(admin, rowan.user, ["directory_admin", "auditor"]) == ()
    assert await give(admin, rowan.user, ["auditor", "directory_admin"]) == ()  # as it is: no second line
    assert (await accounts.user(rowan.user)).roles == {"directory_admin", "auditor"}
    assert [line for line in audit(tmp_path) if line[1] == "user.roles_changed"] == [
        (admin.actor, "user.roles_changed", BROMLEY, rowan.user,
         '{"after": "auditor directory_admin", "before": "recipient"}')
    ]  # fmt: skip
    await accounts.people.disable(admin, rowan.user)
    assert await give(admin, rowan.user, ["recipient"]) is None


async def test_who_is_disabled_is_out_at_once_and_for_good(accounts: Accounts) -> None:
    rowan = await accounts.member()
    admin = (await accounts.member("admin@bromley.example", "directory_admin")).viewer
    elsewhere = (await accounts.member("admin@camden.example", "directory_admin", organisation=CAMDEN)).viewer
    assert not await accounts.people.disable(elsewhere, rowan.viewer.user)
    assert not await accounts.people.disable(admin, admin.user)
    assert not await accounts.people.disable(admin, "us_none")
    assert await accounts.people.disable(admin, rowan.viewer.user)
    assert not await accounts.people.disable(admin, rowan.viewer.user)
    assert await accounts.signing_in.viewer(rowan.token) is None
    assert await accounts.signing_in.password(ROWAN, PASSWORD) is None
    assert await accounts.people.recover(admin, rowan.viewer.user) is None
    # The address may be invited again: another account, which knows nothing of the first.
    again = await accounts.member()
    assert again.viewer.user != rowan.viewer.user
    waiting = await accounts.invited("waiting@bromley.example", "recipient")
    assert await accounts.people.disable(admin, waiting.user)
    assert await accounts.inviting.follow(waiting.token) is None


async def test_each_sees_the_users_of_their_own_organisation(accounts: Accounts) -> None:
    recipient = (await accounts.member()).viewer
    admin = (await accounts.member("admin@bromley.example", "directory_admin")).viewer
    auditor = (await accounts.member("audit@bromley.example", "auditor")).viewer
    camden = (await accounts.member("admin@camden.example", "directory_admin", organisation=CAMDEN)).viewer
    operator = (await accounts.member("boss@hub.example", "operator", organisation=OPERATOR)).viewer

    async def seen(viewer: Viewer) -> list[tuple[str, bool]]:
        return [(one.email, one.manageable) for one in await accounts.people.listed(viewer)]

    assert await seen(recipient) == []
    bromley = [(ROWAN, True), ("admin@bromley.example", False), ("audit@bromley.example", True)]
    assert await seen(admin) == bromley
    assert await seen(auditor) == [(email, False) for email, _ in bromley]
    assert await seen(camden) == [("admin@camden.example", False)]
    assert {email for email, manageable in await seen(operator) if manageable} == {
        ROWAN, "admin@bromley.example", "audit@bromley.example", "admin@camden.example",
    }  # fmt: skip
    assert await accounts.people.one(camden, recipient.user) is None
    assert await accounts.people.one(admin, camden.user) is None
    one = await accounts.people.one(admin, recipient.user)
    assert one is not None and one.email == ROWAN


async def test_a_hash_of_other_parameters_is_made_anew_when_its_password_is_known(accounts: Accounts) -> None:
    signed = await accounts.member()
    today = Argon2(Parameters(Type.ID, 19, 16, 32, 2, 16, 1))
    service = SigningIn(
        store=accounts.store, clock=accounts.clock, ids=accounts.ids, passwords=today, limits=accounts.limits
    )
    before = (await accounts.user(signed.viewer.user)).password
    assert await service.password(ROWAN, OTHER) is None
    assert (await accounts.user(signed.viewer.user)).password == before
    assert await service.password(ROWAN, PASSWORD) is not None
    after = (await accounts.user(signed.viewer.user)).password
    assert after is not None and after != before and "m=16,t=2" in after
    assert await service.password(ROWAN, PASSWORD) is not None
    assert (await accounts.user(signed.viewer.user)).password == after


async def test_no_token_password_or_name_stands_in_the_ledger(accounts: Accounts, tmp_path: Path) -> None:
    signed = await accounts.member(name="Marked Rowan")
    made = await accounts.people.recover(CONSOLE, signed.viewer.user)
    half = await accounts.signing_in.password(ROWAN, PASSWORD)
    assert made is not None and half is None
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith(LEDGER))
    for word in (signed.token, made.token, PASSWORD, "Marked Rowan", ROWAN, "$argon2id$"):
        assert word.encode() not in content
    assert signed.viewer.user.encode() in content


async def test_two_nodes_take_one_code_once_and_count_every_failure(nodes: tuple[Hub, Hub]) -> None:
    clock = FakeClock()
    one, other = (accounts_over(hub.store, clock, seed=f"node {n}") for n, hub in enumerate(nodes))
    signed = await one.member()
    user = signed.viewer.user
    await clock.advance(30)
    half = await one.signing_in.password(ROWAN, PASSWORD)
    assert half is not None
    code = await one.code(user)
    done = await asyncio.gather(*(node.signing_in.code(half, code) for node in (one, other) * 3))
    assert sum(isinstance(outcome, SignedIn) for outcome in done) == 1
    await asyncio.gather(*(node.signing_in.password(ROWAN, OTHER) for node in (one, other) * 5))
    assert (await one.user(user)).locks == 1
    made = await one.invited("new@bromley.example", "recipient")
    shown = await other.inviting.begin(made.token, name="New", password=PASSWORD, again=PASSWORD)
    assert isinstance(shown, Followed) and shown.secret is not None
    code = code_at(shown.secret, step_of(clock.now()))
    opened = await asyncio.gather(*(node.inviting.complete(made.token, code) for node in (one, other) * 3))
    assert sum(isinstance(outcome, SignedIn) for outcome in opened) == 1
    twice = await asyncio.gather(
        *(node.inviting.invite(CONSOLE, email="same@bromley.example", organisation=BROMLEY, roles=["auditor"])
          for node in (one, other) * 2)
    )  # fmt: skip
    assert len({outcome.user for outcome in twice if not isinstance(outcome, tuple | FormProblem | None)}) == 1
