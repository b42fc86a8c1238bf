"""A run as lines that people read: grouped by moment and cause, organisations by their names, reminders summed up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from hub.core.events import instant
from hub.core.naming import moment, organisation_name, role_label, roles_label
from hub.picture.drawing import REMINDERS, Flag, kind_words
from hub.picture.rows import Obligation, owner_words, standing
from hub.simulate.lanes import answered, flags_of, obligations

Json = Mapping[str, Any]

TOLD = {
    "notify": "told", "withhold": "withheld", "hold": "held", "gap": "NOBODY TO TELL", "suppress": "not told",
}  # fmt: skip
FEW = 6
"""So many organisations of one role are named; of more, their number."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story. ``tone`` is an outcome, ``head`` or empty; nothing depends on seeing it."""

    text: str
    indent: int = 0
    tone: str = ""


def story(scenario: Json, answer: Json, *, why: bool = False) -> list[Line]:
    """The whole run. ``why`` adds the reason and the quotation behind every decision."""
    lines = [Line(str(scenario.get("title") or "Simulation"), tone="head"), Line("")]
    lines += _course(flags_of(scenario, answer), answer, why=why)
    for title, found in (("Duties", _duties(answer)), ("Registers", _register(answer)), ("At the end", _ends(answer))):
        if found:
            lines += [Line(title, tone="head"), *found, Line("")]
    return lines[:-1]


