"""The directory over the API: export, import, single entries, and what became of a change.

A token is bound to its organisation's entries, or is the operator's. It is no person: what takes two waits for a second
one who signs in, whoever else has a token.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, get_args

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from contacts.changes import Change, EntryKey, Put, Remove, Table
from contacts.model import Bundle
from contacts.scope import part_of
from contacts.tables import dumps, load
from hub.core.answers import refused
from hub.core.api_tokens import Token
from hub.core.drafts import Author, Listing, Refusal, State
from hub.core.events import Problem
from hub.service.directory.changing import Changing
from hub.service.directory.outcome import Outcome
from hub.service.directory.versions import DirectoryUnreadable
from hub.service.ports import Clock
from hub.web.api.asked import Instant, valid
from hub.web.api.directory_bodies import about_body, draft_body, outcome_body
from hub.web.api.episodes import TOKEN
from hub.web.bodies import Bodies, Refused
from hub.web.problems import json_response, problem

LONGEST_IMPORT: Final = 16 * 1024 * 1024
"""Bytes: a country's directory is two megabytes of JSON, and as much again in certificates."""
LONGEST_CHANGES: Final = 1024 * 1024
MOST_CHANGES: Final = 500
VERSION: Final = "Fingerpost-Directory-Version"
"""The header of an export that ``seen`` repeats when the same entries come back changed."""
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_.*-]{1,80}$")]
_REFUSED: Final[Mapping[Refusal, tuple[int, str]]] = {
    "unknown": (404, "No change has this id."),
    "settled": (409, "It is decided already."),
    "own": (403, "Whoever proposed a change does not decide about it."),
    "unnamed": (403, "Only a person by name does that."),
    "not_asked": (403, "Only whoever proposed a change takes it back."),
}
_TITLES: Final = {409: "The directory has changed since", 422: "The directory was not changed"}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DirectoryQuestion(_Asked):
    """The query of an export."""

    organisation: Code | None = Field(None, description="Of this organisation alone; a bound token's is always that.")
    at: Instant | None = Field(None, description="As it stood at this instant: the entries in force then.")


class DirectoryOrder(_Asked):
    """The query of an import or a change."""

    dry_run: bool = Field(False, description="Answer with what it would come to, and change nothing.")
    seen: int | None = Field(None, ge=0, description=f"The {VERSION} that it was made on: what changed since is told.")
    organisation: Code | None = Field(None, description="An import is the directory of this organisation alone.")


class ChangesQuestion(_Asked):
    """The query of a list of changes."""

    state: State | None = Field(None, description="Left out: all.")
    before: Code | None = Field(None, description="Older than this change.")
    limit: int = Field(100, ge=1, le=500)


_PAIRS: Final[Mapping[Table, Literal[2]]] = {"desks": 2, "certificates": 2}
"""How many columns a key has, where it is not one."""


def _one_of_two(schema: dict[str, Any]) -> None:
    """Either is there, and a key is whole: what a list of properties cannot say."""
    nothing, pairs = {"type": "null"}, list(_PAIRS)
    schema["anyOf"] = [
        {"required": ["put"], "properties": {"put": {"type": "object"}, "remove": nothing}},
        *(
            {
                "required": ["remove"],
                "properties": {
                    "put": nothing,
                    "remove": {"type": "array", "minItems": count, "maxItems": count},
                    "table": {"enum": tables},
                },
            }
            for count, tables in ((2, pairs), (1, [one for one in get_args(Table) if one not in pairs]))
        ),
    ]


