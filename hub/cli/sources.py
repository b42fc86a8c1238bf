"""``fingerpost sources``: the case systems that may post events."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from contacts.areas import AreaProblem, load_areas
from hub.cli.certificates import fingerprint_of
from hub.cli.console import OUT, USAGE, SettingsFile, fail, note, say, table
from hub.cli.ledger import with_store
from hub.core.records import AuditLine, Source, SourceKey
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.edge.source_keys import given_key, new_key
from hub.service.ports import Store, Unit
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Case systems that may post events: add, list, rotate, disable.")

Scheme = Annotated[str, typer.Option(help="v1 (shared secret) or v1a (Ed25519).")]
PublicKey = Annotated[
    str | None, typer.Option("--public-key", help="The sender's own whpk_…, instead of a key made here.")
]
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
URI = re.compile(r"[!-~]{1,300}", re.ASCII)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Short name, for example bromley-care.")],
    authority: Annotated[
        list[str] | None, typer.Option(help="GSS or DfE code it may speak for. Repeat for several.")
    ] = None,
    force: Annotated[str | None, typer.Option(help="Police force whose authorities it may all speak for.")] = None,
    scheme: Scheme = "v1",
    public_key: PublicKey = None,
    uri: Annotated[
        str | None, typer.Option(help="What it puts into `source`; default urn:fingerpost:source:NAME.")
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Register a case system and print its signing secret, once."""
    if not SLUG.fullmatch(name):
        fail("A source's name has lower-case letters, digits and hyphens, 63 at most.", USAGE)
    if uri is not None and not URI.fullmatch(uri):
        fail("A source's URI has 1 to 300 visible ASCII characters.", USAGE)
    authorities, known_force = _authorities(authority or [], force)
    now, ids = SystemClock().now(), SystemIds()
    secret, key = _key(scheme, public_key, now)
    source = Source(
        id=ids.new("src", now),
        uri=uri or f"urn:fingerpost:source:{name}",
        name=name,
        authorities=authorities,
        force=known_force,
        keys=(key,),
        created_at=now,
    )

    async def work(store: Store, settings: Settings) -> bool:
        async def write(unit: Unit) -> bool:
            if any(known.uri == source.uri or known.name == name for known in await unit.sources()):
                return False
            await unit.put_source(source)
            await unit.add_audit([_line("source.added", source, now, _speaks(source))])
            return True

        return await store.write(write)

    if not with_store(settings_file, work):
        fail(f"There is a source {name} (or one with its URI) already: see `fingerpost sources list`.")
    _show(source.uri, secret)


@app.command(name="list")
def list_(settings_file: SettingsFile = None) -> None:
    """Every source: its URI, whom it may speak for, its keys."""

    async def work(store: Store, settings: Settings) -> Sequence[Source]:
        return await store.read(lambda unit: unit.sources())

    now = SystemClock().now()
    rows = table("Name", "source", "Speaks for", "Keys", "Since")
    for source in with_store(settings_file, work):
        speaks = [*sorted(source.authorities), *([f"force {source.force}"] if source.force else [])]
        state = "disabled" if source.disabled_at else ", ".join(_lasting(key, now) for key in source.keys)
        if source.certificate is not None:
            state += f"; with certificate {source.certificate.hex()[:16]}"
        rows.add_row(source.name, source.uri, " ".join(speaks), state, f"{source.created_at:%Y-%m-%d}")
    OUT.print(rows)


@app.command()
def rotate(
    name: Annotated[str, typer.Argument(help="Name of the source.")],
    overlap_hours: Annotated[
        float, typer.Option(help="How long its present keys stay valid.", min=0, max=24 * 90)
    ] = 72,
    scheme: Scheme = "v1",
    public_key: PublicKey = None,
    settings_file: SettingsFile = None,
) -> None:
    """Give a source a new key beside its present ones, which end after the overlap."""
    now = SystemClock().now()
    secret, key = _key(scheme, public_key, now)
    end = now + timedelta(hours=overlap_hours)

    def rotated(source: Source) -> Source:
        return replace(source, keys=(*(_ending(old, end) for old in source.keys), key))

    detail = {"key": key.id, "until": f"{end:%Y-%m-%dT%H:%M}"}
    _show(_changed(name, rotated, "source.rotated", detail, settings_file).uri, secret)
    note(f"Its other keys are valid until {end:%Y-%m-%d %H:%M} UTC at most.")


