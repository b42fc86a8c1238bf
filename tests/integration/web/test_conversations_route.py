"""/v1/threads: a case system reads and writes for its desks, in the name of whom it names, and for no other."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from hub.core.api_tokens import digest
from tests.kit.accounts import audit
from tests.kit.clock import START
from tests.kit.conversing import JPEG
from tests.kit.desk import Desk, at_the_desk_and_the_council
from tests.kit.failing import ledger
from tests.kit.pickup import BROMLEY, FORCE
from tests.kit.programs import blocks, program
from tests.kit.tokens import Token, file_tokens

BOTH: Final = frozenset({"conversations:read", "conversations:write"})
DOOR: Final = {"organisation": BROMLEY, "desk": "front_door"}
POLICE: Final = {"organisation": FORCE, "desk": "missing_persons_unit"}
QUESTION: Final[Mapping[str, Any]] = {
    "id": "force-1", "author": "Jo Worker", "purpose": "question", "whereabouts": False,
    "text": "Was she at school today?", "to": [DOOR],
}  # fmt: skip
REPLY: Final[Mapping[str, Any]] = {
    **QUESTION, "id": "bromley-1", "author": "Kit Door", "purpose": "information", "text": "No, she was not.",
    "to": [], "shown": [POLICE],
}  # fmt: skip
TOKENS: Final = tuple(
    Token(name=name, scopes=scopes, sha256=digest(name), created_at=START, organisation=of, desks=frozenset(desks))
    for name, of, desks, scopes in (
        ("force", FORCE, ["missing_persons_unit"], BOTH),
        ("door", BROMLEY, ["*"], BOTH),
        ("reader", BROMLEY, ["front_door"], frozenset({"conversations:read"})),
        ("nurse", BROMLEY, ["emergency_duty_team"], BOTH),
        ("operators", None, ["*"], BOTH),
    )
)


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Systems:
    """The case systems of a force and a council, by the names of their tokens."""

    desk: Desk

    @property
    def of(self) -> str:
        return f"/v1/episodes/{self.desk.told.story.episode}"

    async def get(self, who: str, path: str) -> Said:
        return await self._ask("GET", who, path)

    async def post(self, who: str, path: str, body: Mapping[str, Any]) -> Said:
        return await self._ask("POST", who, path, data=json.dumps(body))

    async def opened(self, **changes: Any) -> str:
        """The address of a conversation that the force opens."""
        said = await self.post("force", f"{self.of}/threads", {**QUESTION, **changes})
        assert said.status == 201, said.body
        return said.headers["Location"]

    async def _ask(self, method: str, who: str, path: str, **more: Any) -> Said:
        web = self.desk.told.web
        sent = {"Authorization": f"Bearer {who}", "Content-Type": "application/json"}
        async with web.session.request(method, web.url + path, headers=sent, **more) as response:
            raw = await response.read()
            body = json.loads(raw) if "json" in response.content_type else raw
            return Said(status=response.status, body=body, headers=dict(response.headers))


@pytest.fixture
async def systems(tmp_path: Path) -> AsyncIterator[Systems]:
    async with at_the_desk_and_the_council(tmp_path) as desk:
        await file_tokens(desk.told.web.store, TOKENS)
        yield Systems(desk)


async def test_a_question_is_asked_read_and_answered(systems: Systems, tmp_path: Path) -> None:
    who = await systems.get("force", f"{systems.of}/readers")
    assert (who.status, who.body["author"], who.body["offered"]) == (200, POLICE, [DOOR])
    picture = base64.b64encode(JPEG).decode()
    thread = await systems.opened(pictures=[picture])
    (listed,) = (await systems.get("door", f"{systems.of}/threads")).body["threads"]
    assert listed == (await systems.get("reader", thread)).body
    assert (listed["count"], listed["messages"], listed["parties"]) == (1, f"{thread}/messages", [POLICE, DOOR])
    assert "school" not in str(listed)
    page = (await systems.get("door", listed["messages"])).body
    (message,) = page["messages"]
    assert page["after"] is None
    assert (message["author"], message["text"], message["mine"], message["via"]) == (
        "Jo Worker", QUESTION["text"], False, "api",
    )  # fmt: skip
    assert {one["state"] for one in message["readers"]} == {None}, "how far it has come is its author's to know"
    seen = await systems.get("door", message["pictures"][0]["url"])
    assert (seen.body, seen.headers["Content-Type"]) == (JPEG, "image/jpeg")
    sent = await systems.post("door", f"{thread}/messages", REPLY)
    assert sent.status == 201 and sent.body["thread"] == message["thread"]
    whole = (await systems.get("force", f"{thread}/messages")).body["messages"]
    assert [(one["author"], one["mine"]) for one in whole] == [("Jo Worker", True), ("Kit Door", False)]
    assert [one["state"] for one in whole[0]["readers"] if one["organisation"] == BROMLEY] == ["acknowledged"]
    rows = ledger(tmp_path)
    assert [line[1:2] for line in audit(tmp_path)].count(("message.read",)) == 3
    lines = [str(line) for line in rows["audit"] if "message.sent" in line]
    assert len(lines) == 2 and f"token:{FORCE}/force" in lines[0] and f"token:{BROMLEY}/door" in lines[1]
    assert "Kit Door" not in str(lines)


async def test_programs_are_told_that_it_is_an_exercise(systems: Systems) -> None:
    thread = await systems.opened()

    async def told() -> set[str]:
        (listed,) = (await systems.get("door", f"{systems.of}/threads")).body["threads"]
        found = listed, (await systems.get("door", thread)).body, (await systems.get("door", f"{thread}/messages")).body
        return {one["status"] for one in found}

    assert await told() == {"actual"}
    await systems.desk.only_rehearsed()
    assert await told() == {"exercise"}


async def test_sent_again_it_is_the_same_and_changed_it_is_refused(systems: Systems) -> None:
    thread = await systems.opened()
    again = await systems.post("force", f"{systems.of}/threads", QUESTION)
    assert again.status == 200 and f"/v1/threads/{again.body['thread']}" == thread
    for change in ({"text": "Another"}, {"author": "Sam Other"}):
        other = await systems.post("force", f"{systems.of}/threads", {**QUESTION, **change})
        assert other.status == 409 and "under this id already" in other.body["detail"]
    assert (await systems.get("force", thread)).body["count"] == 1


async def test_a_reply_that_is_sent_again_answers_nothing_that_was_written_since(systems: Systems) -> None:
    thread = await systems.opened()
    assert (await systems.post("door", f"{thread}/messages", REPLY)).status == 201
    more = {**REPLY, "id": "force-2", "author": "Jo Worker", "text": "Is she at her aunt's?", "shown": [DOOR]}
    assert (await systems.post("force", f"{thread}/messages", more)).status == 201
    assert (await systems.post("door", f"{thread}/messages", REPLY)).status == 200
    *_, last = (await systems.get("force", f"{thread}/messages")).body["messages"]
    assert [one["state"] for one in last["readers"]] == [None, "pending"], "nobody at the door has read it"


async def test_a_program_writes_to_the_authority_that_sent_a_case_and_sees_what_came_of_it(systems: Systems) -> None:
    sender = {"organisation": await systems.desk.came_from_another_hub(), "desk": "front_door"}
    who = (await systems.get("force", f"{systems.of}/readers")).body
    assert (who["sent_by"], who["offered"]) == (sender, [sender, DOOR])
    assert (await systems.get("door", f"{systems.of}/readers")).body["sent_by"] is None, "it has not told them"
    both = await systems.post("force", f"{systems.of}/threads", {**QUESTION, "to": [sender, DOOR]})
    assert both.status == 422 and "has not told all whom you chose" in str(both.body["problems"])
    thread = await systems.opened(to=[sender])
    (message,) = (await systems.get("force", f"{thread}/messages")).body["messages"]
    assert message["carried"] == "waiting"
    store = systems.desk.told.web.store
    await store.write(lambda unit: unit.peers.settle_post(message["id"], "refused"))
    (message,) = (await systems.get("force", f"{thread}/messages")).body["messages"]
    assert message["carried"] == "refused"
    assert (await systems.get("force", f"{thread}/readers")).body["readers"] == [sender]
    asked = await systems.post("force", f"{systems.of}/agreements", {**PROPOSAL, "to": [sender]})
    assert asked.status == 422, "it can be asked of nobody there"


async def test_pages_follow_each_other(systems: Systems) -> None:
    thread = await systems.opened()
    sent = [await systems.post("door", f"{thread}/messages", {**REPLY, "id": f"b-{one}"}) for one in range(3)]
    first = (await systems.get("force", f"{thread}/messages?limit=3")).body
    assert len(first["messages"]) == 3 and first["after"] == sent[1].body["id"]
    rest = (await systems.get("force", f"{thread}/messages?limit=3&after={first['after']}")).body
    assert ([one["id"] for one in rest["messages"]], rest["after"]) == ([sent[2].body["id"]], None)
    assert (await systems.get("force", f"{thread}/messages?after=ms_none")).status == 404
    assert (await systems.get("force", f"{thread}/messages?limit=0")).status == 400


WRONG: Final[tuple[tuple[Mapping[str, Any], int, str], ...]] = (
    ({"whereabouts": None}, 400, "whereabouts"),
    ({"whereabouts": "no"}, 400, "whereabouts"),
    ({"author": " \u200b"}, 422, "author"),
    ({"pictures": ["a picture"]}, 400, "pictures.0"),
    ({"extra": 1}, 400, "extra"),
    ({"text": " "}, 422, "text"),
    ({"purpose": "agreement"}, 422, "purpose"),
    ({"pictures": [base64.b64encode(b"%PDF-1.7").decode()]}, 422, "pictures"),
    ({"to": []}, 422, "to"),
    ({"to": [{"organisation": "E08000035", "desk": "front_door"}]}, 422, "to"),
)


async def test_what_is_wrong_is_named_by_its_path(systems: Systems) -> None:
    for change, status, path in WRONG:
        said = await systems.post("force", f"{systems.of}/threads", {**QUESTION, **change})
        assert (said.status, [one["path"] for one in said.body["problems"]]) == (status, [path]), change
        assert said.headers["Content-Type"].startswith("application/problem+json")
    assert (await systems.get("force", f"{systems.of}/threads")).body == {"threads": []}


async def test_who_has_joined_since_is_shown_first(systems: Systems) -> None:
    thread = await systems.opened()
    early = await systems.post("door", f"{thread}/messages", {**REPLY, "shown": []})
    assert early.status == 409 and [one["path"] for one in early.body["problems"]] == ["shown"]
    assert (await systems.get("door", f"{thread}/readers")).body["readers"] == [POLICE]


async def test_nobody_else_finds_anything(systems: Systems) -> None:
    thread = await systems.opened()
    paths = (f"{systems.of}/threads", f"{systems.of}/readers", thread, f"{thread}/readers", f"{thread}/messages",
             f"{thread}/messages/ms_none/pictures/1")  # fmt: skip
    for path in paths:
        assert (await systems.get("nurse", path)).status == 404, path
        assert (await systems.get("operators", path)).status == 403, path
    assert (await systems.post("nurse", f"{thread}/messages", REPLY)).status == 404
    assert (await systems.post("nurse", f"{systems.of}/threads", QUESTION)).status == 404
    assert (await systems.post("reader", f"{thread}/messages", REPLY)).status == 403
    assert (await systems.post("operators", f"{thread}/messages", REPLY)).status == 403


async def test_the_program_of_the_page_asks_reads_and_answers(systems: Systems, tmp_path: Path) -> None:
    """docs/messages-api.md, in Python."""
    (code, use) = blocks("messages-api.md", "python")
    force, door = (program(code, tmp_path, name) for name in ("force_messages", "door_messages"))
    for module, token in ((force, "force"), (door, "door")):
        module.HUB, module.TOKEN = systems.desk.told.web.url, token
    episode = systems.desk.told.story.episode

    def asked() -> list[str]:
        """What the page's own example prints, with the council asked by the force instead of the other way round."""
        said: list[str] = []
        lines = use.replace("import messages\n", "").replace("missing_persons_unit", "front_door")
        exec(lines, {"messages": force, "EPISODE": episode, "print": lambda *words: said.append(str(words))})
        return said

    def answered() -> dict[str, Any]:
        (thread,) = door.threads(episode)
        (first,) = door.messages(thread["id"])
        shown = door.readers(thread=thread["id"])["readers"]
        done: dict[str, Any] = door.replied(
            thread["id"], id="b-1", author="Kit Door", whereabouts=False, text="We do.", shown=shown, pictures=[JPEG]
        )
        assert door.picture(done["pictures"][0]) == JPEG
        with pytest.raises(door.Refused, match="409: Something else") as refused:
            door.replied(thread["id"], id="b-1", author="Kit Door", whereabouts=True, text="We do.", shown=shown)
        assert refused.value.status == 409 and first["text"] == "Who does the return interview?"
        return done

    (said,) = await asyncio.to_thread(asked)
    assert "('missing_persons_unit', None), ('front_door', 'pending')" in said
    reply = await asyncio.to_thread(answered)
    found = await asyncio.to_thread(force.messages, reply["thread"])
    assert [one["text"] for one in found] == ["Who does the return interview?", "We do."]
    assert [one["state"] for one in found[0]["readers"]] == [None, "acknowledged"]


