"""What assurance needs of the store."""

from collections.abc import Sequence
from typing import Protocol

from hub.core.assurance import Warned


class AssuranceUnit(Protocol):
    """Warnings within one transaction."""

    async def warned(self) -> Sequence[Warned]:
        """Every step that was taken about what is still there."""
        ...

    async def warn(self, warned: Warned) -> bool:
        """Take a step; False if another node has taken it already."""
        ...

    async def forget(self, warned: Sequence[Warned]) -> None:
        """These are about what ends no more: should it end again, it is warned of again."""
        ...
