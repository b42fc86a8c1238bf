"""``fingerpost outbox``: what is on its way, what is stuck, putting it back, calling it off."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import typer
from rich.markup import escape

from contacts.areas import load_areas
from hub.app.own_packs import packs_of
from hub.cli.console import FAILED, OUT, USAGE, SettingsFile, fail, note, say
from hub.cli.ledger import with_store
from hub.cli.wording import PURPOSES, came_back, organisation, stamp, state, tried, words
from hub.core.outbox import Next, Refusal
from hub.core.records import DeliveryState, Outgoing, Sought
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.keeping import Keeping
from hub.service.outbox import MOST, WHYS, Deed, Done, Outbox, Why
from hub.service.outbox_judging import Judged
from hub.service.ports import Store
from hub.settings import Settings
from hub.web.api.ledger import done_body, inspected_body, page_body
from hub.web.pages.wall_words import CAUTIONS, REFUSED

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True, help="Deliveries: list, show, put back what failed (redrive), call off (cancel)."
)

ALREADY: Final[dict[Deed, Refusal]] = {"redrive": "due", "cancel": "cancelled"}
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

State = Annotated[
    Literal["due", "leased", "sent", "failed", "cancelled", "late", "stuck"] | None,
    typer.Option(help="Of the delivery; `late` and `stuck` are what needs a look. Default: all not settled."),
]
Channel = Annotated[str | None, typer.Option(help="email, sms or push.")]
Organisation = Annotated[str | None, typer.Option(help="Whose desk it is for (its code).")]
Reason = Annotated[str | None, typer.Option(help="Of the newest try, for example connection_failed.")]
OlderThan = Annotated[str | None, typer.Option(help="Made longer ago than this: 90s, 30m, 2h, 1d.")]
Deliveries = Annotated[list[str] | None, typer.Argument(metavar="[DELIVERY]...", help="These only.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without this, say what would be done.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command(name="list")
def list_(
    state: State = None,
    channel: Channel = None,
    organisation: Organisation = None,
    reason: Reason = None,
    older_than: OlderThan = None,
    after: Annotated[str | None, typer.Option(help="Go on behind this delivery.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many.")] = 100,
    as_json: Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Deliveries, the oldest first, and how many are not settled."""
    sought = _sought(state, channel, organisation, reason, older_than)
    page = _with(settings_file, lambda outbox: outbox.page(sought, after=after, limit=limit))
    if as_json:
        say(json.dumps(page_body(page), indent=1, ensure_ascii=False))
        return
    for one in page.found:
        OUT.print(_lines(one))
    say(", ".join(f"{name} {number}" for name, number in page.counts.items()))
    if page.after is not None:
        note(f"There are more: --after {page.after}")


@app.command()
def show(
    delivery: Annotated[str, typer.Argument(help="Its id.")], as_json: Json = False, settings_file: SettingsFile = None
) -> None:
    """One delivery: its tries, what came back, what happens next, what can be done."""
    found = _with(settings_file, lambda outbox: outbox.one(delivery))
    if found is None:
        fail(f"There is no delivery {delivery}: see `fingerpost outbox list`.")
    if as_json:
        say(json.dumps(inspected_body(found), indent=1, ensure_ascii=False))
        return
    OUT.print(_lines(found.outgoing))
    for attempt in found.attempts:
        say(f"    {tried(attempt)}")
    for receipt in found.receipts:
        say(f"    {came_back(receipt)}")
    say(f"next: {_next(found.next)}")
    say(f"redrive: {_possible(found.not_redriven)}")
    for caution in found.cautions:
        note(f"    mind: {CAUTIONS[caution]}")
    say(f"cancel: {_possible(found.not_cancelled)}")


