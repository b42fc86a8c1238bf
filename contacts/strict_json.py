"""What others signed, or what is known by its digest: read in the one way in which two readers take it alike. Pure."""

import base64
import json
from typing import Any, NoReturn


def read_strictly(text: str | bytes) -> Any:
    """JSON (RFC 8259) with no name twice in an object (as RFC 7517 4 asks) and no NaN or Infinity. Raises ValueError,
    or RecursionError for what is nested too deep."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)


def from_b64url(text: str) -> bytes:
    """Base64url without padding (RFC 7515 2). Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers must not take two values from one document."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
