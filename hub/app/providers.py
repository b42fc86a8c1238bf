"""The way to identity providers, made from the settings."""

from ipaddress import ip_network

from adapters.https.guard import Policy
from hub.app.files import tls_client
from hub.edge.identity_providers import IdentityProviders
from hub.service.ports import Clock
from hub.settings import Settings


def reached_of(settings: Settings, clock: Clock) -> IdentityProviders:
    """Raises SettingsError if the file of CAs cannot be used."""
    return IdentityProviders(
        clock=clock,
        policy=Policy(networks=tuple(ip_network(one) for one in settings.provider_networks)),
        tls=tls_client("PROVIDER_CA_FILE", settings.provider_ca_file),
    )
