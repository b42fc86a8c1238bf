"""What notices about the same facts have in common, worked out once for all who see the same.

The key of a value is everything it was made of, which for what a reader is shown is the whole of that: whoever sees
anything else has another key. It lives as long as the deliveries of one claim (hub/core/records.py), and so it never
shows what was erased or has changed since.
"""

from collections.abc import Callable, Hashable, MutableMapping
from typing import Any, ParamSpec, TypeAlias, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

Shared: TypeAlias = MutableMapping[Hashable, Any]


def once(shared: Shared | None, key: Hashable, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``make`` gives, or gave before for the same key. Without ``shared`` it is made each time."""
    if shared is None:
        return make(*args, **kwargs)
    if key not in shared:
        shared[key] = make(*args, **kwargs)
    found: T = shared[key]
    return found