@app.command()
def redrive(
    deliveries: Deliveries = None,
    state: State = None,
    channel: Channel = None,
    organisation: Organisation = None,
    reason: Reason = None,
    older_than: OlderThan = None,
    why: Annotated[str | None, typer.Option(help=f"With --yes: {', '.join(WHYS['redrive'])}.")] = None,
    yes: Yes = False,
    as_json: Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Put failed deliveries back: due at once, with all their tries before them. Says first what would be sent."""
    sought = _sought(state, channel, organisation, reason, older_than, deliveries)
    _order("redrive", sought, why, yes, as_json, settings_file)


@app.command()
def cancel(
    deliveries: Deliveries = None,
    state: State = None,
    channel: Channel = None,
    organisation: Organisation = None,
    reason: Reason = None,
    older_than: OlderThan = None,
    why: Annotated[str | None, typer.Option(help=f"With --yes: {', '.join(WHYS['cancel'])}.")] = None,
    yes: Yes = False,
    as_json: Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Call off deliveries that are due or have failed: the way, not the notice. Where no other way is left, an alarm is
    raised and the next step taken."""
    sought = _sought(state, channel, organisation, reason, older_than, deliveries)
    _order("cancel", sought, why, yes, as_json, settings_file)


def _order(deed: Deed, sought: Sought, why: str | None, yes: bool, as_json: bool, file: Path | None) -> None:
    code: Why | None = next((known for known in WHYS[deed] if known == why), None)
    if (yes or why is not None) and code is None:
        fail(f"Say --why, as one of {', '.join(WHYS[deed])}: the audit log keeps it.", USAGE)
    if sought == Sought():
        fail("Name the deliveries, or narrow down which: --state, --channel, --organisation, --reason, --older-than.",
             USAGE)  # fmt: skip

    async def act(outbox: Outbox) -> Done:
        ordered = outbox.redrive if deed == "redrive" else outbox.cancel
        return await ordered(sought, actor="operator", why=code, confirm=yes)

    done = _with(file, act)
    if as_json:
        say(json.dumps(done_body(done), indent=1, ensure_ascii=False))
    else:
        _say_done(deed, done)
    willing = sum(one.refused is None for one in done.judged)
    if yes and not willing and any(one.refused != ALREADY[deed] for one in done.judged):
        raise typer.Exit(FAILED)


def _say_done(deed: Deed, done: Done) -> None:
    for one in done.judged:
        OUT.print(_judged(one))
    willing = sum(one.refused is None for one in done.judged)
    past = {"redrive": "put back", "cancel": "cancelled"}[deed]
    say(f"{willing} {'' if done.confirmed else 'would be '}{past}, {len(done.judged) - willing} left as they are.")
    if not done.confirmed:
        note("Nothing has been done: --why REASON --yes does it.")
    if done.more:
        note(f"There are more than {MOST}: run it again.")


def _judged(one: Judged) -> str:
    lines = [f"{one.delivery}" if one.outgoing is None else _lines(one.outgoing)]
    if one.refused is not None:
        lines.append(f"    [yellow]left as it is: {REFUSED[one.refused]}[/]")
    lines += [f"    [yellow]mind: {CAUTIONS[caution]}[/]" for caution in one.cautions]
    if one.last_way:
        lines.append("    [red]no other way carries this notice: alarm, and the next step[/]")
    return "\n".join(lines)


def _with(file: Path | None, ask: Callable[[Outbox], Awaitable[T]]) -> T:
    async def work(store: Store, settings: Settings) -> T:
        # A running hub looks by itself within its `delivery_poll`.
        late = timedelta(seconds=settings.overdue_after)
        keep = Keeping(packs=packs_of(settings), areas=load_areas())
        outbox = Outbox(store=store, clock=SystemClock(), ids=SystemIds(), late=late, keep=keep, nudge=lambda: None)
        return await ask(outbox)

    return with_store(file, work)


def _sought(
    state: DeliveryState | Literal["late", "stuck"] | None,
    channel: str | None,
    organisation: str | None,
    reason: str | None,
    older_than: str | None,
    deliveries: Sequence[str] | None = None,
) -> Sought:
    before = None
    if older_than is not None:
        given = re.fullmatch(r"([0-9]{1,5})([smhd])", older_than)
        if given is None:
            fail("--older-than is a number with its unit: 90s, 30m, 2h, 1d.", USAGE)
        before = SystemClock().now() - timedelta(seconds=int(given[1]) * _UNITS[given[2]])
    return Sought(state=state, channel=channel, organisation=organisation, reason=reason, created_before=before,
                  deliveries=tuple(deliveries or ()))  # fmt: skip


def _lines(one: Outgoing) -> str:
    """A delivery by itself: a table would break ids where the window is narrow."""
    to = escape(
        f"{organisation(one.organisation) or 'no organisation'}: {', '.join(words(role) for role in one.roles)}"
    )
    way = escape(
        f"{one.channel}, {one.carries}, {PURPOSES[one.purpose]}, {one.contact or 'address given by the event'}"
    )
    marked = "" if one.status == "actual" else f" [bold]{one.status.upper()}[/]"
    last = f"tries {one.attempts}"
    if one.attempt_state is not None:
        last += f", the last {stamp(one.attempted_at)}: {words(one.attempt_state)}"
        last += f", {words(one.reason)}" if one.reason else ""
    return (
        f"{one.delivery}  {state(one.state, one.due_at)}  {to}{marked}\n"
        f"    {way}\n"
        f"    {words(one.kind)}, {one.priority}, {one.reference}, {words(one.notice_state)}, episode {one.episode}\n"
        f"    {escape(last)}"
    )


def _next(then: Next) -> str:
    match then.does:
        case "try":
            return f"it is tried, from {stamp(then.at)}"
        case "result":
            return f"it is being sent, until {stamp(then.at)} at most"
        case "look":
            return f"nothing by this way; the notice is looked at again at {stamp(then.at)}"
        case "nothing":
            return "nothing"


def _possible(refused: Refusal | None) -> str:
    return "possible" if refused is None else f"not possible: {REFUSED[refused]}"
