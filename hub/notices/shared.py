"""What notices about the same facts have in common, worked out once for all who see the same.

The key of a value is everything it was made of, which for what a reader is shown is the whole of that: whoever sees
anything else has another key. It lives as long as the deliveries of one claim (hub/core/records), and so it never
shows what was erased or has changed since.
"""

from collections.abc import Callable, Hashable, MutableMapping
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

Shared: TypeAlias = MutableMapping[Hashable, Any]

_NOTHING: Final = object()


def once(shared: Shared | None, key: Hashable, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``make`` gives, or gave before for the same key. Without ``shared`` it is made each time."""
    if shared is None:
        return make(*args, **kwargs)
    found = shared.get(key, _NOTHING)
    if found is _NOTHING:
        found = shared[key] = make(*args, **kwargs)
    made: T = found
    return made


def of_one(shared: Shared | None, name: Hashable, made_of: object, make: Callable[[], T]) -> T:
    """Likewise of one very object, which lives as long as what was made of it: quicker to tell than what it holds."""
    if shared is None:
        return make()
    key = (name, id(made_of))
    found = shared.get(key)
    if found is None or found[0] is not made_of:
        found = shared[key] = (made_of, make())
    made: T = found[1]
    return made