def _course(flags: Sequence[Flag], answer: Json, *, why: bool) -> Iterator[Line]:
    """What came and what it led to, by the time it was decided."""
    causes = [*_events(flags, answer), *_causes(answer["decisions"])]
    causes.sort(key=lambda cause: cause.at)
    merged: dict[tuple[str, str], _Cause] = {}
    for cause in causes:
        known = merged.setdefault((cause.at, cause.key), cause)
        if known is not cause:
            merged[cause.at, cause.key] = _Cause(
                at=cause.at,
                key=cause.key,
                title=known.title,
                notes=known.notes,
                decisions=(*known.decisions, *cause.decisions),
            )
    for quiet, group in groupby(merged.values(), key=lambda cause: cause.quiet):
        if quiet:
            yield from _reminders([d for cause in group for d in cause.decisions])
        else:
            for cause in group:
                yield from _told(cause, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cause:
    """One thing that happened at one moment."""

    at: str
    key: str
    title: str
    notes: tuple[str, ...] = ()
    decisions: tuple[Json, ...] = ()

    @property
    def quiet(self) -> bool:
        """Nothing but reminders."""
        return bool(self.decisions) and not self.notes and all(d["kind"] in REMINDERS for d in self.decisions)


def _events(flags: Sequence[Flag], answer: Json) -> Iterator[_Cause]:
    for number, (flag, said) in enumerate(zip(flags, answer["answers"], strict=True)):
        plain = said["status"] == 202
        yield _Cause(
            at=flag.at.isoformat(),
            # What was refused, or seen before, led to nothing, and its id may be that of an event that did.
            key=f"event:{said['event']}" if plain else f"answer:{number}",
            title=flag.label,
            notes=(*([] if plain else [answered(said)]), *said["warnings"]) or ("accepted",),
        )


def _causes(decisions: Iterable[Json]) -> Iterator[_Cause]:
    for (at, key), group in groupby(decisions, key=lambda d: (d["at"], d["cause"])):
        kind, _, code = key.partition(":")
        title = f"{role_label(code)} falls due" if kind == "duty" else code
        yield _Cause(at=instant(at).isoformat(), key=key, title=title, decisions=tuple(group))


def _told(cause: _Cause, *, why: bool) -> Iterator[Line]:
    yield Line(f"{moment(instant(cause.at))}  {cause.title}", tone="head")
    for note in cause.notes:
        if note != "accepted":
            yield Line(note, 2, "hold")
    if not cause.decisions:
        yield Line("nobody is told", 2)
    groups: dict[tuple[str, str, str], list[Json]] = {}
    for decision in cause.decisions:
        groups.setdefault((decision["outcome"], decision["kind"], decision["priority"]), []).append(decision)
    for (outcome, kind, priority), found in groups.items():
        pressing = "" if priority in ("normal", "low") else f", {priority}"
        yield Line(f"{kind_words(kind)}{pressing}: {TOLD[outcome]}", 2, outcome)
        for decision in found:
            yield from _recipient(decision, why=why)
    yield Line("")


def _recipient(decision: Json, *, why: bool) -> Iterator[Line]:
    rules = " ".join(dict.fromkeys(rule["rule"] for rule in decision["rules"]))
    yield Line(f"{_who(decision)}  [{rules}]", 4)
    if why or decision["outcome"] != "notify":
        yield Line(_humane(decision["why"]), 6)
    if why:
        for rule in decision["rules"]:
            yield Line(f"{rule['rule']}, {rule['pack']} ({rule['source']}): “{rule['quote']}”", 6)


def _humane(why: str) -> str:
    return why.replace("_", " ")


def _who(decision: Json) -> str:
    holder = decision["person"] or organisation_name(decision["organisation"])
    return f"{roles_label(decision['roles'])}: {holder}" if holder else roles_label(decision["roles"])


def _reminders(decisions: Sequence[Json]) -> Iterator[Line]:
    """A stretch in which nothing but the clocks spoke: each duty and reader once, with the number."""
    first, last = decisions[0]["at"], decisions[-1]["at"]
    span = moment(instant(first)) + (f" to {moment(instant(last))}" if last != first else "")
    yield Line(f"{span}  reminders and chases", tone="head")
    count: dict[tuple[str, str, str, str], int] = {}
    for decision in decisions:
        key = (decision["cause"].partition(":")[2], decision["kind"], _who(decision), decision["outcome"])
        count[key] = count.get(key, 0) + 1
    for (code, kind, who, outcome), many in count.items():
        times = f" ×{many}" if many > 1 else ""
        told = "" if outcome == "notify" else f" ({TOLD[outcome]})"
        yield Line(
            f"{role_label(code)}, {kind_words(kind)}{times}: {who}{told}", 2, "" if outcome == "notify" else outcome
        )
    yield Line("")


def _duties(answer: Json) -> list[Line]:
    """Every duty once, whatever became of it."""
    several = len(answer["episodes"]) > 1
    found: dict[tuple[str, str, str], list[Obligation]] = {}
    for duty in obligations(answer["duties"]):
        found.setdefault((duty.episode, duty.code, duty.owner), []).append(duty)
    return [
        Line(
            f"{f'{episode}, ' if several else ''}{role_label(code)} ({owner_words(owner)}): {standing(duties)}",
            2,
            "gap" if duties[-1].state == "overdue" else "",
        )
        for (episode, code, owner), duties in found.items()
    ]


def _register(answer: Json) -> list[Line]:
    several = len(answer["episodes"]) > 1
    found: dict[tuple[str, str, str, str | None], dict[str, None]] = {}
    newest = {(e["episode"], e["role"], e["organisation"]): e for e in answer["register"]}
    for entry in newest.values():
        dates = (entry["episode"], entry["role"], entry["remove_at"], entry["removed_at"])
        found.setdefault(dates, {})[entry["organisation"]] = None
    return [
        Line(
            f"{f'{episode}, ' if several else ''}{role_label(role)}: {_named(list(organisations))}, "
            + (f"removed {moment(instant(removed))}" if removed else f"until {moment(instant(remove))}"),
            2,
        )
        for (episode, role, remove, removed), organisations in found.items()
    ]


def _named(organisations: Sequence[str]) -> str:
    if len(organisations) > FEW:
        return f"{len(organisations)} organisations"
    return ", ".join(organisation_name(code) for code in organisations)


def _ends(answer: Json) -> list[Line]:
    return [Line(f"{e['ref']}: {e['category']}, {e['state']}", 2) for e in answer["episodes"]]
