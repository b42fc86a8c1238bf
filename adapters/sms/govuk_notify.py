"""SMS through GOV.UK Notify, by its own Python client, which blocks and is not thread-safe.

Notify does not know an idempotency key: two requests with one ``reference`` are two messages. So each try first asks
whether a message with the delivery's id is there already, from a try whose answer was lost or was never written down,
and sends only if none is. That closes the gap of a crash and of a timeout but for messages that Notify has taken and
does not list yet: at most one more is sent.
"""

import asyncio
import base64
import binascii
import json
import logging
import re
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from notifications_python_client.errors import APIError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient

from adapters.email.credentials import Secret
from adapters.port import UNTOUCHED, Accepted, Deferred, Envelope, Rejected, Result, Unconfirmed
from adapters.sms.govuk_codes import SEND_AGAIN, Phase, classify
from adapters.sms.prepare import Message, prepare
from adapters.sms.workers import Closed, Crew

LIVE: Final = "https://api.notifications.service.gov.uk"
_UUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY = re.compile(rf".+-{_UUID}-{_UUID}", re.DOTALL)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CLOCK_TOLERANCE: Final = 25.0
"""Seconds. Notify allows 30 to either side; its Date header has whole ones, and the answer took some time."""

# The client logs the provider's words with a warning, and these may quote the number. Results carry the codes.
logging.getLogger("notifications_python_client.base").addFilter(lambda _: False)


class GovukNotify:
    """:class:`adapters.port.Transport` for text messages through GOV.UK Notify."""

    def __init__(
        self,
        *,
        api_key: Secret,
        template_id: str,
        field: str = "text",
        sms_sender_id: str | None = None,
        base_url: str = LIVE,
        ca_file: str | None = None,
        timeout: float = 20.0,
        total: float = 60.0,
        at_most: int = 8,
    ) -> None:
        """``template_id`` names a text message template that is ``((text))`` and nothing else (``field``: what the
        placeholder is called). ``ca_file``: PEM, to trust instead of the usual roots. ``timeout``: seconds to connect,
        and between two bytes; ``total``: seconds one try may take. ``at_most``: tries at once.

        Raises ValueError, which names the setting and never its value.
        """
        if not _KEY.fullmatch(api_key.reveal()):
            raise ValueError(
                "govuk_notify: api_key is not a key name, a service id and a secret key, joined by hyphens"
            )
        if not all(re.fullmatch(_UUID, one) for one in (template_id, sms_sender_id) if one is not None):
            raise ValueError("govuk_notify: template_id and sms_sender_id are UUIDs, as Notify shows them")
        address = urlsplit(base_url)
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOOPBACK):
            raise ValueError("govuk_notify: base_url must be https: what is sent names a person's number")
        if total <= timeout or at_most < 1:
            raise ValueError("govuk_notify: total must be longer than timeout, and at_most at least 1")
        self._template_id = template_id
        self._field = field
        self._sender_id = sms_sender_id
        self._total = total

        def make() -> NotificationsAPIClient:
            client = NotificationsAPIClient(api_key.reveal(), base_url=base_url, timeout=timeout)  # type: ignore[no-untyped-call]
            client.request_session.max_redirects = 0  # what is sent goes nowhere but there
            if ca_file is not None:
                client.request_session.mount("https://", _Trusting(ca_file))
            return client

        self._crew: Crew[NotificationsAPIClient] = Crew(at_most, make, lambda client: client.request_session.close())

    @property
    def channel(self) -> str:
        return "sms"

    @property
    def longest_send(self) -> float:
        """Seconds that one ``deliver`` may take at most; a lease must outlast it."""
        return self._total

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        """Try once. Raises only CancelledError; a request that is under way then ends by itself within ``timeout``."""
        message = prepare(envelope)
        if isinstance(message, Rejected):
            return message
        phase: list[Phase] = ["lookup"]
        try:
            async with asyncio.timeout(self._total):
                return await self._try(message, phase.append)
        except asyncio.CancelledError:
            if phase[-1] == "send":
                raise
            raise asyncio.CancelledError(UNTOUCHED) from None
        except Closed:
            return Deferred(reason="provider_unavailable", detail="closed")
        except APIError as exc:
            return _failed(exc, phase[-1])
        except TimeoutError as exc:
            if phase[-1] == "send":
                return Unconfirmed(detail=type(exc).__name__)
            return Deferred(reason="provider_unavailable", detail=type(exc).__name__)
        except Exception as exc:
            # A fault of ours must not stop the worker; its class is told, as its text could quote what it choked on.
            if phase[-1] == "send":
                return Unconfirmed(reason="unknown", detail=type(exc).__name__)
            return Rejected(reason="unknown", detail=type(exc).__name__, technical=True)

    async def aclose(self) -> None:
        """Take no more. Threads that wait for Notify are not waited for: none of them keeps the process alive."""
        self._crew.close()

    async def _try(self, message: Message, enter: Callable[[Phase], None]) -> Result:
        async with self._crew.lease() as worker:
            listed = await worker.do(
                lambda client: client.get_all_notifications(template_type="sms", reference=message.delivery)  # type: ignore[no-untyped-call]
            )
            there = _on_its_way(listed, message.delivery)
            if there is not None:
                return _taken(there, there.get("body"), message)
            enter("send")
            sent = await worker.do(
                lambda client: client.send_sms_notification(  # type: ignore[no-untyped-call]
                    phone_number=message.number,
                    template_id=self._template_id,
                    personalisation={self._field: message.text},
                    reference=message.delivery,
                    sms_sender_id=self._sender_id,
                )
            )
            content = sent.get("content") if isinstance(sent, dict) else None
            return _taken(sent, content.get("body") if isinstance(content, dict) else None, message)


