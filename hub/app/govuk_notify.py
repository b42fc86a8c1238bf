"""GOV.UK Notify, made from the settings."""

from adapters.sms.govuk_notify import GovukNotify
from hub.app.files import secret_in
from hub.app.texts import Inbox, Texts
from hub.service.ports import Clock
from hub.settings import Settings, wrong


def texts(settings: Settings, inbox: Inbox, clock: Clock) -> Texts:
    """What comes back comes by callbacks (hub/web/api/callbacks.py). Raises SettingsError."""
    key, template = settings.govuk_notify_api_key_file, settings.govuk_notify_template_id
    if key is None or template is None:
        raise wrong("GOVUK_NOTIFY_API_KEY_FILE", "is required, and the template's id too")
    ca_file = settings.govuk_notify_ca_file
    try:
        return Texts(
            transport=GovukNotify(
                api_key=secret_in("GOVUK_NOTIFY_API_KEY_FILE", key),
                template_id=template,
                sms_sender_id=settings.govuk_notify_sender_id,
                base_url=settings.govuk_notify_url,
                ca_file=None if ca_file is None else str(ca_file),
                timeout=settings.sms_timeout / 3,
                total=settings.sms_timeout,
                at_most=settings.delivery_concurrency,
            )
        )
    except ValueError as error:
        raise wrong("SMS_PROVIDER", str(error)) from None
