"""The settings of the channels beside e-mail, and of what comes back: push, text messages, receipts."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Paths = Annotated[tuple[Path, ...], NoDecode]
Texts = Annotated[tuple[str, ...], NoDecode]
Ports = Annotated[tuple[Port, ...], NoDecode]


class ChannelSettings(BaseSettings):
    """Each is off until it is set up; a contact on a channel that is off cannot be used, which is an alarm."""

    # the way out: e-mail in an authority's own name
    signer_domains: Texts = Field(
        (),
        description="Domains besides the sender's for which the relay signs (DKIM), comma separated: only from "
        "addresses in these does an authority's own certificate sign.",
    )

    # the way out: HTTPS push
    push: bool = Field(False, description="Send notices by HTTPS push to the contacts that have such an address.")
    push_content_key_file: Path | None = Field(
        None,
        description="The hub's key for content (PEM, P-256); default the last push-content-*.key of the keys folder.",
    )
    push_request_key_files: Paths = Field(
        (),
        description="The hub's keys for requests (PEM, Ed25519), comma separated: each signs, so two stand side by "
        "side while they are rotated; default all push-request-*.key of the keys folder.",
    )
    push_secrets_file: Path | None = Field(
        None, description="Secrets shared with single receivers: lines of a URL and a whsec_… key."
    )
    push_networks: Texts = Field(
        (),
        description="Networks that are not the public internet and may be called, comma separated (10.20.0.0/16); "
        "metadata services, multicast and such never.",
    )
    push_ports: Ports = Field((443,), description="Ports that may be called, comma separated.")
    push_ca_file: Path | None = Field(
        None, description="CAs (PEM) that receivers' TLS certificates may be from; default the system's."
    )
    push_connect_timeout: Seconds = Field(10.0, description="To find the address, connect and negotiate TLS.")
    push_answer_timeout: Seconds = Field(30.0, description="For the answer to begin once all is sent.")
    push_timeout: Seconds = Field(60.0, description="For one request in all.")

    # the way out: text messages
    sms_provider: Literal["none", "govuk_notify", "smpp"] = Field(
        "none", description="Who carries text messages: content-free alerts, never a notice."
    )
    sms_timeout: Seconds = Field(60.0, description="For one text message in all.")
    sms_replies: bool = Field(
        False,
        description="Ask whoever gets an alert to text a code back. Needs a number that can be answered and whose "
        "messages come to the hub.",
    )
    govuk_notify_api_key_file: Path | None = Field(
        None, description="GOV.UK Notify: file with a live API key on one line."
    )
    govuk_notify_template_id: str | None = Field(
        None, description="Its text message template, whose whole text is ((text)).", max_length=64
    )
    govuk_notify_sender_id: str | None = Field(
        None, description="Which of the service's senders is shown; default its own default.", max_length=64
    )
    govuk_notify_callback_token_files: Paths = Field(
        (),
        description="Files with the bearer token of its callbacks, one line each, comma separated: the present one "
        "and, while it is changed, the one before.",
    )
    govuk_notify_url: str = Field(
        "https://api.notifications.service.gov.uk", description="Where its API is.", max_length=253
    )
    govuk_notify_ca_file: Path | None = Field(
        None, description="CA (PEM) of that address; default what its client trusts."
    )
    smpp_host: str | None = Field(None, description="SMPP 3.4: the provider's SMSC.", max_length=253)
    smpp_port: Port = Field(3550, description="Its port.")
    smpp_tls: Literal["required", "none"] = Field(
        "required", description="none: the password and the alerts go in clear, so only over a private line."
    )
    smpp_ca_file: Path | None = Field(None, description="CA that signed the SMSC's certificate; default the system's.")
    smpp_system_id: str | None = Field(None, description="Name of the account.", max_length=15)
    smpp_password_file: Path | None = Field(None, description="File with its password on one line.")
    smpp_system_type: str = Field("", description="Type of system, if the provider asks for one.", max_length=12)
    smpp_source: str | None = Field(
        None,
        description="What recipients see: a number (+44…), a short code, or a name of 3 to 11 letters and digits, "
        "which nobody can reply to.",
        max_length=20,
    )
    smpp_submit_ids: Literal["text", "hex", "decimal"] = Field(
        "text", description="How the SMSC writes message ids in its answers."
    )
    smpp_receipt_ids: Literal["text", "hex", "decimal"] = Field(
        "text", description="And in the text of receipts. If every receipt comes back unknown, it is these two."
    )
    smpp_alphabet: Literal["gsm", "latin-1"] = Field("gsm", description="The SMSC's default alphabet.")
    smpp_tag: int = Field(
        0x1400, ge=0, le=0x3FFF, description="Optional parameter that carries the delivery's id; 0 for none."
    )
    smpp_validity: float = Field(
        86_400.0, ge=0, le=30 * 86_400, description="How long the SMSC goes on trying; 0 as it likes."
    )
    smpp_window: int = Field(10, ge=1, le=1000, description="Messages that may await the SMSC's answer.")

    # the way back: receipts by e-mail
    receipts_address: str | None = Field(
        None,
        description="Where readers' programs report to, with {token} before the @; default the return path.",
        max_length=254,
    )
    receipts_host: str = Field("127.0.0.1", description="Address to take receipts by e-mail on.", max_length=253)
    receipts_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="Port for that, behind your mail server; 0 picks a free one; default none is opened.",
    )
    receipts_protocol: Literal["lmtp", "smtp"] = Field("lmtp", description="What is spoken there.")
    receipts_tls_certificate_file: Path | None = Field(
        None, description="Certificate (PEM, with its chain) to offer STARTTLS there."
    )
    receipts_tls_key_file: Path | None = Field(None, description="Its key (PEM).")
    receipts_tls_required: bool = Field(False, description="Take nothing there without TLS.")
    receipts_connections: int = Field(20, ge=1, le=1000, description="Connections there at once.")

    @field_validator(
        "push_request_key_files",
        "signer_domains",
        "push_networks",
        "push_ports",
        "govuk_notify_callback_token_files",
        mode="before",
    )
    @classmethod
    def _parts(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("push_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ip_network(one)
            except ValueError:
                raise ValueError("each is a network such as 10.20.0.0/16, without bits set behind its prefix") from None
        return value

    @field_validator("push_ports")
    @classmethod
    def _ports(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value:
            raise ValueError("needs a port at least")
        return value

    @field_validator("smpp_tag")
    @classmethod
    def _tag(cls, value: int) -> int:
        if value and value < 0x1400:
            raise ValueError("is 5120 to 16383, the range for vendors, or 0")
        return value

    @field_validator("receipts_address")
    @classmethod
    def _template(cls, value: str | None) -> str | None:
        if value is not None and "{token}" not in value.rpartition("@")[0]:
            raise ValueError("must hold {token} before the @")
        return value


def contradictions(settings: ChannelSettings, longest_send: float, templates: Sequence[str]) -> Iterator[str]:
    """What cannot stand together. ``templates``: the addresses that receipts come back to."""
    if settings.push and settings.push_timeout > longest_send:
        yield "push_timeout must not be longer than longest_send: what is cut off counts as perhaps sent"
    if settings.sms_provider != "none" and settings.sms_timeout > longest_send:
        yield "sms_timeout must not be longer than longest_send: what is cut off counts as perhaps sent"
    if settings.receipts_port is not None and not templates:
        yield "receipts_port takes mail for return_path or receipts_address: put {token} into one of them"
    if bool(settings.receipts_tls_certificate_file) != bool(settings.receipts_tls_key_file):
        yield "receipts_tls_certificate_file and receipts_tls_key_file belong together"
    if settings.receipts_tls_required and not settings.receipts_tls_certificate_file:
        yield "receipts_tls_required needs receipts_tls_certificate_file"
