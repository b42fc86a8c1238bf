"""TLS on the hub's own port, made from the settings."""

import ssl
from pathlib import Path

from hub.settings import Settings, wrong


def server_tls(settings: Settings) -> ssl.SSLContext | None:
    """None where a proxy in front speaks TLS. Whoever shows a client certificate shows one of the CAs of the settings,
    or is not let in; whoever shows none is, and opens nothing that is bound to one. Raises SettingsError."""
    certificate, key, authorities = (
        settings.tls_certificate_file, settings.tls_key_file, settings.tls_client_ca_file
    )  # fmt: skip
    if certificate is None or key is None:
        return None
    context = served_with("TLS_CERTIFICATE_FILE", certificate, key)
    if authorities is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        try:
            context.load_verify_locations(authorities)
        except (OSError, ssl.SSLError) as error:
            raise wrong("TLS_CLIENT_CA_FILE", f"holds no CA that can be used ({type(error).__name__})") from None
    return context


def served_with(name: str, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate. Raises SettingsError of the setting ``name``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise wrong(name, f"cannot be used with its key ({type(error).__name__})") from None
    return context
