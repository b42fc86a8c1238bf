"""Every address of the hub as the wrong tenant: "not yours" is the same answer as "not there", in every byte, and takes
the same work.

Which addresses there are is asked of the router: one that is added later is walked too, and if there is something in
its path that is not known here, an example of it is needed.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from aiohttp import web as aio
from sqlalchemy import event

from contacts.model import Contact
from contacts.roles import OPERATOR
from hub.core.api_tokens import SCOPES
from hub.core.desk import EVERY_DESK
from hub.core.drafts import author_of
from hub.core.passkeys import Passkey
from hub.core.uploads import Upload
from hub.core.verification import Place, asked, claimed
from hub.core.verification import waiting as to_prove
from hub.service.tenancy import WHOLE, OutOfScope, Own, Scope, Speaking, present_scope
from hub.web.doors import unguarded, unknown
from tests.contract.test_resolving import resolution
from tests.kit.accounts import accounts_over
from tests.kit.changing import FRONT_DOOR, front_door, furnished, office
from tests.kit.clock import START
from tests.kit.desk import Desk, at_the_desk
from tests.kit.directory import BROMLEY
from tests.kit.events import raw, reported
from tests.kit.peers import BORDON, a_peer
from tests.kit.tokens import Token, file_tokens
from tests.kit.visitor import Visitor
from tests.kit.web import ACK_SECRET, Web, source

WRONG: Final = "E08000035"
"""An authority that was told of nothing."""
BY_LINK: Final = ("/a/", "/v/", "/c/", "/p/", "/invitation/", "/sign-in", "/v1/schema/", "/static/", "/sign-out")
"""What opens it is the secret in the path, or it is nobody's: no tenant has to be told from another."""
NO_TENANTS: Final = (
    "/health/", "/metrics", "/v1/openapi.json", "/v1/events", "/v1/callbacks/", "/wall/live", "/notices/live",
    "/.well-known/", "/v1/peers/",
)  # fmt: skip
ENDING: Final = ("/account/sign-out-everywhere",)
THE_SAME: Final = ("table", "deed", "number")
"""Names in paths that stand for nobody's."""
SAFE: Final = {"GET", "HEAD", "POST"}
FIELDS: Final[dict[str, str | list[str]]] = {
    "roles": ["recipient"], "desks": ["*"], "answer": "accepted", "name": "A name", "why": "A reason of some words",
    "email": "new@leeds.example", "organisation": WRONG, "contact": "co_mail", "move": "up",
    "days": "30", "confirm": "yes", "reason": "A reason of some words", "sought": "Robin", "part": "1",
    "scopes": ["directory:read"], "address": "x@leeds.example", "overlap": "1", "version": "1", "seen": "1",
    "text": "A message", "purpose": "question", "whereabouts": "no", "key": "a-key-of-some-length",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class There:
    """What belongs to others: by the name that paths have for it; and words that only they may read."""

    ids: Mapping[str, str]
    words: tuple[str, ...]

    def path(self, route: str, *, real: bool) -> str:
        """A path of this route: to what is there, or to what is not and looks the same."""
        return re.sub(r"\{(\w+)\}", lambda found: self._one(found[1], real), route)

    def _one(self, name: str, real: bool) -> str:
        assert name in self.ids, f"give an example of {{{name}}}, so that it is walked as the wrong tenant"
        one = self.ids[name]
        return one if real or name in THE_SAME else missing(one)

    def same(self, answer: "Answer", *, real: bool) -> "Answer":
        """Without what was asked for, which an answer may repeat."""
        body = answer.body
        for name, one in self.ids.items():
            if name not in THE_SAME:
                body = body.replace(one if real else missing(one), f"<{name}>")
        return Answer(status=answer.status, headers=answer.headers, body=body)


def missing(one: str) -> str:
    """As long and of the same letters, and nothing's."""
    return one[:-3] + ("999" if one[-3:] != "999" else "888")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """All that a client can tell answers apart by, but how long they take: of that, see :class:`Work`."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


Ask: TypeAlias = Callable[[str, str], Awaitable[Answer]]


class Work:
    """What an answer takes: the statements, in order, and how many sealed values are opened. Time itself tells nothing
    to a test; where the work is the same, time says nothing to anybody else."""

    def __init__(self, web: Web) -> None:
        self._done: list[str] = []
        store = web.store._store  # type: ignore[attr-defined]
        for engine in (store._writer_engine, store._reader_engine):
            event.listen(engine, "before_cursor_execute", self._executed)
        opens = store._sealer.open

        def opened(*given: Any, **more: Any) -> bytes:
            self._done.append("open")
            return bytes(opens(*given, **more))

        store._sealer.open = opened

    def _executed(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        self._done.append(statement)

    def since(self) -> Sequence[str]:
        """What was done since this was asked last."""
        done, self._done[:] = tuple(self._done), []
        return done


async def answer(web: Web, method: str, path: str, **more: Any) -> Answer:
    web.session.cookie_jar.clear()
    async with web.session.request(method, web.url + path, allow_redirects=False, **more) as response:
        body = await response.text()
        kept = tuple(sorted((name, value) for name, value in response.headers.items() if name != "Date"))
        return Answer(status=response.status, headers=kept, body=body)


async def others(desk: Desk) -> There:
    """A child who is missing, whom the police are told of, and a council with people, tokens, a change under way."""
    told, web = desk.told, desk.told.web
    await furnished(web.store, at=START)
    accounts = accounts_over(web.store, web.clock, seed="others")
    invited = await accounts.invited("new@bromley.example", "recipient")
    admin = await accounts.member("jo@bromley.example", "directory_admin", name="Jo Bromley")
    jo = author_of(admin.viewer)
    assert jo is not None
    desks = office(web.store, clock=web.clock, trips=ACK_SECRET)
    proposed = await desks.changing.propose(jo, [front_door(address="new@bromley.example")], confirm=True)
    assert proposed.draft is not None
    one = Contact(id="bromley-1", organisation=BROMLEY, desk="mash", channel="email", address="mash@bromley.example")
    place = Place(mark=bytes(16), place=bytes(16), contacts=(one,))
    row = asked(claimed(to_prove(place, "pv_1", ACK_SECRET, START), place, "", ACK_SECRET, START), None, START)
    token = Token(name="rota", scopes=frozenset({"directory:read"}), sha256=bytes(32), created_at=START,
                  organisation=BROMLEY)  # fmt: skip
    await file_tokens(web.store, [token])
    passkey = Passkey(id="pk_01ARZ3NDEKTSV4RRFFQ69G5FAV", user=admin.viewer.user, organisation=BROMLEY,
                      credential=b"c", public_key=b"k", name="Jo's telephone", sign_count=0, synced=False,
                      backed_up=False, created_at=START)  # fmt: skip
    upload = Upload(id="up_01ARZ3NDEKTSV4RRFFQ69G5FAV", organisation=BROMLEY, by=jo.actor, part=BROMLEY, seen=1,
                    uploaded_at=START)  # fmt: skip
    alarm = told.story.alarm("undeliverable")

    async def work(unit: Any) -> None:
        await unit.assurance.put_places([row])
        await unit.passkeys.put(passkey)
        await unit.drafts.uploads.add(upload, b"{}")
        await unit.add_alarm(alarm, [])

    await web.store.write(work)
    notice, message = told.changes.notices[0], await desk.wrote()
    theirs = resolution(told.story, None)
    await web.store.write(lambda unit: unit.resolving.put(theirs, told.story.child, theirs.steps, ()))
    peer = a_peer(BORDON)
    await web.store.write(lambda unit: unit.peers.put(peer))
    ids = {
        "thread": message.thread, "file": message.files[0].id, "message": message.id, "number": "1",
        "user": invited.user, "session": admin.viewer.session, "passkey": passkey.id, "notice": notice.id,
        "delivery": told.delivery.id, "episode": told.story.episode, "alarm": alarm.id, "change": proposed.draft.id,
        "upload": upload.id, "organisation": BROMLEY, "mark": row.mark.hex(), "token": token.id,
        "table": "contacts", "key": FRONT_DOOR, "deed": "approve", "agreement": await desk.proposed(message),
        "resolution": theirs.id, "hub": peer.hub,
    }  # fmt: skip
    words = (
        "Robin Example", "Jo Bromley", "bromley.example", "e09000006.example", notice.reference, notice.id,
        invited.user, proposed.draft.id, "Jo's telephone", token.id, told.delivery.id, told.story.episode,
        admin.viewer.user, "A note for the night.", message.thread,
    )  # fmt: skip
    return There(ids=ids, words=words)


def routes(web: Web) -> Iterator[tuple[str, str]]:
    """Method and address of all that tells tenants apart."""
    for route in web.app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        if path != "/" and not path.startswith((*BY_LINK, *NO_TENANTS)):
            assert route.method in SAFE, "say how this is asked for"
            yield route.method, path


async def walked(web: Web, there: There, which: Sequence[tuple[str, str]], ask: Ask) -> list[object]:
    """Whatever an answer, or the work that it takes, gives away; or faults."""
    wrong: list[object] = []
    work = Work(web)
    for method, route in which:
        work.since()
        seen = there.same(await ask(method, there.path(route, real=True)), real=True)
        took = work.since()
        assert took, "whoever asks is looked up at least"
        if "{" in route:
            other = there.same(await ask(method, there.path(route, real=False)), real=False)
            takes = work.since()
            if (seen, took) != (other, takes):
                differs = Counter(took) - Counter(takes) + (Counter(takes) - Counter(took))
                wrong.append((method, route, seen.status, other.status, differs))
        if seen.status >= 500 or seen.status == 401 or any(word in seen.body for word in there.words):
            wrong.append((method, route, seen.status, [word for word in there.words if word in seen.body]))
    return wrong


async def test_the_signed_in_of_another_authority_get_what_is_not_there(tmp_path: Path) -> None:
    async with at_the_desk(tmp_path, public_url="http://localhost") as desk:
        web, there = desk.told.web, await others(desk)
        session = await desk.token("directory_admin", "recipient", "auditor", organisation=WRONG)
        browser = Visitor(web=web, cookies={"fingerpost": session})
        csrf = (await browser.get("/users/invite")).hidden["csrf"]
        form = urlencode({"csrf": csrf, **FIELDS}, doseq=True)
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        sent = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}

        async def ask(method: str, path: str) -> Answer:
            return await answer(web, method, path, headers=sent, data=form if method == "POST" else None)

        pages = [one for one in routes(web) if not one[1].startswith("/v1/") and one[1] not in ENDING]
        assert await walked(web, there, pages, ask) == []
        assert len(pages) > 60
        assert (await ask("GET", "/account")).status == 200, "signed in to the end"


async def test_a_token_of_another_authority_gets_what_is_not_there(tmp_path: Path) -> None:
    secret = "fpt_" + "w" * 40
    digest = hashlib.sha256(secret.encode()).digest()
    async with at_the_desk(tmp_path) as desk:
        web, there = desk.told.web, await others(desk)
        every = Token(name="all", scopes=frozenset(SCOPES), created_at=START, organisation=WRONG, sha256=digest,
                      desks=frozenset({EVERY_DESK}))  # fmt: skip
        await file_tokens(web.store, [every])
        sent = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

        async def ask(method: str, path: str) -> Answer:
            return await answer(web, method, path, headers=sent, data=b"{}" if method == "POST" else None)

        addresses = [one for one in routes(web) if one[1].startswith("/v1/")]
        assert await walked(web, there, addresses, ask) == []
        assert len(addresses) > 12


async def test_a_route_without_a_guard_reaches_nothing(tmp_path: Path) -> None:
    """What nobody has said about a request, the store does not guess."""
    async with at_the_desk(tmp_path) as desk:
        web = desk.told.web
        reached: list[object] = []

        async def forgetful(request: Any) -> Any:
            try:
                reached.append(await web.store.read(lambda unit: unit.episode_list()))
            except OutOfScope as refused:
                reached.append(refused)
            return aio.Response()

        await unknown(object(), forgetful)  # type: ignore[arg-type]
        (open_route,) = unguarded([aio.get("/", forgetful)])
        await unknown(object(), open_route.handler)  # type: ignore[arg-type]
        assert isinstance(reached[0], OutOfScope)
        assert len(reached[1]) == 1  # type: ignore[arg-type]


async def test_each_door_gives_its_scope(tmp_path: Path) -> None:
    """What a transaction may touch, by who asked for it: the one before the last of each request, as the first finds
    out who, and the last writes down that somebody looked."""
    secret = "fpt_" + "w" * 40
    async with at_the_desk(tmp_path, public_url="http://localhost") as desk:
        web, scopes = desk.told.web, list[Scope]()
        digest = hashlib.sha256(secret.encode()).digest()
        for whose in (WRONG, None):
            sha256 = digest if whose else hashlib.sha256(b"operator's").digest()
            every = Token(name="all", scopes=frozenset(SCOPES), created_at=START, organisation=whose, sha256=sha256)
            await file_tokens(web.store, [every])
        people = {
            Own(WRONG): await desk.token("directory_admin", organisation=WRONG),
            Own(OPERATOR): await desk.token("directory_admin", organisation=OPERATOR),
            WHOLE: await desk.token("operator", organisation=OPERATOR),
        }
        web.store._check = lambda: scopes.append(present_scope())  # type: ignore[attr-defined]
        for scope, session in people.items():
            await answer(web, "GET", "/users", headers={"Cookie": f"fingerpost={session}"})
            assert scopes[-2:] == [scope, WHOLE]
        for bearer, scope in ((secret, Own(WRONG)), ("operator's", WHOLE)):
            sent = {"Authorization": f"Bearer {bearer}"}
            assert (await answer(web, "GET", "/v1/directory/changes", headers=sent)).status == 200
            assert scopes[-2:] == [scope, WHOLE]
        taken: list[Scope] = []
        accept = web.intake.accept

        async def accepting(*given: Any) -> Any:
            taken.append(present_scope())
            return await accept(*given)

        web.intake.accept = accepting  # type: ignore[method-assign]
        assert (await web.post(raw(reported()))).status == 202
        assert taken == [Speaking(source().id)]
        assert present_scope() == WHOLE, "and nothing of it stays"