PROPOSAL: Final[Mapping[str, Any]] = {
    "id": "force-p1", "author": "Jo Worker", "kind": "return_interview", "to": [DOOR], "shown": [],
    "terms": {"does_it": DOOR, "deadline": "2026-03-02T09:00:00Z"}, "text": "Yours is nearer.", "whereabouts": False,
}  # fmt: skip
ANSWER: Final[Mapping[str, Any]] = {"id": "b-a1", "author": "Kit Door", "move": "accept", "shown": [POLICE]}


async def test_a_proposal_is_made_and_accepted(systems: Systems) -> None:
    of = f"{systems.of}/agreements"
    made = await systems.post("force", of, PROPOSAL)
    assert made.status == 201, made.body
    assert (made.body["state"], made.body["waits_for"]) == ("open", [DOOR])
    assert (await systems.post("force", of, PROPOSAL)).status == 200
    assert (await systems.post("force", of, {**PROPOSAL, "author": "Sam Other"})).status == 409
    (seen,) = (await systems.get("reader", of)).body["agreements"]
    assert (seen["id"], seen["moves"]) == (made.body["id"], ["accept", "decline", "counter"])
    answers = f"/v1/agreements/{seen['id']}/answers"
    unasked = await systems.post("force", answers, {**ANSWER, "shown": [DOOR]})
    assert (unasked.status, unasked.body["reason"]) == (409, "not_asked")
    assert (await systems.post("nurse", answers, ANSWER)).status == 404
    assert (await systems.get("nurse", of)).status == 404
    assert (await systems.post("reader", answers, ANSWER)).status == 403
    done = await systems.post("door", answers, ANSWER)
    assert (done.status, done.body["state"], done.body["answers"][0]["said"]) == (201, "accepted", "accepted")
    again = await systems.post("door", answers, ANSWER)
    assert (again.status, again.body["answers"]) == (200, done.body["answers"])
    late = await systems.post("door", answers, {**ANSWER, "id": "b-a2", "move": "decline"})
    assert (late.status, late.body["reason"]) == (409, "over")
    written = (await systems.get("force", seen["messages"])).body["messages"]
    assert [one["purpose"] for one in written] == ["agreement", "agreement"]
    assert [one["state"] for one in written[0]["readers"]] == [None, "acknowledged"], "whoever answers has read it"


