"""Forms with files, read as strictly as browsers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.multipart import Malformed, Part, boundary_of, first_of, parts_of
from tests.kit.visitor import BOUNDARY, multipart

MARK = BOUNDARY.encode()


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data; boundary=----WebKitFormBoundaryx9", b"----WebKitFormBoundaryx9"),
        ('multipart/form-data; charset=utf-8; boundary="a b:c"', b"a b:c"),
        ("multipart/form-data;boundary=x; other=y", b"x"),
    ],
)
def test_the_boundary(header: str, boundary: bytes) -> None:
    assert boundary_of(header) == boundary


@pytest.mark.parametrize(
    "header", ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'x' * 71}"]
)
def test_no_boundary(header: str) -> None:
    with pytest.raises(Malformed):
        boundary_of(header)


@given(
    file=st.binary(max_size=200), value=st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)
)
def test_what_goes_in_comes_out(file: bytes, value: str) -> None:
    if MARK in file:
        return
    found = list(parts_of(multipart({"csrf": value, "two": ""}, {"file": file}), MARK))
    assert found == [
        Part(name="csrf", file=False, content=value.encode()),
        Part(name="two", file=False, content=b""),
        Part(name="file", file=True, content=file),
    ]


WHOLE = multipart({"csrf": "t"}, {"file": b"x"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text before\r\n" + WHOLE,
        WHOLE + b"text after",
        WHOLE.removesuffix(b"--\r\n"),
        WHOLE.replace(b"form-data", b"attachment", 1),
        WHOLE.replace(b'name="csrf"', b"", 1),
        WHOLE.replace(b"Content-Type: application/octet-stream", b"Content-Transfer-Encoding: base64"),
        WHOLE.replace(b"\r\n\r\n", b"\r\n", 1),
        WHOLE.replace(b"\r\n", b"\n"),
        WHOLE.replace(b"application/octet-stream", b"a/" + b"o" * 3000),
        multipart({f"f{n}": "" for n in range(65)}, {}),
    ],
)
def test_what_no_browser_sends(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(parts_of(body, MARK))


def test_the_first_part_says_whether_to_read_on() -> None:
    assert first_of(WHOLE[:-20], MARK) == Part(name="csrf", file=False, content=b"t")
    assert first_of(WHOLE[:40], MARK) is None, "not there yet"
    assert first_of(b"no form at all", MARK) is None