class EntryChange(_Asked):
    """One entry to put (added, or in the place of the one with its key) or to remove: one of the two."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_one_of_two)

    table: Table
    put: dict[str, Any] | None = Field(None, description="The columns, as in an export.")
    remove: list[str] | None = Field(
        None,
        description="Its key: [code], [organisation, function], [id], [name] or [address, fingerprint].",
        min_length=1,
        max_length=2,
    )


class DirectoryChanges(_Asked):
    """Entries to change, all or none."""

    changes: list[EntryChange] = Field(min_length=1, max_length=MOST_CHANGES)


class DirectoryApi:
    """/v1/directory and /v1/directory/changes."""

    def __init__(self, changing: Changing, bodies: Bodies, clock: Clock) -> None:
        self._changing = changing
        self._bodies = bodies
        self._clock = clock

    async def export(self, request: web.Request) -> web.Response:
        """The canonical JSON, which imports back byte for byte; the token's part of it, or all."""
        asked = valid(DirectoryQuestion, dict(request.query))
        if isinstance(asked, web.Response):
            return asked
        by = author(request[TOKEN])
        organisation = by.organisation or asked.organisation
        try:
            if asked.at is None:
                version, bundle = await self._changing.versions.present()
            else:
                found = await self._changing.versions.at(asked.at, by)
                version, bundle = (found.version.number if found.version else 0), found.entries
        except DirectoryUnreadable as unreadable:
            return _unreadable(unreadable)
        part = bundle if organisation is None else part_of(bundle, organisation)
        body = await asyncio.to_thread(dumps, part)
        return web.Response(body=body, content_type="application/json", headers={VERSION: str(version)})

    async def replace(self, request: web.Request) -> web.Response:
        """Import: JSON, or a zip archive of the CSV tables, in the place of the token's part, or of all."""
        order = valid(DirectoryOrder, dict(request.query))
        if isinstance(order, web.Response):
            return order
        try:
            raw = await self._bodies.read(request, LONGEST_IMPORT)
        except Refused as refusal:
            return refusal.response
        loaded = await asyncio.to_thread(load, raw, self._changing.areas, self._clock.now())
        if loaded.bundle is None:
            return _problem(422, "Nothing was changed. Correct what is listed.", Outcome(
                result="refused", problems=loaded.problems))  # fmt: skip
        warnings = tuple(Problem(path=one.path, message=one.message) for one in loaded.warnings)
        return await self._propose(request, loaded.bundle, order, warnings)

    async def change(self, request: web.Request) -> web.Response:
        """Put or remove single entries."""
        order = valid(DirectoryOrder, dict(request.query))
        if isinstance(order, web.Response):
            return order
        try:
            raw = await self._bodies.read(request, LONGEST_CHANGES)
        except Refused as refusal:
            return refusal.response
        given = valid(DirectoryChanges, raw)
        if isinstance(given, web.Response):
            return given
        changes: list[Change] = []
        for number, one in enumerate(given.changes):
            change = _change(one)
            if change is None:
                return problem(400, f"changes.{number} has either `put` or `remove`, and for `remove` a whole key.")
            changes.append(change)
        return await self._propose(request, changes, order, ())

    async def listed(self, request: web.Request) -> web.Response:
        """Changes that concern the token's organisation, newest first."""
        asked = valid(ChangesQuestion, dict(request.query))
        if isinstance(asked, web.Response):
            return asked
        listing = Listing(state=asked.state, before=asked.before, limit=asked.limit)
        found = await self._changing.versions.listed(listing, author(request[TOKEN]))
        return json_response({"changes": [draft_body(one) for one in found]})

    async def one(self, request: web.Request) -> web.Response:
        """One change, as far as it concerns the token's organisation."""
        found = await self._changing.versions.change(request.match_info["change"], author(request[TOKEN]))
        return problem(404, "No change has this id.") if found is None else json_response(about_body(found))

    async def withdraw(self, request: web.Request) -> web.Response:
        """Take back what this token proposed."""
        return _answer(await self._changing.withdraw(author(request[TOKEN]), request.match_info["change"]))

    async def _propose(
        self,
        request: web.Request,
        asked: Sequence[Change] | Bundle,
        order: DirectoryOrder,
        warnings: tuple[Problem, ...],
    ) -> web.Response:
        try:
            outcome = await self._changing.propose(
                author(request[TOKEN]), asked, seen=order.seen, part=order.organisation, confirm=not order.dry_run
            )
        except DirectoryUnreadable as unreadable:
            return _unreadable(unreadable)
        return _answer(outcome, warnings)


def author(token: Token) -> Author:
    """Who proposes by a token: nobody who could agree."""
    return Author(actor=f"token:{token.label}", name=token.name, organisation=token.organisation, person=token.person)


def _change(one: EntryChange) -> Change | None:
    if (one.put is None) is (one.remove is None):
        return None
    if one.put is not None:
        return Put(table=one.table, cells=one.put)
    key: EntryKey = tuple(one.remove or ())
    return Remove(table=one.table, key=key) if len(key) == _PAIRS.get(one.table, 1) else None


def _answer(outcome: Outcome, warnings: tuple[Problem, ...] = ()) -> web.Response:
    if outcome.refusal is not None:
        status, detail = _REFUSED[outcome.refusal]
        return problem(status, detail)
    if outcome.conflicts:
        return _problem(
            409, "Somebody else has changed these entries since. Look at them, and propose it anew.", outcome
        )
    if outcome.result == "refused":
        return _problem(422, "Nothing was changed. Correct what is listed.", outcome)
    body = outcome_body(outcome)
    body["warnings"] += [{"path": one.path, "message": one.message} for one in warnings]
    return json_response(body, status=202 if outcome.result == "waiting" else 200)


def _problem(status: int, detail: str, outcome: Outcome) -> web.Response:
    problems = [Problem(path=one.path, message=one.message) for one in outcome.problems]
    problems += [
        Problem(path=one.difference.path, message="has been changed since, or is there no more")
        for one in outcome.conflicts
    ]
    body = {**refused(status, detail, problems=problems).body, "title": _TITLES[status]}
    return json_response(body, status=status)


def _unreadable(error: DirectoryUnreadable) -> web.Response:
    return problem(503, f"{str(error).capitalize()}. The operator does that.")
