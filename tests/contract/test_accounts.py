"""Accounts in the ledger: found again, scoped, sealed, and one live account an address."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hub.core.accounts import User, UserLink, UserSession
from hub.core.oidc import Provider
from hub.core.passkeys import Passkey
from hub.service.ports import Unit
from tests.contract.test_secrecy import disguises
from tests.kit.clock import START
from tests.kit.store import Stores, sqlite_store

BROMLEY, CAMDEN = "E09000006", "E09000007"
SEALED = {
    "name": "Marked Rowan Name",
    "email": "marked.rowan@bromley.example",
    "password": "$argon2id$marked-hash",
    "totp": "marked shared secret",
    "client": "marked client secret",
    "subject": "marked-subject-elsewhere",
}
PROVIDER = Provider(
    organisation=BROMLEY, issuer="https://login.bromley.example", client_id="fingerpost",
    client_secret=SEALED["client"], domains=("bromley.example", "bromley.sch.example"),
)  # fmt: skip


def user(number: int = 1, **changes: object) -> User:
    one = User(
        id=f"us_{number}",
        organisation=BROMLEY,
        roles=frozenset({"directory_admin", "recipient"}),
        email=SEALED["email"] if number == 1 else f"person{number}@bromley.example",
        state="active",
        created_at=START + timedelta(seconds=number),
        state_at=START,
        name=SEALED["name"],
        password=SEALED["password"],
        totp=SEALED["totp"].encode(),
        totp_step=58_000_000,
        failures=3,
        locks=1,
        locked_until=START + timedelta(minutes=15),
        signed_in_at=START - timedelta(days=1),
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def link(number: int = 1, **changes: object) -> UserLink:
    one = UserLink(
        id=f"ul_{number}",
        user="us_1",
        organisation=BROMLEY,
        purpose="invitation",
        digest=bytes([number]) * 32,
        created_at=START,
        expires_at=START + timedelta(hours=72),
        pending=SEALED["totp"].encode(),
        pending_password=SEALED["password"],
        pending_name=SEALED["name"],
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def session(number: int = 1, **changes: object) -> UserSession:
    one = UserSession(
        id=f"se_{number}",
        user="us_1",
        organisation=BROMLEY,
        digest=bytes([number]) * 32,
        created_at=START + timedelta(seconds=number),
        seen_at=START + timedelta(seconds=number),
        expires_at=START + timedelta(hours=12),
        complete=True,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


async def put(store: Stores, *rows: User | UserLink | UserSession) -> None:
    async def work(unit: Unit) -> None:
        for row in rows:
            match row:
                case User():
                    await unit.accounts.put_user(row)
                case UserLink():
                    await unit.accounts.put_link(row)
                case UserSession():
                    await unit.accounts.put_session(row)

    await store.write(work)


async def test_a_user_comes_back_as_they_were_put_and_is_found_in_any_case(store: Stores) -> None:
    bare = user(2, name=None, password=None, totp=None, locked_until=None, signed_in_at=None, state="invited")
    await put(store, user(), bare)
    assert await store.read(lambda unit: unit.accounts.user("us_1")) == user()
    assert await store.read(lambda unit: unit.accounts.user_by_email("Marked.ROWAN@bromley.example")) == user()
    assert await store.read(lambda unit: unit.accounts.user("us_2")) == bare
    assert await store.read(lambda unit: unit.accounts.user_by_email("nobody@bromley.example")) is None
    changed = user(failures=0, locks=0, locked_until=None, name="Another Name", roles=frozenset({"auditor"}))
    await put(store, changed)
    assert await store.read(lambda unit: unit.accounts.user("us_1")) == changed


async def test_users_of_one_organisation_and_of_all(store: Stores) -> None:
    there = [user(3, organisation=CAMDEN), user(2), user(1)]
    await put(store, *there)
    assert await store.read(lambda unit: unit.accounts.users(BROMLEY)) == [there[2], there[1]]
    assert await store.read(lambda unit: unit.accounts.users("E09000008")) == []
    assert await store.read(lambda unit: unit.accounts.users(None)) == [there[2], there[1], there[0]]


async def test_one_live_account_an_address_and_any_number_of_disabled_ones(store: Stores) -> None:
    await put(store, user(state="disabled"), user(2, email=SEALED["email"], state="disabled"))
    assert await store.read(lambda unit: unit.accounts.user_by_email(SEALED["email"])) is None
    live = user(3, email=SEALED["email"], organisation=CAMDEN)
    await put(store, live)
    assert await store.read(lambda unit: unit.accounts.user_by_email(SEALED["email"])) == live
    with pytest.raises(Exception, match=r"."):
        await put(store, user(4, email=SEALED["email"].upper()))


async def test_a_link_is_found_by_its_digest_until_it_is_ended(store: Stores) -> None:
    await put(store, user(), user(2), link(), link(2, pending=None, pending_password=None, pending_name=None))
    await put(store, link(3, user="us_2"))
    assert await store.read(lambda unit: unit.accounts.link(b"\1" * 32)) == link()
    assert (await store.read(lambda unit: unit.accounts.link(b"\2" * 32))).pending is None
    await store.write(lambda unit: unit.accounts.end_links("us_1"))
    found = [await store.read(lambda unit, n=n: unit.accounts.link(bytes([n]) * 32)) for n in (1, 2, 3)]
    assert [one and one.user for one in found] == [None, None, "us_2"]


async def test_sessions_are_seen_and_ended_by_their_own_user_only(store: Stores) -> None:
    await put(store, user(), user(2), session(), session(2), session(3, user="us_2"))
    assert await store.read(lambda unit: unit.accounts.session(b"\1" * 32)) == (session(), user())
    assert await store.read(lambda unit: unit.accounts.session(b"\4" * 32)) is None
    assert await store.read(lambda unit: unit.accounts.sessions("us_1")) == [session(), session(2)]
    later, earlier = START + timedelta(minutes=5), START
    await store.write(lambda unit: unit.accounts.seen("se_1", later))
    await store.write(lambda unit: unit.accounts.seen("se_1", earlier))
    assert (await store.read(lambda unit: unit.accounts.sessions("us_1")))[0].seen_at == later
    await store.write(lambda unit: unit.accounts.end_sessions("us_1", ["se_2", "se_3", "se_9"]))
    left = [
        one.id for name in ("us_1", "us_2") for one in await store.read(lambda unit, n=name: unit.accounts.sessions(n))
    ]
    assert left == ["se_1", "se_3"]


async def test_passkeys_are_found_by_their_credential_and_removed_by_their_own_user_only(store: Stores) -> None:
    await put(store, user(), user(2))
    one = Passkey(
        id="pk_1", user="us_1", organisation=BROMLEY, credential=b"\0credential", public_key=b"\xa5key",
        name="Red <key>", sign_count=2**32 - 1, synced=True, backed_up=False, created_at=START,
    )  # fmt: skip
    other = replace(one, id="pk_2", user="us_2", credential=b"\0another", used_at=START + timedelta(days=1))
    for added in (one, other):
        await store.write(lambda unit, added=added: unit.passkeys.put(added))
    assert await store.read(lambda unit: unit.passkeys.by_credential(one.credential)) == one
    assert await store.read(lambda unit: unit.passkeys.by_credential(b"nobody's")) is None
    renamed = replace(one, name="Blue key", sign_count=0, backed_up=True, used_at=START)
    await store.write(lambda unit: unit.passkeys.put(renamed))
    assert await store.read(lambda unit: unit.passkeys.of("us_1")) == [renamed]
    await store.write(lambda unit: unit.passkeys.remove("us_1", ["pk_1", "pk_2"]))
    left = [await store.read(lambda unit, n=name: unit.passkeys.of(n)) for name in ("us_1", "us_2")]
    assert left == [[], [other]]
    with pytest.raises(Exception, match=r"."):
        await store.write(lambda unit: unit.passkeys.put(replace(other, id="pk_3", user="us_1")))


async def test_a_challenge_is_spent_once_and_forgotten_when_it_is_over(store: Stores) -> None:
    ends = START + timedelta(minutes=5)

    async def spend(digest: bytes, now: datetime) -> bool:
        return await store.write(lambda unit: unit.passkeys.spend(digest, BROMLEY, ends, now))

    assert [await spend(b"one", START), await spend(b"one", START), await spend(b"two", START)] == [True, False, True]
    assert await spend(b"one", ends + timedelta(seconds=1)), "what is over is kept for ever"


async def test_a_provider_and_whom_it_speaks_for_come_back_and_go(store: Stores) -> None:
    await put(store, user(), user(2), user(3, organisation=CAMDEN))
    there = replace(PROVIDER, organisation=CAMDEN, acr=("gold",), second_factor="trusted")
    for one in (PROVIDER, there):
        await store.write(lambda unit, one=one: unit.providers.put(one, START))
    assert await store.read(lambda unit: unit.providers.of(BROMLEY)) == PROVIDER
    assert await store.read(lambda unit: unit.providers.of(CAMDEN)) == there
    assert await store.read(lambda unit: unit.providers.organisations()) == [BROMLEY, CAMDEN]
    for name, organisation in (("us_1", BROMLEY), ("us_3", CAMDEN)):
        await store.write(lambda unit, n=name, o=organisation: unit.providers.bind(n, o, "https://a", "same", START))
    for organisation, issuer, subject, found in (
        (BROMLEY, "https://a", "same", "us_1"),
        (CAMDEN, "https://a", "same", "us_3"),
        (BROMLEY, "https://b", "same", None),
        (BROMLEY, "https://a", "Same", None),
    ):
        asked = (organisation, issuer, subject)
        assert await store.read(lambda unit, asked=asked: unit.providers.user(*asked)) == found
    for name in ("us_1", "us_2"):  # one identity a user, one user an identity
        with pytest.raises(Exception, match=r"."):
            subject = "another" if name == "us_1" else "same"
            await store.write(lambda unit, n=name, s=subject: unit.providers.bind(n, BROMLEY, "https://a", s, START))
    assert await store.read(lambda unit: unit.providers.bound_users(BROMLEY)) == ["us_1"]
    await store.write(lambda unit: unit.providers.release("us_1"))
    bound = [await store.read(lambda unit, n=name: unit.providers.bound(n)) for name in ("us_1", "us_3")]
    assert bound == [False, True]
    await store.write(lambda unit: unit.providers.remove(BROMLEY))
    assert await store.read(lambda unit: unit.providers.of(BROMLEY)) is None


async def test_nothing_of_a_person_stands_in_clear(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    await put(store, user(), link())
    await store.write(lambda unit: unit.providers.put(PROVIDER, START))
    await store.write(lambda unit: unit.providers.bind("us_1", BROMLEY, "https://a", SEALED["subject"], START))
    await store.aclose()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    found = {name for name, value in SEALED.items() if any(one in content for one in disguises(value))}
    assert found == set()
    # The same search finds what does stand in clear.
    assert any(one in content for one in disguises("directory_admin"))
