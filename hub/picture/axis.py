"""A time axis that holds two hours as well as a year: every step between two anchors is as wide as the logarithm of
its length, and inside a step time runs evenly."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

GRAIN = 600.0
"""Seconds: steps shorter than this are drawn about in proportion, longer ones by their logarithm."""
WIDEST = 1150.0
NARROWEST = 620.0
PER_WEIGHT = 13.0
LEAST_STEP = 14.0
JUMP = 3.0
"""How much more time a pixel has to stand for, than in a neighbouring step, for the step to be marked as broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From one anchor to the next."""

    start: datetime
    end: datetime
    left: float
    right: float
    broken: bool
    """Its scale is much coarser than that of a neighbour: the axis shows a break."""

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Axis:
    """Places of instants, in pixels from the left edge of the plot. At least one step."""

    steps: tuple[Step, ...]

    @classmethod
    def over(cls, anchors: Iterable[datetime]) -> "Axis":
        """``anchors``: at least one aware instant, in any order; one alone is drawn at the left edge."""
        known = sorted(set(anchors))
        if len(known) == 1:
            return cls((Step(start=known[0], end=known[0], left=0.0, right=NARROWEST, broken=False),))
        spans = [(later - earlier).total_seconds() for earlier, later in pairwise(known)]
        weights = [math.log2(1 + seconds / GRAIN) for seconds in spans]
        total = min(max(sum(weights) * PER_WEIGHT, NARROWEST), WIDEST)
        widths = [max(LEAST_STEP, total * weight / sum(weights)) for weight in weights]
        scales = [seconds / width for seconds, width in zip(spans, widths, strict=True)]
        steps, left = [], 0.0
        for index, width in enumerate(widths):
            beside = [scales[i] for i in (index - 1, index + 1) if 0 <= i < len(scales)]
            broken = any(scales[index] > JUMP * scale for scale in beside)
            steps.append(Step(start=known[index], end=known[index + 1], left=left, right=left + width, broken=broken))
            left += width
        return cls(tuple(steps))

    @property
    def start(self) -> datetime:
        return self.steps[0].start

    @property
    def end(self) -> datetime:
        return self.steps[-1].end

    @property
    def width(self) -> float:
        return self.steps[-1].right

    def x(self, at: datetime) -> float:
        """Where ``at`` is drawn; before the start and after the end at the edge."""
        if at <= self.start:
            return 0.0
        if at >= self.end:
            return self.width
        step = self.steps[bisect_right([s.start for s in self.steps], at) - 1]
        return step.left + (step.right - step.left) * ((at - step.start).total_seconds() / step.seconds)
