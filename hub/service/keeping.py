"""Whether whom a notice tells may be told now: asked again whenever something more is about to go out to them."""

from dataclasses import dataclass, field
from typing import Literal

from contacts.areas import Areas
from hub.core.episode import Memory
from hub.core.records import StoredEpisode
from routing.decision import Decision
from routing.packs import Packs
from routing.recipients import FAMILY
from routing.standing import Told, kept_from, may_hear, stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """The rules as they stand."""

    packs: Packs
    areas: Areas = field(repr=False)

    def __call__(self, decision: Decision, stored: StoredEpisode) -> Literal["withheld", "held"] | None:
        """Whether a parent or carer whom the decision is about may not be told any more: also where a desk stands in
        for them, and where no event said so since (readings.md C5, A9, D2)."""
        family = [one for one in decision.recipients if one.role in FAMILY and one.person is not None]
        if not family:
            return None
        standing = stand(stored.doc, self.packs, self.areas, ever_missing=stored.record.ever_missing,
                         persons=Memory.loads(stored.record.memory).persons)  # fmt: skip
        if any(kept_from(standing, one) for one in family):
            return "withheld"
        return None if all(may_hear(Told(recipient=one), standing) for one in family) else "held"
