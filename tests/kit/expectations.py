"""What a scenario expects, compared with what came out. Partial: only what is written down is looked at.

``notify`` (exact, kind by kind), ``notify_kinds`` (these kinds only), ``held`` ``withheld`` ``gaps`` ``suppressed``,
``times``, ``priorities``, ``decision_counts``, ``together``, ``only_listed_causes``, ``fields_never``, ``fields_some``,
``duties`` ``absent_duties`` ``duty_counts``, ``register`` ``register_absent`` ``register_counts``, ``episodes``,
``answers``, ``warnings``. A cause is ``event:ID`` or ``duty:CODE``, then perhaps ``#REF``, then perhaps ``@INSTANT``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
REMINDERS = {"duty_due", "duty_overdue"}
RESULTS = {"withheld": "withhold", "held": "hold", "gaps": "gap", "suppressed": "suppress"}


def _plain(value: Any) -> Any:
    """Instants as instants, whatever their offset."""
    if isinstance(value, str) and len(value) >= 20 and value[4:5] == "-" and value[10:11] == "T":
        return datetime.fromisoformat(value)
    return value


def _matches(wanted: Row, row: Row) -> bool:
    return all(key in row and _plain(row[key]) == _plain(value) for key, value in wanted.items())


class Judge:
    """One run of a scenario against its expectations."""

    def __init__(self, expect: Mapping[str, Any], out: Mapping[str, Any]) -> None:
        self._expect = expect
        self._out = out

    def problems(self) -> list[str]:
        """Every difference; an expectation nobody knows how to judge is one."""
        found: list[str] = []
        for key, wanted in self._expect.items():
            judge = getattr(self, f"_{key}", None)
            if key in RESULTS:
                found += self._results(key, wanted)
            elif judge is None:
                found.append(f"nobody can judge {key}")
            else:
                found += judge(wanted)
        return found

    def _of(self, cause: str, outcome: str = "notify") -> list[Row]:
        name, _, at = cause.partition("@")
        name, _, ref = name.partition("#")
        return [
            d
            for d in self._out["decisions"]
            if d["cause"] == name
            and d["outcome"] == outcome
            and ref in ("", d["episode"])
            and (not at or _plain(d["at"]) == _plain(at))
        ]

    @staticmethod
    def _named(decisions: Iterable[Row], wanted: Iterable[str]) -> set[str]:
        """Roles; as ``role=NAME`` where the expectation says which one."""
        exact = {name.split("=")[0] for name in wanted if "=" in name}
        return {
            f"{role}={d['person'] or d['organisation']}" if role in exact else role
            for d in decisions
            for role in d["roles"]
        }

    def _differ(self, where: str, wanted: Iterable[str], decisions: Iterable[Row]) -> Iterator[str]:
        actual, named = self._named(decisions, wanted), set(wanted)
        if actual != named:
            yield f"{where}: {sorted(actual - named)} too many, {sorted(named - actual)} lacking"

    def _notify(self, causes: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
        for cause, kinds in causes.items():
            told = self._of(cause)
            others = {d["kind"] for d in told} - (REMINDERS if cause.startswith("duty:") else set())
            for kind in others | set(kinds):
                yield from self._differ(f"{cause} {kind}", kinds.get(kind, []), (d for d in told if d["kind"] == kind))

    def _notify_kinds(self, causes: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
        for cause, kinds in causes.items():
            for kind, wanted in kinds.items():
                yield from self._differ(f"{cause} {kind}", wanted, (d for d in self._of(cause) if d["kind"] == kind))

    def _results(self, key: str, causes: Mapping[str, list[str]]) -> Iterator[str]:
        for cause, wanted in causes.items():
            yield from self._differ(f"{cause} {key}", wanted, self._of(cause, RESULTS[key]))

    def _together(self, causes: Mapping[str, list[list[str]]]) -> Iterator[str]:
        for cause, groups in causes.items():
            shared = [set(d["roles"]) for d in self._of(cause)]
            yield from (f"{cause}: no notice for {group}" for group in groups if set(group) not in shared)

    def _decision_counts(self, causes: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
        for cause, counts in causes.items():
            actual = Counter(role for d in self._of(cause) for role in d["roles"])
            yield from (f"{cause} {r}: {actual[r]} notices, not {n}" for r, n in counts.items() if actual[r] != n)

    def _only_listed_causes(self, wanted: bool) -> Iterator[str]:
        listed = {c.split("@")[0].split("#")[0] for k in ("notify", "notify_kinds") for c in self._expect.get(k, {})}
        told = {d["cause"] for d in self._out["decisions"] if d["outcome"] == "notify" and d["kind"] not in REMINDERS}
        yield from (f"{cause} tells somebody" for cause in told - listed if wanted)

    def _times(self, causes: Mapping[str, Any]) -> Iterator[str]:
        for cause, wanted in causes.items():
            told = self._of(cause) + self._of(cause, "gap")
            for kind, times in wanted.items() if isinstance(wanted, dict) else [(None, wanted)]:
                chosen = [d for d in told if (d["kind"] not in REMINDERS if kind is None else d["kind"] == kind)]
                actual = {_plain(d["at"]) for d in chosen}
                if actual != {_plain(time) for time in times}:
                    yield f"{cause} {kind}: at {sorted(actual)}, not {times}"

    def _priorities(self, causes: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
        for cause, wanted in causes.items():
            for role, priority in wanted.items():
                actual = {d["priority"] for d in self._of(cause) if role in d["roles"]}
                if actual != {priority}:
                    yield f"{cause} {role}: {actual}, not {priority}"

    def _fields_never(self, wanted: Mapping[str, list[str]]) -> Iterator[str]:
        for d in self._out["decisions"]:
            for role in d["roles"]:
                shown = [f for f in d["fields"] for path in wanted.get(role, ()) if f"{f}.".startswith(f"{path}.")]
                if d["outcome"] == "notify" and shown:
                    yield f"{d['cause']} {role}: shows {shown}"

    def _fields_some(self, wanted: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
        for cause, by_role in wanted.items():
            for role, paths in by_role.items():
                shown = [f"{f}." for d in self._of(cause) if role in d["roles"] for f in d["fields"]]
                for path in paths:
                    if not any(field.startswith(f"{path}.") for field in shown):
                        yield f"{cause} {role}: does not show {path}"

    def _rows(self, table: str, wanted: Iterable[Row]) -> Iterator[str]:
        for row in wanted:
            if not any(_matches(row, actual) for actual in self._out[table]):
                yield f"{table}: no row like {row}"

    def _duties(self, wanted: list[Row]) -> Iterator[str]:
        return self._rows("duties", wanted)

    def _register(self, wanted: list[Row]) -> Iterator[str]:
        return self._rows("register", wanted)

    def _register_absent(self, unwanted: list[Row]) -> Iterator[str]:
        yield from (f"register: {row}" for row in unwanted if any(_matches(row, r) for r in self._out["register"]))

    def _register_counts(self, wanted: list[Row]) -> Iterator[str]:
        for row in wanted:
            like = {key: value for key, value in row.items() if key != "count"}
            count = sum(_matches(like, actual) for actual in self._out["register"])
            if count != row["count"]:
                yield f"register: {count} rows like {like}, not {row['count']}"

    def _count(self, code: str) -> int:
        name, _, ref = code.partition("#")
        return sum(d["code"] == name and ref in ("", d["episode"]) for d in self._out["duties"])

    def _absent_duties(self, unwanted: list[str]) -> Iterator[str]:
        yield from (f"duty {code} is there" for code in unwanted if self._count(code))

    def _duty_counts(self, wanted: Mapping[str, int]) -> Iterator[str]:
        yield from (f"duty {c}: {self._count(c)} rows, not {n}" for c, n in wanted.items() if self._count(c) != n)

    def _episodes(self, wanted: Mapping[str, Row]) -> Iterator[str]:
        yield from self._rows("episodes", [{"ref": ref, **row} for ref, row in wanted.items()])

    def _answers(self, wanted: Mapping[str, Any]) -> Iterator[str]:
        for event, status in wanted.items():
            actual = [a["status"] for a in self._out["answers"] if a["event"] == event]
            if actual != (status if isinstance(status, list) else [status]):
                yield f"{event} is answered {actual}, not {status}"

    def _warnings(self, wanted: Mapping[str, bool]) -> Iterator[str]:
        for event, warned in wanted.items():
            if any(a["warnings"] for a in self._out["answers"] if a["event"] == event) is not warned:
                yield f"{event}: {'no ' if warned else ''}warning"
