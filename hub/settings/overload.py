"""The settings of how much anybody may ask for at once."""

from pydantic import Field
from pydantic_settings import BaseSettings


class OverloadSettings(BaseSettings):
    """Limits that hold for whoever asks. Those of a source's events, and of signing in, stand with their subjects."""

    # too much at once
    connections: int = Field(800, ge=4, le=65_536, description="Connections that are open at once; more are closed.")
    connections_per_address: int = Field(
        200, ge=1, le=65_536, description="Of these, of one client address that is no trusted proxy's."
    )
    bodies_together: int = Field(
        128 * 1024 * 1024, ge=48 * 1024 * 1024, description="Bytes of all request bodies that are being read at once."
    )
    events_at_once: int = Field(
        4,
        ge=1,
        le=256,
        description="Events of one source that are worked on at once; the others of it wait their turn.",
    )
    address_rate: float = Field(
        50.0, gt=0, le=100_000, description="Requests a second of one client address, besides events and callbacks."
    )
    address_burst: int = Field(500, ge=1, le=1_000_000, description="The same, at once.")
    caller_rate: float = Field(
        50.0, gt=0, le=100_000, description="Requests a second by one API token, or of one signed-in browser."
    )
    caller_burst: int = Field(500, ge=1, le=1_000_000, description="The same, at once.")
