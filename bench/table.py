"""Figures of several rounds as ratios with their spread, and as lines of a table. Pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What several rounds came to."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Of at least one value."""
        found = sorted(values)
        return cls(median=statistics.median(found), lowest=found[0], highest=found[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Somebody who sends. One entry a round in each list; ``rates``: notices a second."""

    name: str
    signer: str
    """Empty: nothing is signed or sealed."""
    durable: str
    """What of an accepted notice outlives a power cut, in a few words."""
    rates: tuple[float, ...]
    processor: tuple[float, ...]
    """Seconds of processor time a notice, of the senders alone."""
    servers: tuple[float, ...] = ()
    """The same of the broker or database they need."""
    notices: int

    @property
    def rate(self) -> Spread:
        return Spread.of(self.rates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One figure beside what it is compared with, round by round."""

    name: str
    values: tuple[float, ...]
    limit: float | None = None
    """What is asked for; None: only told."""
    side: Literal["at least", "at most"] = "at least"

    @property
    def spread(self) -> Spread:
        return Spread.of(self.values)

    @property
    def held(self) -> bool | None:
        """Whether the median keeps to the limit; None without one."""
        if self.limit is None:
            return None
        median = self.spread.median
        return median >= self.limit if self.side == "at least" else median <= self.limit

    def line(self) -> str:
        """For people."""
        found = self.spread
        asked = "" if self.limit is None else f"   {self.side} {self.limit:g}: {'yes' if self.held else 'NO'}"
        return f"{self.name:<68} {found.median:7.2f}  ({found.lowest:.2f} to {found.highest:.2f}){asked}"

    def fields(self) -> Mapping[str, Any]:
        """For JSON."""
        found = self.spread
        return {
            "name": self.name, "values": list(self.values), "median": found.median, "lowest": found.lowest,
            "highest": found.highest, "limit": self.limit, "side": self.side, "held": self.held,
        }  # fmt: skip


def ratio(
    name: str,
    ours: Sequence[float],
    others: Sequence[float],
    limit: float | None = None,
    side: Literal["at least", "at most"] = "at least",
) -> Ratio:
    """``ours`` divided by ``others``, each with its own round: what disturbed one disturbed the other."""
    values = tuple(mine / theirs for mine, theirs in zip(ours, others, strict=True))
    return Ratio(name=name, values=values, limit=limit, side=side)


HEAD = (
    f"{'notices a second':<44} {'signer':<9} {'median':>7} {'lowest':>7} {'highest':>7} {'processor ms':>13}  durable"
)


def line(row: Row) -> str:
    """One sender."""
    spent = f"{statistics.median(row.processor) * 1000:.2f}"
    if row.servers:
        spent += f"+{statistics.median(row.servers) * 1000:.2f}"
    found = row.rate
    return (
        f"{row.name:<44} {row.signer or 'none':<9} {found.median:7.0f} {found.lowest:7.0f} {found.highest:7.0f} "
        f"{spent:>13}  {row.durable}"
    )
