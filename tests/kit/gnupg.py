"""A GnuPG home of a test's own, with its agent."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
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
