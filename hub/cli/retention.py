"""``fingerpost retention | hold``, and backups of the key store: what goes when, what must not, and doing it."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import structlog
import typer
from sqlalchemy import make_url

from hub.app.retention import deadline_of, erasing_of, periods_of
from hub.cli.console import FAILED, OUT, USAGE, SettingsFile, fail, note, say, settings_or_exit, table
from hub.cli.ledger import Stores, with_store
from hub.core.retention import HoldCode, Kept, Step, Terms, goes_at, kept_by, next_step
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.edge.key_backups import NotBackedUp, back_up, remove_old
from hub.service.retention.holding import BadReason, Gone, Holding, NoSuchChild, NoSuchHold, going_through
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="How long what is kept: list what goes when and why not, run.")
hold = typer.Typer(no_args_is_help=True, help="Legal holds, while which nothing of a child is erased: add, list, lift.")

STEPS: Final[dict[Step, str]] = {
    "announce": "its time is up: a day to object begins",
    "withdraw": "something keeps it again",
    "begin": "is erased",
    "destroy": "its key is destroyed",
    "finish": "is said to be erased",
    "again": "its key is back, and is destroyed again",
}
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command(name="list")
def list_(
    due: Annotated[bool, typer.Option("--due", help="Only those whose time is up.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 100,
    as_json: Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """What will go when, the first first, and what keeps it. Children stand by their ids."""
    now = SystemClock().now()

    async def work(store: Stores, settings: Settings) -> tuple[Sequence[Kept], Terms]:
        found: list[Kept] = []
        terms = periods_of(settings).children

        def look(one: Kept) -> None:
            if one.erased_at is None and (not due or "term" not in kept_by(one, terms, now)):
                found.append(one)

        await going_through(store, look)
        return sorted(found, key=lambda one: (goes_at(one, terms), one.child))[:limit], terms

    children, terms = with_store(settings_file, work)
    if as_json:
        say(json.dumps([_body(one, terms, now) for one in children], indent=1))
        return
    rows = table("Child", "Goes (UTC)", "Kept by")
    for one in children:
        kept = ", ".join(why for why in kept_by(one, terms, now) if why != "term")
        rows.add_row(one.child, f"{goes_at(one, terms):%Y-%m-%d}", kept or ("being erased" if one.erasing_at else ""))
    OUT.print(rows)


def _body(one: Kept, terms: Terms, now: datetime) -> dict[str, Any]:
    return {
        "child": one.child,
        "episodes": one.episodes,
        "goes_at": goes_at(one, terms).isoformat(),
        "kept_by": list(kept_by(one, terms, now)),
        "announced_at": None if one.announced_at is None else one.announced_at.isoformat(),
        "erasing_at": None if one.erasing_at is None else one.erasing_at.isoformat(),
    }


@app.command()
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Take every step that is due now. The running hub does the same by itself; this is for whoever will not wait."""
    now = SystemClock().now()

    async def work(store: Stores, settings: Settings) -> int | list[tuple[str, Step]]:
        erasing = erasing_of(settings, store, store.keys, SystemIds(), structlog.get_logger())
        if not dry_run:
            return await erasing.run(now)
        some: list[Kept] = []
        await going_through(store, some.append)
        due: list[tuple[str, Step]] = []
        for at in range(0, len(some), 500):
            keys = await store.keys.standing([one.child for one in some[at : at + 500]])
            for one in some[at : at + 500]:
                step = next_step(one, keys, erasing.periods.children, now)
                if step is not None:
                    due.append((one.child, step))
        return due

    done = with_store(settings_file, work)
    if isinstance(done, int):
        say(f"Steps taken: {done}.")
        return
    for child, step in done:
        say(f"{child}: {STEPS[step]}")
    say(f"Steps due: {len(done)}. Nothing was done.")


@hold.command()
def add(
    about: Annotated[str, typer.Argument(metavar="EPISODE|CHILD", help="The hub's id of the child or of an episode.")],
    code: Annotated[
        Literal["court", "police", "inquiry", "complaint", "subject_request", "other"], typer.Option(help="What for.")
    ],
    reason: Annotated[str, typer.Option(help="In words; sealed with the child's details.")],
    settings_file: SettingsFile = None,
) -> None:
    """Keep everything of a child until this hold is lifted."""
    wanted: HoldCode = code

    async def work(store: Stores, settings: Settings) -> str:
        made = await _holding(store).add(about, code=wanted, reason=reason, by="operator")
        return made.id

    try:
        say(with_store(settings_file, work))
    except NoSuchChild:
        fail(f"There is no child and no episode {about}: see `fingerpost retention list`.")
    except Gone as error:
        fail(f"{error} is being erased or was erased: there is nothing left to hold.")
    except BadReason as error:
        fail(f"--reason: {error}.", USAGE)


@hold.command(name="list")
def list_holds(
    every: Annotated[bool, typer.Option("--all", help="Those that were lifted too.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Holds that stand. Their reasons may name people: mind who sees your screen."""

    async def work(store: Stores, settings: Settings) -> Any:
        return await _holding(store).list(lifted=every)

    rows = table("Hold", "Child", "For", "Reason", "Since (UTC)", "By", "Lifted")
    for one in with_store(settings_file, work):
        lifted = f"{one.lifted_at:%Y-%m-%d %H:%M}" if one.lifted_at else ""
        rows.add_row(one.id, one.child, one.code, one.reason, f"{one.since:%Y-%m-%d %H:%M}", one.by, lifted)
    OUT.print(rows)


@hold.command()
def lift(
    which: Annotated[str, typer.Argument(metavar="HOLD", help="Its id.")], settings_file: SettingsFile = None
) -> None:
    """End a hold. What its child's time was up for goes a day later at the earliest."""

    async def work(store: Stores, settings: Settings) -> None:
        await _holding(store).lift(which, by="operator")

    try:
        with_store(settings_file, work)
    except NoSuchHold:
        fail(f"There is no hold {which} that stands: see `fingerpost hold list`.")
    say(f"{which} is lifted.")


def _holding(store: Stores) -> Holding:
    return Holding(store=store, clock=SystemClock(), ids=SystemIds())


def backup(settings_file: SettingsFile = None) -> None:
    """Copy the key store into its own folder of backups, and delete the copies that are past the erasure deadline."""
    settings = settings_or_exit(settings_file)
    folder = settings.key_backups_folder
    if folder is None:
        fail(
            "FINGERPOST_KEY_BACKUPS_FOLDER: is needed: where backups of the key store go, apart from all others.", USAGE
        )
    if settings.key_store.startswith("postgresql"):
        fail("The key store is on PostgreSQL: use pg_dump, into this folder, and delete what is past the deadline.")
    path = Path(make_url(settings.key_store).database or "")
    if not path.is_file():
        fail("There is no key store yet; or its volume is not mounted.", FAILED)
    now = SystemClock().now()
    try:
        say(str(back_up(path, folder, now)))
        for old in remove_old(folder, deadline_of(settings), now):
            note(f"{old} was past the deadline and is deleted.")
    except NotBackedUp as error:
        fail(f"The key store was not backed up: {error}", FAILED)
    except OSError as error:
        fail(f"{folder}: old backups stay: {error.strerror}", FAILED)
