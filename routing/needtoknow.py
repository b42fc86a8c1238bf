"""What each role may be sent (vocabulary.md, Need to know). The composer sees a View and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An episode as one reader may see it: leaf path -> value, for example ``child.name`` -> ``"Robin Example"``.

    Paths are those of the event's data: ``episode.*``, ``child.*``, ``placement.*``, ``school.*``, ``found.*``,
    ``returned.*``; lists stand whole (``people``, ``form``, ``episode.companions``, ``episode.initial_checks``).
    ``child.photo`` stands whole (``{"media_type", "data_base64"}``). ``child.medication_needed`` is derived (yes or
    no). ``people`` holds only those persons, and only those keys of them, that the reader may see. Empty values
    (null, "", []) are left out. Booleans that are false are left out too.
    """

    roles: tuple[str, ...]
    fields: Mapping[str, Any] = field(repr=False)
