"""Keys for push, from files to what signs."""

from pathlib import Path

import pytest

from adapters.https.wire import TransportKey
from hub.core.webhook import secret_to_text
from hub.edge.push_keys import UnusablePushKey, content_signer, new_key, next_key, request_key, shared_secrets

URL = "https://push.council.example/"
SECRET = secret_to_text(b"s" * 32)


def test_a_key_that_was_made_can_be_used(tmp_path: Path) -> None:
    for kind in ("content", "request"):
        next_key(kind, tmp_path).write_bytes(new_key(kind))
    assert content_signer(tmp_path / "push-content-1.key").public_jwk["crv"] == "P-256"
    assert request_key(tmp_path / "push-request-1.key").scheme == "v1a"


def test_the_next_number_follows_the_highest(tmp_path: Path) -> None:
    assert next_key("content", tmp_path).name == "push-content-1.key"
    for number in (2, 9, 10):
        (tmp_path / f"push-content-{number}.key").write_bytes(b"x")
    (tmp_path / "push-content-old.key").write_bytes(b"x")
    assert next_key("content", tmp_path).name == "push-content-11.key"
    assert next_key("request", tmp_path).name == "push-request-1.key"


def test_a_file_that_is_no_such_key_is_named_and_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "push-content-1.key"
    for content in (b"", b"hunter2", new_key("request")):
        file.write_bytes(content)
        with pytest.raises(UnusablePushKey, match=r"^push-content-1\.key: not a") as caught:
            content_signer(file)
        assert "hunter2" not in str(caught.value)
    file.unlink()
    with pytest.raises(UnusablePushKey, match="cannot be read"):
        request_key(file)


def test_secrets_by_url_two_while_they_are_changed() -> None:
    other = secret_to_text(b"t" * 32)
    found = shared_secrets(f"# of the council\n{URL} {SECRET}\n\n  {URL}\t{other}\n")
    keys = (b"s" * 32, b"t" * 32)
    assert found == {URL: tuple(TransportKey(scheme="v1", key=key) for key in keys)}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (URL, "a URL and a whsec_"),
        (f"{URL} {SECRET} x", "a URL and a whsec_"),
        (f"{URL} hunter2", "begins with"),
        (f"{URL} whsec_hunter", "base64"),
        (f"{URL} {SECRET.replace('whsec_', 'whsk_')}", "begins with whsec_"),
    ],
)
def test_a_line_that_holds_no_secret_is_numbered_and_not_quoted(line: str, why: str) -> None:
    with pytest.raises(UnusablePushKey, match=r"^line 2: ") as caught:
        shared_secrets(f"\n{line}\n")
    assert why in str(caught.value)
    assert "hunter" not in str(caught.value)
