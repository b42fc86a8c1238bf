"""The settings of API tokens, of TLS on the hub's own port, and of client certificates."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode


class ApiSettings(BaseSettings):
    """How long a token lasts, what a guesser runs into, and by which certificates programs are known."""

    # programs
    api_token_days: float = Field(
        365.0, ge=1, le=366, description="Days an API token lasts at most, and where nobody says how long."
    )
    api_token_failures: float = Field(
        10.0, gt=0, le=6000, description="Tokens that are none one client address may show a minute; thirty at once."
    )
    tls_certificate_file: Path | None = Field(
        None, description="The hub's own TLS certificate, then the chain (PEM): it speaks TLS itself."
    )
    tls_key_file: Path | None = Field(None, description="The key of that certificate (PEM).")
    tls_client_ca_file: Path | None = Field(
        None,
        description="CAs (PEM) that client certificates may be from: the hub asks for one, and takes connections "
        "without one too.",
    )
    client_certificate_from: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Networks of the proxies whose Client-Cert header (RFC 9440) is believed, comma separated; by "
        "default none's.",
    )

    @field_validator("client_certificate_from", mode="before")
    @classmethod
    def _split_certificate_proxies(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("client_certificate_from")
    @classmethod
    def _certificate_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ip_network(text)
            except ValueError:
                raise ValueError("must be networks such as 10.20.0.0/16, comma separated") from None
        return value


def tls_contradictions(settings: ApiSettings) -> list[str]:
    """What cannot be together."""
    wrong: list[str] = []
    if bool(settings.tls_certificate_file) != bool(settings.tls_key_file):
        wrong.append("tls_certificate_file and tls_key_file belong together")
    if settings.tls_client_ca_file and not settings.tls_certificate_file:
        wrong.append("tls_client_ca_file needs tls_certificate_file: a certificate is shown in TLS only")
    return wrong
