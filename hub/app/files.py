"""Small files that settings name: secrets on one line, and authorities."""

import ssl
from pathlib import Path

from adapters.email.credentials import Secret
from hub.settings import wrong


def secret_in(setting: str, path: Path) -> Secret:
    """The one line of the file that ``setting`` names. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeError) as error:
        raise wrong(setting, f"cannot be read as text ({type(error).__name__})") from None
    if not text or "\n" in text:
        raise wrong(setting, "must hold one line")
    return Secret(text)


def tls_client(setting: str, path: Path | None) -> ssl.SSLContext:
    """TLS that trusts the CAs of this file, or the system's. Raises SettingsError."""
    try:
        context = ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise wrong(setting, f"cannot be read as PEM certificates ({type(error).__name__})") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
