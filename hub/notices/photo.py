"""The child's photo as an attachment."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.port import Attachment
from hub.core.pictures import picture_type

_NAMES: Mapping[str, str] = {"image/jpeg": "photo.jpg", "image/png": "photo.png"}
"""What it is attached as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photo that may be attached. The name never identifies a child."""

    name: str
    media_type: str
    data: bytes = field(repr=False)
    on_page: bool = False
    """Shown on a page, above the facts, and not attached."""

    @property
    def attachment(self) -> Attachment:
        return Attachment(name=self.name, media_type=self.media_type, data=self.data)


def photo(value: Any) -> Photo | None:
    """The photo of ``{"media_type", "data_base64"}``; None where it is not one we pass on.

    The type is the one its first bytes show, else the declared one, if it is on the list: a photo that some readers
    cannot open may still help to find a child.
    """
    if not isinstance(value, Mapping):
        return None
    try:
        data = base64.b64decode(value.get("data_base64") or "", validate=True)
    except (binascii.Error, TypeError, ValueError):
        return None
    if not data:
        return None
    media_type = picture_type(data) or value.get("media_type")
    if not isinstance(media_type, str) or media_type not in _NAMES:
        return None
    return Photo(name=_NAMES[media_type], media_type=media_type, data=data)
