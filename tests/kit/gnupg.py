"""A GnuPG home of a test's own, with its agent."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from tests.kit.pki import root


@contextmanager
def gnupg_home(options: Sequence[str] = ()) -> Iterator[Path]:
    """A home that trusts the test root, with these options for gpgsm; its path is short enough for sockets.

    The agent is started here, and the block begins once it listens. gpgsm would start one by itself, and gives up if
    that has not come up after five seconds, which it may not have on a busy machine. It would start dirmngr likewise,
    of which nothing is needed.
    """
    with tempfile.TemporaryDirectory(prefix="fp") as name:
        home = Path(name)
        home.chmod(0o700)
        (home / "gpgsm.conf").write_text("\n".join(("disable-crl-checks", "disable-dirmngr", *options)) + "\n")
        anchor = root().certificate.fingerprint(hashes.SHA1()).hex().upper()
        (home / "trustlist.txt").write_text(f"{anchor} S relax\n")
        agent = ("gpg-agent", "--homedir", name, "--quiet", "--daemon", "sh", "-c", "echo up; read _")
        with subprocess.Popen(agent, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == b"up\n", "the agent did not start"
            try:
                yield home
            finally:
                subprocess.run(("gpgconf", "--homedir", name, "--kill", "all"), check=False, timeout=60)
                running.stdin.close()  # type: ignore[union-attr]  # it is a pipe


def import_key(home: Path, made: Callable[[], bytes], passphrase: bytes) -> None:
    """A key and its certificate into this home. ``made``: a PKCS#12 file, with another salt each time: of the files
    that every other program opens gpgsm 2.2 refuses one in fifty, and the same one always."""
    options = ("--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase-fd", "0")
    for _ in range(5):
        (home / "key.p12").write_bytes(made())
        done = subprocess.run(
            ("gpgsm", *options, "--import", str(home / "key.p12")), input=passphrase + b"\n", capture_output=True,
            env={**os.environ, "GNUPGHOME": str(home)}, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return
    raise AssertionError(done.stderr.decode(errors="replace"))
