"""Whom this hub's own packs tell of a case that another hub brought, besides those whom that hub tells. Pure.

Asked are the packs of this hub, with what was told here and nothing else. They tell the desks of organisations that the
other hub has addressed, and no one twice: everybody else hears from the hub that knows the child. What hangs on a fact
that is not known here is not told, and written down. None of a pack's clocks is started.

They are asked a little after a notice, by the clock: what one change means for other desks comes in messages of its
own, in whatever order, and a desk that the other hub tells needs no second notice from here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from hub.core.course import Context, Course, Outcome
from hub.core.endings import ENDINGS
from hub.core.episode import Asked, Episode
from routing.conditions import Condition
from routing.decision import Decision, Kind, Recipient
from routing.needtoknow import changes, news, present
from routing.packs import Pack
from routing.partial import Partial, known_of
from routing.recipients import FAMILY, POLICE, first_kind, in_words, resolve
from routing.standing import Draft, Standing, desk_key

CAUSE: Final = "packs:own"
WAIT: Final = timedelta(minutes=2)
"""Longer than a notice takes whose first try was lost."""
WHOLE: Final[frozenset[Kind]] = frozenset({"missing", "away", "concern", "update", "renotification", "threshold"})
"""Kinds that say all that their reader may see."""
THEIRS: Final = "another hub knows the child, and tells them itself"


def noted(before: Episode, after: Episode, told: tuple[str, ...], organisation: str, now: datetime) -> Asked:
    """What there is to ask after a notice that made ``after`` of ``before``. ``told``: the roles of ``organisation``
    that it told all that they may see."""
    asked = before.memory.asked
    addressed = asked.addressed | {(role, organisation) for role in told}
    changed = changes(present(before.doc), present(after.doc)) if before.memory.told else frozenset()
    at = asked.at
    if after.state != before.state and before.memory.told:
        at = now
    elif at is None and addressed and after.state == "open":
        at = now + WAIT
    return replace(asked, addressed=addressed, news=asked.news | changed, at=at)


def ask(episode: Episode, context: Context) -> Outcome:
    """Ask them. The episode says that it is time."""
    asked = episode.memory.asked
    course = Course(episode, context, CAUSE)
    known = known_of(episode.doc, [role for role, _ in asked.addressed], context.packs, context.areas,
                     ever_missing=episode.ever_missing)  # fmt: skip
    standing = Standing(doc=known.doc, facts=known.facts, packs=known.sure, areas=context.areas)
    if episode.state == "open":
        fresh = [draft for draft in _firsts(episode, context, known) if _mark(draft) not in asked.said]
        fresh += _updates(episode, standing, fresh)
    else:
        fresh = [draft for draft in _ended(episode, standing) if _mark(draft) not in asked.said]
    told = course.tell(fresh, standing)
    course.decisions = told = [_shown(one, present(episode.doc)) for one in told]
    course.enter(told, standing)
    if episode.state != "open":
        course.unregister()
    said = asked.said | {_mark(draft) for draft in fresh if draft.kind != "update"}
    course.remember(asked=replace(asked, said=said, news=frozenset(), at=None))
    return course.outcome()


def _shown(decision: Decision, there: Mapping[str, Any]) -> Decision:
    """What is taken for said so that no place is shown is not said."""
    return replace(decision, fields=tuple(path for path in decision.fields if path in there))


def _mark(draft: Draft) -> str:
    return " ".join((draft.kind, draft.outcome, draft.recipient.role, draft.recipient.organisation or ""))


def _ended(episode: Episode, standing: Standing) -> Iterator[Draft]:
    """Those whom the packs told hear how it ended."""
    kind = ENDINGS.get(episode.state)
    for told in episode.memory.told:
        if kind is None:
            return
        yield Draft(recipient=told.recipient, kind=kind, rules=standing.packs.cite_told(kind),
                    why="everyone told hears the end")  # fmt: skip


def _updates(episode: Episode, standing: Standing, firsts: Sequence[Draft]) -> Iterator[Draft]:
    """To those whom the packs told before, what is news to them."""
    first = {draft.desk for draft in firsts if draft.outcome == "notify"}
    for told in episode.memory.told:
        fresh = news(told.recipient.role, episode.memory.asked.news, standing.doc, standing.doc)
        if fresh and desk_key(told.recipient) not in first:
            yield Draft(recipient=told.recipient, kind="update", rules=standing.packs.cite_told("update"),
                        changed=fresh, why="told before, and something this role may see has changed")  # fmt: skip


def _firsts(episode: Episode, context: Context, known: Partial) -> Iterator[Draft]:
    asked = episode.memory.asked
    ours = {organisation for _, organisation in asked.addressed}
    theirs = {desk_key(Recipient(role=role, organisation=code)) for role, code in asked.addressed}
    for pack, role, condition, rules, sure in _rows(known):
        holds = known.decides(condition) if sure else None
        kind = first_kind(role, known.facts)
        for recipient in resolve(role, known.doc, context.areas, pack) if holds is not False else ():
            draft = Draft(recipient=recipient, kind=kind, rules=pack.cite(rules), outcome="suppress", why=THEIRS)
            if _is_ours(recipient, ours):
                if desk_key(recipient) not in theirs:
                    yield _judged(draft, pack, condition, known, holds=holds)
            elif holds:
                yield replace(draft, recipient=replace(recipient, person=None))


def _is_ours(recipient: Recipient, ours: set[str]) -> bool:
    """Of an organisation that was addressed, or of nobody knows which; circulations, forces and people are not."""
    role, organisation = recipient.role, recipient.organisation
    if recipient.person is not None or role in POLICE | FAMILY or role.startswith("circulation:"):
        return False
    return organisation is None or organisation in ours


def _judged(draft: Draft, pack: Pack, condition: Condition, known: Partial, *, holds: bool | None) -> Draft:
    """What comes of a row that is about a desk of ours."""
    role, category = draft.recipient.role, "missing" if known.facts["missing"] else "away"
    words = f"{pack.name} tells {in_words(role)} of a child who is {category}{condition.given}"
    if not known.placed or draft.recipient.organisation is None:
        return replace(draft, why=f"{words}; whose desk that is cannot be known here")
    if holds is None:
        return replace(draft, why=f"whether {words} cannot be known here")
    for other in known.sure.packs:
        for row in other.suppressions:
            if row.role == role and row.on == category and known.decides(row.unless) is not True:
                return replace(draft, why=f"{other.name} does not tell {in_words(role)}, unless {row.unless.words}")
    return replace(draft, outcome="notify", why=words)


def _rows(known: Partial) -> Iterator[tuple[Pack, str, Condition, tuple[str, ...], bool]]:
    """Whom the packs tell of a child of this category; the last says whether the pack surely applies."""
    for packs, sure in ((known.sure, True), (known.unsure, False)):
        for pack in packs.packs:
            for row in pack.recipients:
                condition = row.missing if known.facts["missing"] else row.away
                if condition is not None:
                    yield pack, row.role, condition, row.rules, sure