async def test_what_is_wrong_with_a_proposal_is_named_by_its_path(systems: Systems) -> None:
    terms = PROPOSAL["terms"]
    for change, status, path in (
        ({"terms": {**terms, "deadline": "2026-03-02"}}, 400, "terms.deadline"),
        ({"terms": {**terms, "deadline": "2026-01-02T09:00:00Z"}}, 422, "terms.deadline"),
        ({"terms": {**terms, "does_it": {"organisation": "E08000035", "desk": "mash"}}}, 422, "terms.does_it"),
        ({"kind": "supper"}, 422, "kind"),
        ({"whereabouts": None}, 422, "whereabouts"),
        ({"to": []}, 422, "to"),
    ):
        said = await systems.post("force", f"{systems.of}/agreements", {**PROPOSAL, **change})
        assert (said.status, [one["path"] for one in said.body["problems"]]) == (status, [path]), said.body


HOLD: Final[Mapping[str, Any]] = {
    "id": "force-h1", "author": "Jo Worker", "kind": "no_enquiries", "reason": "A search warrant.",
    "review_at": "2026-03-04T09:00:00Z",
}  # fmt: skip
LIFT: Final[Mapping[str, Any]] = {"id": "force-h2", "author": "Jo Worker", "kind": "no_enquiries"}


