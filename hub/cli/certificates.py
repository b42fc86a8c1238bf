"""A client certificate that is named on the command line."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from hub.cli.console import USAGE, fail


def fingerprint_of(path: Path) -> bytes:
    """SHA-256 of the certificate in a file (PEM or DER). Ends the process with a sentence where there is none."""
    try:
        raw = path.read_bytes()
        pem = raw.lstrip().startswith(b"-----BEGIN")
        found = x509.load_pem_x509_certificate(raw) if pem else x509.load_der_x509_certificate(raw)
    except (OSError, ValueError):
        fail(f"--certificate: {path} is no certificate that can be read.", USAGE)
    return found.fingerprint(SHA256())
