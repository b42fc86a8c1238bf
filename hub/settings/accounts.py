"""The settings of accounts and signing in."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode


class AccountSettings(BaseSettings):
    """How long a session lasts, and what a guesser runs into."""

    # signing in
    session_idle: float = Field(
        1800.0, ge=60, le=86_400, description="A session that nobody uses for so long is over (seconds)."
    )
    session_longest: float = Field(
        43_200.0, ge=300, le=604_800, description="It is over after so long in any case (seconds)."
    )
    sessions_per_user: int = Field(
        5, ge=1, le=50, description="Browsers one user may be signed in with; a new one ends the oldest."
    )
    sign_in_failures: int = Field(
        10, ge=3, le=100, description="Wrong passwords and codes in a row before an account is locked."
    )
    sign_in_lockout: float = Field(
        900.0,
        ge=60,
        le=86_400,
        description="For how long, the first time (seconds); each time after that twice as long, up to a day.",
    )
    sign_in_rate: float = Field(
        10.0, gt=0, le=6000, description="Tries to sign in one client address has a minute; thirty at once."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.0/8", "::1/128"),
        description="Networks of the proxies in front of the hub, comma separated: only from these is X-Forwarded-For "
        "believed.",
    )

    provider_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Networks that are not the public internet, and in which identity providers may be, "
        "comma separated (10.20.0.0/16).",
    )
    provider_ca_file: Path | None = Field(
        None, description="CAs (PEM) that identity providers' TLS certificates may be from; default the system's."
    )

    @field_validator("trusted_proxies", "provider_networks", mode="before")
    @classmethod
    def _split_proxies(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies", "provider_networks")
    @classmethod
    def _proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ip_network(text)
            except ValueError:
                raise ValueError("must be networks such as 10.20.0.0/16, comma separated") from None
        return value