class _Trusting(requests.adapters.HTTPAdapter):
    """Trusts one file of roots. A session's own ``verify`` gives way to REQUESTS_CA_BUNDLE of the environment."""

    def __init__(self, ca_file: str) -> None:
        self._ca_file = ca_file
        super().__init__()

    def send(self, request: requests.PreparedRequest, *rest: Any, **named: Any) -> requests.Response:
        return super().send(request, *rest, **{**named, "verify": self._ca_file})


def _on_its_way(listed: Any, delivery: str) -> dict[str, Any] | None:
    """The newest message of this delivery that does not have to be sent again. Raises InvalidResponse."""
    found = listed.get("notifications") if isinstance(listed, dict) else None
    if not isinstance(found, list):
        raise InvalidResponse
    for one in found:
        if isinstance(one, dict) and one.get("reference") == delivery and one.get("status") not in SEND_AGAIN:
            return one
    return None


def _taken(notification: Any, body: object, message: Message) -> Result:
    """Accepted, if what Notify says it sends is our text: a template without its placeholder sends something else."""
    identity = notification.get("id") if isinstance(notification, dict) else None
    if not isinstance(identity, str) or not re.fullmatch(_UUID, identity):
        return Unconfirmed(reason="unknown", detail="answer without an id")
    if not isinstance(body, str) or "".join(message.text.split()) not in "".join(body.split()):
        return Rejected(reason="misconfigured", detail="the template does not show the text", technical=True)
    return Accepted(provider_reference=identity, digest=message.digest)


def _failed(error: APIError, phase: Phase) -> Result:
    """What the client raised. Its ``status_code`` is 503 where there was no answer at all, so the cause is asked."""
    detail = type(error.__cause__ or error).__name__
    if isinstance(error, InvalidResponse):
        if phase == "send":
            return Unconfirmed(reason="unknown", detail=detail)
        return Deferred(reason="provider_unavailable", detail=detail)
    response = error.response
    if response is not None:
        first = _first(error)
        said = first.get("message")
        return classify(
            phase,
            response.status_code,
            str(first.get("error", "")),
            about_number=isinstance(said, str) and said.startswith("phone_number "),
            clock_off=_clock_off(response),
            retry_after=response.headers.get("Retry-After", ""),
        )
    causes = tuple(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Deferred(reason="tls_failed", detail="SSLCertVerificationError")
    if any(isinstance(cause, requests.ConnectTimeout) for cause in causes):
        return Deferred(reason="connection_failed", detail=detail)
    if phase == "send" and not any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Unconfirmed(detail=detail)
    tls = any(isinstance(cause, requests.exceptions.SSLError) for cause in causes)
    slow = any(isinstance(cause, requests.ReadTimeout) for cause in causes)
    return Deferred(
        reason="tls_failed" if tls else "provider_unavailable" if slow else "connection_failed", detail=detail
    )


def _first(error: APIError) -> dict[str, Any]:
    errors: Any = error.message
    first: Any = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else {}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it: urllib3 keeps some of that in ``reason`` and in arguments."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _clock_off(response: requests.Response) -> bool:
    """Whether our clock, as the token that we sent has it, is off by more than a token lives."""
    try:
        claims = str(response.request.headers["Authorization"]).split(".")[1]
        issued = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iat"]
        there = parsedate_to_datetime(response.headers["Date"]).timestamp()
        return abs(there - float(issued)) > _CLOCK_TOLERANCE
    except (KeyError, IndexError, TypeError, ValueError, binascii.Error):
        return False
