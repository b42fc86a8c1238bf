"""A photo is attached under a name that says nothing, and nothing else passes for one."""

import base64
from typing import Any

import pytest

from hub.notices.photo import photo
from tests.kit.notices import JPEG, PHOTO

PNG = b"\x89PNG\r\n\x1a\n" + b"made up"


def _given(media_type: Any, data: bytes) -> dict[str, Any]:
    return {"media_type": media_type, "data_base64": base64.b64encode(data).decode()}


@pytest.mark.parametrize(
    ("value", "name", "media_type"),
    [
        (PHOTO, "photo.jpg", "image/jpeg"),
        (_given("image/png", PNG), "photo.png", "image/png"),
        (_given("image/jpeg", PNG), "photo.png", "image/png"),  # what it is counts, not what it is called
        (_given("image/heic", JPEG), "photo.jpg", "image/jpeg"),
        (_given("image/jpeg", b"some other camera format"), "photo.jpg", "image/jpeg"),
    ],
)
def test_a_photo_is_attached_as_what_it_is(value: Any, name: str, media_type: str) -> None:
    found = photo(value)
    assert found is not None
    assert (found.name, found.media_type) == (name, media_type)
    assert found.data == base64.b64decode(value["data_base64"])
    assert found.attachment.data == found.data


@pytest.mark.parametrize(
    "value",
    [
        None,
        "image/jpeg",
        {},
        {"media_type": "image/jpeg"},
        {"media_type": "image/jpeg", "data_base64": ""},
        {"media_type": "image/jpeg", "data_base64": "***"},
        {"media_type": "image/jpeg", "data_base64": 7},
        {"media_type": "image/jpeg", "data_base64": "é"},
        _given("image/svg+xml", b"<svg onload='x'/>"),
        _given("text/html", b"<script>"),
        _given(["image/jpeg"], b"unhashable type"),
        _given(None, b"no type"),
    ],
)
def test_what_is_no_photo_is_not_attached(value: Any) -> None:
    assert photo(value) is None


def test_the_picture_does_not_print() -> None:
    assert "made up" not in repr(photo(PHOTO))