@app.command()
def bind(
    name: Annotated[str, typer.Argument(help="Name of the source.")],
    certificate: Annotated[
        Path | None, typer.Option(help="Client certificate (PEM or DER) that it shows from now on.", dir_okay=False)
    ] = None,
    free: Annotated[bool, typer.Option("--free", help="Its key alone is enough again.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Bind a source to a client certificate, without which its key alone counts for nothing."""
    if (certificate is None) != free:
        fail("Give --certificate FILE or --free.", USAGE)
    bound = None if certificate is None else fingerprint_of(certificate)
    detail = {"certificate": "" if bound is None else bound.hex()}
    _changed(name, lambda source: replace(source, certificate=bound), "source.bound", detail, settings_file)
    say(f"{name} is bound to {bound.hex()}." if bound is not None else f"{name} is bound to no certificate.")


@app.command()
def disable(name: Annotated[str, typer.Argument()], settings_file: SettingsFile = None) -> None:
    """Take no more events from a source. A running hub knows within seconds."""
    now = SystemClock().now()
    _changed(name, lambda one: replace(one, disabled_at=one.disabled_at or now), "source.disabled", {}, settings_file)
    say(f"{name} is disabled.")


def _changed(
    name: str,
    change: Callable[[Source], Source],
    action: str,
    detail: Mapping[str, str],
    settings_file: Path | None,
) -> Source:
    now = SystemClock().now()

    async def work(store: Store, settings: Settings) -> Source | None:
        async def write(unit: Unit) -> Source | None:
            for source in await unit.sources():
                if source.name == name:
                    await unit.put_source(change(source))
                    await unit.add_audit([_line(action, source, now, detail)])
                    return change(source)
            return None

        return await store.write(write)

    source = with_store(settings_file, work)
    if source is None:
        fail(f"There is no source {name}: see `fingerpost sources list`.")
    return source


def _line(action: str, source: Source, now: datetime, detail: Mapping[str, str]) -> AuditLine:
    return AuditLine(id=SystemIds().new("au", now), at=now, actor="operator", action=action, subject=source.id,
                     detail=detail)  # fmt: skip


def _speaks(source: Source) -> Mapping[str, str]:
    said = {"authorities": " ".join(sorted(source.authorities)), "key": source.keys[0].id}
    return said if source.force is None else {**said, "force": source.force}


def _ending(key: SourceKey, end: datetime) -> SourceKey:
    return replace(key, valid_until=end if key.valid_until is None else min(key.valid_until, end))


def _lasting(key: SourceKey, now: datetime) -> str:
    if key.valid_until is None:
        return key.scheme
    return f"{key.scheme} {'until' if key.valid_until > now else 'ended'} {key.valid_until:%Y-%m-%d %H:%M}"


def _authorities(codes: Sequence[str], force: str | None) -> tuple[frozenset[str], str | None]:
    areas = load_areas()
    found: set[str] = set()
    problems: list[str] = []
    for code in codes:
        try:
            found.add(areas.resolve(code).gss)
        except AreaProblem as error:
            problems.append(f"{code}: {error}")
    if force is not None and force not in areas.forces:
        problems.append(f"{force}: there is no such police force")
    if problems:
        fail("\n".join(problems), USAGE)
    if not found and force is None:
        fail("Say whom the source may speak for: --authority CODE or --force CODE.", USAGE)
    return frozenset(found), force


def _key(scheme: str, public_key: str | None, now: datetime) -> tuple[str | None, SourceKey]:
    if public_key is not None:
        try:
            return None, given_key(public_key, SystemIds(), now)
        except ValueError as error:
            fail(f"--public-key: {error}", USAGE)
    if scheme not in ("v1", "v1a"):
        fail("--scheme is v1 or v1a.", USAGE)
    return new_key(cast(Literal["v1", "v1a"], scheme), SystemIds(), now)


def _show(uri: str, secret: str | None) -> None:
    note(f"source: {uri}")
    if secret is not None:
        say(secret)
        note("This is the signing secret, shown this once. Give it to the case system on a safe way.")