async def test_a_force_sets_a_hold_which_all_see_without_why_and_lifts_it(systems: Systems) -> None:
    of = f"{systems.of}/holds"
    for who, status in (("door", 404), ("nurse", 404), ("reader", 403), ("operators", 403)):
        assert (await systems.post(who, of, HOLD)).status == status, "only the police do that"
    for change, path in (({"kind": "no_supper"}, "kind"), ({"review_at": "2026-02-01T00:00:00Z"}, "review_at")):
        said = await systems.post("force", of, {**HOLD, **change})
        assert (said.status, [one["path"] for one in said.body["problems"]]) == (422, [path])
    done = await systems.post("force", of, HOLD)
    assert (done.status, done.body["deed"], done.body["told"]) == (201, "set", 1), done.body
    assert (await systems.post("force", of, HOLD)).status == 200
    assert (await systems.post("force", of, {**HOLD, "author": "Sam Other"})).status == 409
    seen, own = (await systems.get("door", of)).body, (await systems.get("force", of)).body
    assert ([one["kind"] for one in seen["holds"]], seen["own"]) == (["no_enquiries"], None)
    assert "warrant" not in str(seen) and own["own"]["acts"][0]["reason"] == "A search warrant."
    assert (await systems.get("nurse", of)).status == 404
    assert (await systems.post("door", f"{of}/lift", LIFT)).status == 404
    assert (await systems.post("force", f"{of}/lift", LIFT)).status == 201
    assert (await systems.post("force", f"{of}/lift", LIFT)).status == 200
    again = await systems.post("force", f"{of}/lift", {**LIFT, "id": "force-h3"})
    assert (again.status, [one["path"] for one in again.body["problems"]]) == (422, ["kind"])
    assert (await systems.get("door", of)).body["holds"] == []
    (thread,) = (await systems.get("door", f"{systems.of}/threads")).body["threads"]
    assert thread["newest"]["purpose"] == "police_hold"
