"""docs/receiving.md works as written: its commands open a composed and sealed notice, and find exactly the view."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.email.chain import Trust
from adapters.email.prepare import Letterhead, Message, prepare
from adapters.email.smime import Signer
from adapters.port import Envelope
from hub.notices.compose import compose
from tests.kit.gnupg import gnupg_home, import_key
from tests.kit.notices import FIELDS, JPEG, brief, full_view
from tests.kit.pki import NOW, intermediate, person, root, rsa_key

ADDRESS = "missing@police.example"
READER = person(ADDRESS, issuer=intermediate())
HUB = person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub"))
PAGE = (Path(__file__).parents[3] / "docs" / "receiving.md").read_text(encoding="utf-8")
OPENSSL, GPGSM, ATTACHMENTS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
PASSPHRASE = b"test"


def _required(program: str) -> None:
    if shutil.which(program) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is not installed, and CI=true")
        pytest.skip(f"{program} is not installed")


def _run(script: str, folder: Path, given: bytes = b"", **environment: str) -> str:
    done = subprocess.run(
        ("sh", "-e", "-c", script),
        cwd=folder,
        input=given,
        capture_output=True,
        env=os.environ | environment,
        timeout=60,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a notice as it arrived, and what its reader holds."""
    content = compose(full_view(), brief(abduction=True))
    message = prepare(
        Envelope(
            delivery="dl_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            reference="FP-AB12-CD34",
            address=ADDRESS,
            body=content,
            certificates=(READER.der,),
        ),
        NOW,
        Letterhead(
            sender="notices@hub.example",
            mail_domain="hub.example",
            return_path="notices@hub.example",
            size_limit=10_000_000,
        ),
        Signer(certificate=HUB.certificate, key=HUB.key, chain=(intermediate().certificate,)),
        Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,)),
    )
    assert isinstance(message, Message)
    (tmp_path / "notice.eml").write_bytes(message.data)
    (tmp_path / "our-certificate.pem").write_bytes(READER.pem)
    (tmp_path / "our-key.pem").write_bytes(READER.key_pem)
    (tmp_path / "hub-root.pem").write_bytes(root().pem)
    return tmp_path


def _found_what_was_composed(desk: Path) -> None:
    said = _run(ATTACHMENTS, desk)
    assert said == "Missing child: Robin Example\n"
    document = json.loads((desk / "notice.json").read_bytes())
    assert set(document["fields"]) == set(FIELDS)
    assert document["fields"] == FIELDS | {"child.photo": {"attachment": "photo.jpg", "media_type": "image/jpeg"}}
    assert (desk / "photo.jpg").read_bytes() == JPEG


def test_openssl_opens_it_as_the_page_says(desk: Path) -> None:
    _required("openssl")
    at = int(NOW.timestamp())  # the made-up certificates are valid at the test's own time
    said = _run(OPENSSL.replace("-purpose smimesign", f"-purpose smimesign -attime {at}"), desk)
    assert re.search("(?i)verification successful", said)
    assert "notices@hub.example" in said
    _found_what_was_composed(desk)


@pytest.fixture
def key_box() -> Iterator[Path]:
    """A GnuPG home with the reader's key and the hub's authority, as the page supposes."""
    for program in ("gpgsm", "gpgconf", "gpg-agent"):
        _required(program)
    with gnupg_home(("batch", "no-tty", "pinentry-mode loopback", "passphrase-fd 0")) as home:
        for number, data in enumerate((root().pem, intermediate().pem)):
            (home / f"import-{number}").write_bytes(data)
            _run(f"gpgsm --import import-{number}", home, PASSPHRASE + b"\n", GNUPGHOME=str(home))
        import_key(home, lambda: READER.p12(PASSPHRASE), PASSPHRASE)
        yield home


def test_gpgsm_opens_it_as_the_page_says(desk: Path, key_box: Path) -> None:
    said = _run(GPGSM, desk, PASSPHRASE + b"\n", GNUPGHOME=str(key_box))
    assert "Good signature" in said
    assert "notices@hub.example" in said
    _found_what_was_composed(desk)


def test_nothing_of_the_notice_stands_outside_the_encryption(desk: Path) -> None:
    outside = (desk / "notice.eml").read_bytes()
    for value in (b"Robin", b"High Street", b"Sam Example", b"missing child", b"CAD 1234", b"unguessable"):
        assert value.lower() not in outside.lower()
