"""Fresh keys for a case system: what it is given, and what the hub keeps."""

import secrets
from datetime import datetime
from typing import Literal

from hub.core.records import SourceKey
from hub.core.webhook import public_key_to_text, secret_to_text, verification_key_from_text
from hub.service.ports import Ids

SECRET_BYTES = 32


def new_key(scheme: Literal["v1", "v1a"], ids: Ids, now: datetime) -> tuple[str, SourceKey]:
    """(the text for the sender, the row for the hub). ``v1``: a shared ``whsec_…``; ``v1a``: a private ``whsk_…``, of
    which the hub keeps the public half only."""
    secret = secrets.token_bytes(SECRET_BYTES)
    text = secret_to_text(secret)
    if scheme == "v1":
        return text, given_key(text, ids, now)
    return text.replace("whsec_", "whsk_", 1), given_key(public_key_to_text(secret), ids, now)


def given_key(text: str, ids: Ids, now: datetime) -> SourceKey:
    """The row for a key of the sender's own: ``whpk_…`` (public) or ``whsec_…``. Raises ValueError saying what is
    wrong, without the key."""
    scheme, key = verification_key_from_text(text)
    return SourceKey(id=ids.new("sk", now), scheme=scheme, key=key, valid_from=now)
