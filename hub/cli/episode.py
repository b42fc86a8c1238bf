"""``fingerpost episode``: who has been told, who does not know yet, and why."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer
from rich.markup import escape

from hub.cli.console import OUT, SettingsFile, fail, note, say
from hub.cli.ledger import with_store
from hub.cli.wording import PURPOSES, came_back, organisation, stamp, state, tried, words
from hub.core.completeness import newer, takes_on
from hub.core.endings import overtaken
from hub.core.outbox import UNTOLD
from hub.core.records import AcknowledgementRecord, AuditLine, EpisodeRecord, NoticeState
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.ports import Store
from hub.service.timeline import Carried, Decided, Seeing, Timeline, Told
from hub.settings import Settings
from hub.web.api.ledger import episode_body, timeline_body

STANDS: Final[dict[NoticeState, str]] = {
    "undeliverable": "cannot be told",
    "unresolved": "nobody is known who takes it on",
    "overdue": "nobody has answered in time",
    "pending": "not told yet",
    "notified": "told; no answer yet",
    "receipted": "received; no answer yet",
    "acknowledged": "accepted",
    "held": "kept back until somebody decides",
    "withheld": "withheld by a recorded decision",
    "superseded": "overtaken",
}
"""In the order of who has to be looked at first."""
ORDER: Final = tuple(STANDS)
NOT_TOLD: Final = {"withhold": "withheld", "hold": "kept back", "suppress": "not told", "gap": "nobody to tell"}


def episode(
    episode: Annotated[str | None, typer.Argument(help="Its id; left out, the newest are listed.")] = None,
    personal: Annotated[
        bool,
        typer.Option(
            "--personal",
            help="Also why in words, and the names of those who answered: personal data, and the audit log says so.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """An episode, one block for each who has to know, those who do not know yet first."""
    if episode is None:
        _list(settings_file=settings_file, as_json=as_json)
        return

    async def work(store: Store, settings: Settings) -> Timeline | None:
        seeing = Seeing(store)
        if not personal:
            return await seeing.timeline(episode)
        now = SystemClock().now()
        line = AuditLine(id=SystemIds().new("au", now), at=now, actor="operator", action="episode.read",
                         episode=episode, subject=episode)  # fmt: skip
        return await seeing.shown(episode, line)

    timeline = with_store(settings_file, work)
    if timeline is None:
        fail(f"There is no episode {episode}: `fingerpost episode` lists the newest.")
    if as_json:
        say(json.dumps(timeline_body(timeline, personal=personal), indent=1, ensure_ascii=False))
        return
    for line in _page(timeline, personal=personal):
        OUT.print(line)


def _list(*, settings_file: SettingsFile, as_json: bool) -> None:
    async def work(store: Store, settings: Settings) -> Sequence[EpisodeRecord]:
        return await Seeing(store).episodes(20)

    found = with_store(settings_file, work)
    if as_json:
        say(json.dumps({"episodes": [episode_body(record) for record in found]}, indent=1))
        return
    for record in found:
        OUT.print(_head(record))
    if not found:
        note("There is no episode.")


def _head(record: EpisodeRecord) -> str:
    marked = "" if record.status == "actual" else f" [bold]{record.status.upper()}[/]"
    since = f", since {stamp(record.since)}" if record.since else ""
    ended = f", ended {stamp(record.ended_at)}" if record.ended_at else ""
    category = record.category or "category not known"
    gone = ", erased" if record.erased else ""
    whose = escape(organisation(record.organisation))
    return f"{record.id}  {category}, {record.state}{since}{ended}{gone}, {whose}{marked}"


def _page(timeline: Timeline, *, personal: bool) -> Iterator[str]:
    yield _head(timeline.episode)
    readers = sorted(_readers(timeline), key=lambda reader: ORDER.index(reader.state) + len(ORDER) * (not reader.open))
    unknowing = sum(reader.open and reader.state in UNTOLD for reader in readers)
    silent = sum(reader.open for reader in readers) - unknowing
    colour = "red" if unknowing else "yellow" if silent else "green"
    yield (
        f"[bold {colour}]{unknowing} of {len(readers)} do not know yet[/]; {silent} are told and have not answered; "
        f"of {len(readers) - unknowing - silent} nothing more is asked."
    )
    for reader in readers:
        yield ""
        yield reader.title
        for decided, told in reader.told:
            yield from _notice(decided, told, personal=personal)
    yield from _not_told(timeline, personal=personal)
    ahead = timeline.ahead_in_clear
    if ahead:
        yield ""
        yield "Ahead:"
    for duty in ahead:
        yield f"    {words(duty.code)}, {words(duty.owner)}: {words(duty.state)}, due {stamp(duty.due_at)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """One desk or person, with all that it was or is to be told."""

    told: tuple[tuple[Decided, Told], ...]
    state: NoticeState
    """Of the notice that says most about whether they know."""
    open: bool
    """Somebody has yet to be told, or to answer."""

    @property
    def title(self) -> str:
        """Who, and how they stand."""
        about = self.told[0][1].notice
        roles = ", ".join(words(role) for role in about.roles)
        instead = f" (in place of {words(about.gap_role)})" if about.gap_role else ""
        who = f"[bold]{escape(roles + instead)}[/] {escape(organisation(about.organisation))}".rstrip()
        if not self.open:
            said = STANDS[self.state].partition(";")[0]
            return (
                f"{who}: [green]{said}[/]" if self.state == "acknowledged" else f"{who}: [dim]{said}; nothing asked[/]"
            )
        return f"{who}: [{'red' if self.state in UNTOLD else 'yellow'}]{STANDS[self.state]}[/]"


def _readers(timeline: Timeline) -> list[_Reader]:
    """The notices of each desk or person together, in the order they were made."""
    found: dict[tuple[object, ...], list[tuple[Decided, Told]]] = {}
    for decided in timeline.decided:
        for told in decided.notices:
            about = told.notice
            key = (about.organisation, about.person, about.gap_role, about.roles)
            found.setdefault(key, []).append((decided, told))
    everything = [told.notice for decided in timeline.decided for told in decided.notices]
    pointless = {notice.id for notice in everything if overtaken(timeline.episode, notice, everything)}
    return [_reader(tuple(together), pointless) for together in found.values()]


def _reader(told: tuple[tuple[Decided, Told], ...], pointless: set[str]) -> _Reader:
    notices = [one.notice for _, one in told]
    accepted = [one for one in notices if one.state == "acknowledged"]
    asked = [
        notice
        for notice in notices
        # Whoever has taken it on is not asked about earlier news again; nobody about what is over.
        if not any(takes_on(one, notice) and not newer(notice, one) for one in accepted)
        and notice.id not in pointless
        and (notice.state in UNTOLD or (notice.state in ("notified", "receipted") and notice.chase_at is not None))
    ]
    state: NoticeState
    if asked:
        state = min((notice.state for notice in asked), key=ORDER.index)
    else:
        state = "acknowledged" if accepted else notices[-1].state
    return _Reader(told=told, state=state, open=bool(asked))


def _notice(decided: Decided, told: Told, *, personal: bool) -> Iterator[str]:
    notice = told.notice
    marked = "" if notice.status == "actual" else f" {notice.status.upper()}"
    look = f", looked at again {stamp(notice.chase_at)}" if notice.chase_at else ""
    urgent = ", urgent" if notice.urgent else ""
    yield (
        f"  {words(notice.kind)}{marked}, {notice.priority}{urgent}, {notice.reference}: "
        f"{words(notice.state)} since {stamp(notice.state_at)}{look}"
    )
    yield f"    [dim]because of {escape(_because(decided, personal=personal))}[/]"
    for carried in told.deliveries:
        yield from _carried(carried)
    if not told.deliveries:
        yield "    [red]no way to tell them[/]"
    for answer in told.answers:
        yield f"    {escape(_answered(answer, personal=personal))}"


def _because(decided: Decided, *, personal: bool) -> str:
    decision = decided.record.decision
    rules = ", ".join(dict.fromkeys(f"{rule.pack} {rule.rule}" for rule in decision.rules)) or "what was told before"
    return f"{rules}: {decision.why}" if personal else rules


def _carried(carried: Carried) -> Iterator[str]:
    delivery = carried.delivery
    to = delivery.contact or "address given by the event"
    yield (
        f"    {delivery.channel}, {delivery.carries}, {PURPOSES[delivery.purpose]}, {escape(to)}: "
        f"{state(delivery.state, delivery.due_at)}  [dim]{delivery.id}[/]"
    )
    for attempt in carried.attempts:
        yield f"      {escape(tried(attempt))}"
    for receipt in carried.receipts:
        yield f"      {escape(came_back(receipt))}"


def _answered(answer: AcknowledgementRecord, *, personal: bool) -> str:
    who = answer.name if personal else "a named person"
    to = f", to {answer.redirected_to}" if personal and answer.redirected_to else ""
    return f"{stamp(answer.at)}  {words(answer.answer)}{to}, says {who}"


def _not_told(timeline: Timeline, *, personal: bool) -> Iterator[str]:
    kept = [decided for decided in timeline.decided if not decided.notices]
    if kept:
        yield ""
        yield "Not told:"
    for decided in kept:
        decision = decided.record.decision
        who = ", ".join(f"{words(one.role)} {organisation(one.organisation)}".strip() for one in decision.recipients)
        outcome = NOT_TOLD.get(decision.outcome, decision.outcome)
        yield escape(
            f"    {who}: {outcome}, {words(decision.kind)}, {stamp(decision.at)}, "
            f"because of {_because(decided, personal=personal)}"
        )
