"""``fingerpost evidence`` and ``subject-access``: an episode with its proof, and all that is held about a child."""

from pathlib import Path
from typing import Annotated

import typer

from hub.app.evidence import bundles_of
from hub.cli.console import FAILED, USAGE, SettingsFile, fail, note, say
from hub.cli.ledger import with_store
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.edge.whole_files import write_whole
from hub.service.evidence.making import WHY, Asked, LogUnreadable, Made, Why
from hub.service.evidence.subject_access import LIST, Held, SubjectAccess
from hub.service.ports import Store
from hub.settings import Settings

OPERATOR = "operator"

Out = Annotated[Path, typer.Option("--out", help="The file to make: for your eyes only, and never over another.")]
Reference = Annotated[
    str | None,
    typer.Option(
        "--reference", help="Number of the case or request, for the audit log: letters, digits, dots, slashes, dashes."
    ),
]


def evidence(
    episode: Annotated[str, typer.Argument(metavar="EPISODE", help="Its id: `fingerpost episode` lists the newest.")],
    out: Out,
    reason: Annotated[str, typer.Option("--reason", help=f"What it is for; the audit log says so: {', '.join(WHY)}.")],
    reference: Reference = None,
    settings_file: SettingsFile = None,
) -> None:
    """All of an episode in one signed file, with the proof that nothing was changed: it can be checked without the hub.

    It holds personal data. The audit log says that it was made, and what for.
    """
    asked = _asked(_why(reason), reference, out)

    async def work(store: Store, settings: Settings) -> Made | None:
        return await bundles_of(settings, store, SystemClock(), SystemIds()).of(episode, asked)

    try:
        made = with_store(settings_file, work)
    except LogUnreadable as error:
        fail(f"A row about this episode cannot be read ({error}): run `fingerpost audit verify`.")
    if made is None:
        fail(f"There is no episode {episode}: `fingerpost episode` lists the newest.")
    _write(out, made.data)
    say(f"{out}: {made.records} records and {made.lines} lines of the audit log in {made.files} files.")
    if made.erased:
        note(f"Of {made.erased} records what was personal has been erased; the rest verifies all the same.")
    note("It holds personal data. To check it: unpack it, and in there `python3 verify.py`.")


def subject_access(
    out: Out,
    source: Annotated[
        str | None, typer.Option("--source", help="Id or URI of the source that knows the child: see `sources list`.")
    ] = None,
    child_ref: Annotated[
        str | None, typer.Option("--child-ref", help="What that source calls the child: `child.ref` of its events.")
    ] = None,
    child: Annotated[str | None, typer.Option("--child", help="Instead of both: the hub's id of the child.")] = None,
    reference: Reference = None,
    settings_file: SettingsFile = None,
) -> None:
    """Everything held about one child, to read. What speaks of others is put apart for somebody to decide on.

    It holds personal data. The audit log of each of the child's episodes says that it was made.
    """
    if (child is None) != (source is not None and child_ref is not None) or (child and (source or child_ref)):
        fail("Say which child: --source and --child-ref, or --child.", USAGE)
    asked = _asked("subject-access", reference, out)

    async def work(store: Store, settings: Settings) -> Held | None:
        access = SubjectAccess(store=store, clock=SystemClock(), ids=SystemIds())
        if child is not None:
            return await access.of(child, asked)
        known = await store.read(lambda unit: unit.sources())
        found = next((one for one in known if source in (one.id, one.uri)), None)
        return None if found is None else await access.by_reference(found.id, child_ref or "", asked)

    held = with_store(settings_file, work)
    if held is None:
        fail("Nothing is held about such a child.")
    _write(out, held.data)
    say(f"{out}: {held.child}, {held.episodes} episodes, {held.to_review} parts to decide on.")
    if held.to_review:
        note(f"Nothing of it may be given out before somebody has decided on what is in {LIST}.")
    if held.erased:
        note("Some of it has been erased since; it is marked so.")


def _why(reason: str) -> Why:
    found = next((one for one in WHY if one == reason), None)
    if found is None:
        fail(f"--reason: one of {', '.join(WHY)}", USAGE)
    return found


def _asked(why: Why, reference: str | None, out: Path) -> Asked:
    """Nothing is asked for, and no line written, that could not be written down in the end."""
    if out.exists() or out.is_symlink():
        fail(f"{out} is there already: nothing is written over it.", USAGE)
    if not out.parent.is_dir():
        fail(f"There is no folder {out.parent}.", USAGE)
    try:
        return Asked(actor=OPERATOR, why=why, reference=reference)
    except ValueError as error:
        fail(f"--reference: {error}", USAGE)


def _write(out: Path, data: bytes) -> None:
    try:
        write_whole(out, data)
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror or type(error).__name__}", FAILED)
