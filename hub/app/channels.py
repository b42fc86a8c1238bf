"""Every way out that is switched on, and the ways back in, made from the settings. Each raises SettingsError."""

import ssl
from collections.abc import Mapping

from adapters.email.address import InvalidField
from adapters.email.credentials import Secret
from adapters.email.listener import Limits, Listener, Take
from adapters.email.verp import ReceiptsAddress
from adapters.https.client import Lookup
from adapters.port import Transport
from hub.app.files import secret_in
from hub.app.mail import Signing, email_transport
from hub.app.push import push_transport
from hub.app.replies import answered_at
from hub.app.texts import Texts
from hub.app.tls import served_with
from hub.settings import Settings, wrong


def transports(settings: Settings, signing: Signing, texts: Texts | None, lookup: Lookup) -> Mapping[str, Transport]:
    """By channel. ``lookup`` resolves the names of push addresses."""
    made: list[Transport] = [email_transport(settings, signing)]
    if settings.push:
        made.append(push_transport(settings, lookup))
    if texts is not None:
        made.append(texts.transport)
    return {transport.channel: transport for transport in made}


def receipts_addresses(settings: Settings) -> tuple[ReceiptsAddress, ...]:
    """Where receipts by e-mail come back to."""
    try:
        return tuple(ReceiptsAddress.of_template(template) for template in settings.receipts_by_mail)
    except InvalidField as error:
        raise wrong("RETURN_PATH", str(error)) from None


def receipts_listener(settings: Settings, signing: Signing, take: Take) -> Listener | None:
    """What takes receipts by e-mail; None where no port is given for it."""
    if settings.receipts_port is None:
        return None
    try:
        return Listener(
            take,
            addresses=receipts_addresses(settings),
            mailboxes=answered_at(settings, signing),
            hostname=settings.domain or "localhost",
            protocol=settings.receipts_protocol,
            tls_context=_tls_server(settings),
            require_tls=settings.receipts_tls_required,
            limits=Limits(connections=settings.receipts_connections),
        )
    except ValueError as error:
        raise wrong("RECEIPTS_PORT", str(error)) from None


def callback_tokens(settings: Settings) -> tuple[Secret, ...]:
    """What GOV.UK Notify says that it is by."""
    if settings.sms_provider != "govuk_notify":
        return ()
    name = "GOVUK_NOTIFY_CALLBACK_TOKEN_FILES"
    return tuple(secret_in(name, path) for path in settings.govuk_notify_callback_token_files)


def _tls_server(settings: Settings) -> ssl.SSLContext | None:
    certificate, key = settings.receipts_tls_certificate_file, settings.receipts_tls_key_file
    if certificate is None or key is None:
        return None
    return served_with("RECEIPTS_TLS_CERTIFICATE_FILE", certificate, key)
