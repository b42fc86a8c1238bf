"""The way out by HTTPS push, made from the settings."""

from collections.abc import Mapping
from ipaddress import ip_network

from adapters.https.client import Lookup, Timeouts, look_up
from adapters.https.guard import NotAllowed, Policy, endpoint
from adapters.https.push import PushTransport
from adapters.https.wire import TransportKey
from hub.app.files import tls_client
from hub.edge.push_keys import UnusablePushKey, content_signer, request_key, shared_secrets
from hub.settings import Settings, wrong


def push_transport(settings: Settings, lookup: Lookup = look_up) -> PushTransport:
    """The transport. ``lookup`` resolves names. Raises SettingsError if a key or a file cannot be used."""
    signing = settings.push_content_key
    if signing is None:
        raise wrong("PUSH", f"there is no push-content-*.key in {settings.keys}")
    policy = Policy(
        networks=tuple(ip_network(one) for one in settings.push_networks), ports=frozenset(settings.push_ports)
    )
    try:
        keys = tuple(request_key(path) for path in settings.push_request_keys)
        if not keys:
            raise wrong("PUSH", f"there is no push-request-*.key in {settings.keys}")
        return PushTransport(
            issuer=settings.public_url,
            signer=content_signer(signing),
            transport_keys=keys,
            shared_secrets=_secrets(settings, policy),
            tls_context=tls_client("PUSH_CA_FILE", settings.push_ca_file),
            policy=policy,
            timeouts=Timeouts(
                connect=settings.push_connect_timeout,
                answer=settings.push_answer_timeout,
                total=settings.push_timeout,
            ),
            lookup=lookup,
            # A receiver that must wait for a connection of ours would be taken for one that does not answer.
            connections=settings.delivery_concurrency * 8,
            connections_per_host=settings.delivery_concurrency,
        )
    except UnusablePushKey as error:
        raise wrong("PUSH_CONTENT_KEY_FILE", str(error)) from None
    except ValueError as error:
        raise wrong("PUSH", str(error)) from None


def _secrets(settings: Settings, policy: Policy) -> Mapping[str, tuple[TransportKey, ...]]:
    path = settings.push_secrets_file
    if path is None:
        return {}
    try:
        found = shared_secrets(path.read_text(encoding="ascii"))
        return {endpoint(url, policy).url: keys for url, keys in found.items()}
    except (OSError, UnicodeError) as error:
        raise wrong("PUSH_SECRETS_FILE", f"cannot be read as text ({type(error).__name__})") from None
    except (UnusablePushKey, NotAllowed) as error:
        raise wrong("PUSH_SECRETS_FILE", str(error)) from None
