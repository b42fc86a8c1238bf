"""Rules of the evidence, shown by what follows from an event: whose tests share these words."""

from collections.abc import Mapping
from typing import Any

from routing.decision import Decision, Duty
from tests.kit.engine import Engine
from tests.kit.events import BROMLEY, EPISODE, LEEDS, reported_at_home

KENT, YORK, ESSEX = "E10000016", "E06000014", "E10000012"
WORKER, PAT, SAM = "social_worker=Jo Worker", "parent=Pat Example", "parent=Sam Example"
DAY = "2026-03-02T19:30:00Z"
"""A day after the child of ``reported()`` went missing."""
CARE = {"type": "independent_foster_care", "responsible_authority": LEEDS, "host_authority": LEEDS}
CSC = {"responsible_authority", "host_authority"}
"""Children's services."""
HOME = "LDS-EP-0001"
"""The episode of ``at_home()``."""
RESTRICTED = {"subject_to_immigration_restriction": True}
HIGH = {"risk": {"level": "high"}}


def after(*events: Mapping[str, Any], until: str | None = None) -> Engine:
    """The events, each at its own time, and the clocks up to ``until``."""
    engine = Engine()
    for event in events:
        engine.post(event)
    if until:
        engine.run(until)
    return engine


def told(engine: Engine, event: str = "E1", kind: str | None = None) -> set[str]:
    return {role for k, roles in engine.heard(event).items() if kind in (None, k) for role in roles}


def one(engine: Engine, event: str, role: str) -> Decision:
    [decision] = [d for d in engine.of(event, "notify") if role in d.roles]
    return decision


def desk(decision: Decision) -> str | None:
    """Whose desk it goes to."""
    return decision.recipients[0].organisation


def duties(engine: Engine, ref: str = EPISODE) -> dict[str, Duty]:
    """The first occurrence of each code."""
    found: dict[str, Duty] = {}
    for duty in engine.episode(ref).duties:
        found.setdefault(duty.code, duty)
    return found


def due(engine: Engine, code: str, ref: str = EPISODE) -> list[str]:
    return [f"{d.due_at:%m-%dT%H:%M}" for d in engine.episode(ref).duties if d.code == code]


def at_home(**changes: Any) -> dict[str, Any]:
    """A child of the family's home in Bromley."""
    home = {"host_authority": BROMLEY}
    return reported_at_home(**{**changes, "placement": {**home, **changes.get("placement", {})}})
