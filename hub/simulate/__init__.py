"""A scenario on a virtual clock: who would be told what, and what falls due (vocabulary.md, simulate)."""

from hub.simulate.arrivals import BadScenario
from hub.simulate.run import simulate

__all__ = ["BadScenario", "simulate"]
