"""What ``serve`` still lacks, and what is allowed but risky."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hub.settings.load import Problem
from hub.settings.model import PREFIX, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Something allowed that an operator should know of, by name."""

    name: str
    message: str


def missing_for_serving(settings: Settings) -> tuple[Problem, ...]:
    """What ``serve`` needs besides and is not there: files and the mail relay. Reads the file system."""
    missing: list[Problem] = []
    for name in ("smtp_host", "sender"):
        if getattr(settings, name) is None:
            missing.append(Problem(setting=PREFIX + name.upper(), message="is required: no notice could leave"))
    for name in NEEDED[settings.sms_provider]:
        if getattr(settings, name) is None:
            why = f"is required for sms_provider={settings.sms_provider}"
            missing.append(Problem(setting=PREFIX + name.upper(), message=why))
    files: tuple[tuple[str, Path | None], ...] = (
        ("index_secret_file", settings.index_secret),
        ("signer_key_file", settings.signer_key),
        ("signer_certificate_file", settings.signer_certificate),
        ("smtp_ca_file", settings.smtp_ca_file),
        ("smtp_password_file", settings.smtp_password_file),
        ("provider_ca_file", settings.provider_ca_file),
        ("tls_certificate_file", settings.tls_certificate_file),
        ("tls_key_file", settings.tls_key_file),
        ("tls_client_ca_file", settings.tls_client_ca_file),
        *(("kek_files", path) for path in settings.kek_files),
        *_channel_files(settings),
        *(("trust_anchor_files", path) for path in settings.trust_anchor_files),
    )
    for name, path in files:
        if path is not None and not os.access(path, os.R_OK):
            hint = " (run `fingerpost keys init`)" if settings.keys in path.parents else ""
            missing.append(Problem(setting=PREFIX + name.upper(), message=f"cannot read {path}{hint}"))
    if not settings.keks_elsewhere and not settings.kek_files and not any(settings.keys.glob("kek-*.key")):
        missing.append(
            Problem(
                setting=PREFIX + "KEK_FILES", message=f"no kek-*.key in {settings.keys} (run `fingerpost keys init`)"
            )
        )
    if settings.push and (settings.push_content_key is None or not settings.push_request_keys):
        why = f"needs push-content-*.key and push-request-*.key in {settings.keys}"
        hint = "(run `fingerpost keys push --new-content --new-request`)"
        missing.append(Problem(setting=PREFIX + "PUSH", message=f"{why} {hint}"))
    return tuple(missing)


NEEDED: dict[str, tuple[str, ...]] = {
    "none": (),
    "govuk_notify": ("govuk_notify_api_key_file", "govuk_notify_template_id"),
    "smpp": ("smpp_host", "smpp_system_id", "smpp_password_file", "smpp_source"),
}
"""What each provider of text messages cannot do without."""


def _channel_files(settings: Settings) -> Iterator[tuple[str, Path | None]]:
    """The files of what is switched on."""
    if settings.push:
        yield "push_content_key_file", settings.push_content_key_file
        yield "push_secrets_file", settings.push_secrets_file
        yield "push_ca_file", settings.push_ca_file
        yield from (("push_request_key_files", path) for path in settings.push_request_key_files)
    if settings.sms_provider == "govuk_notify":
        yield "govuk_notify_api_key_file", settings.govuk_notify_api_key_file
        yield "govuk_notify_ca_file", settings.govuk_notify_ca_file
        yield from (("govuk_notify_callback_token_files", path) for path in settings.govuk_notify_callback_token_files)
    if settings.sms_provider == "smpp":
        yield "smpp_password_file", settings.smpp_password_file
        yield "smpp_ca_file", settings.smpp_ca_file
    if settings.receipts_port is not None:
        yield "receipts_tls_certificate_file", settings.receipts_tls_certificate_file
        yield "receipts_tls_key_file", settings.receipts_tls_key_file


LOOPBACK = ("127.0.0.1", "::1", "localhost")


RISKS: tuple[tuple[str, str, Callable[[Settings], bool]], ...] = (
    (
        "public_url_without_tls",
        "recipients' names and answers travel in clear: put a TLS proxy in front and give its https URL",
        lambda s: (
            s.public_url.startswith("http://") and urlsplit(s.public_url).hostname not in ("127.0.0.1", "localhost")
        ),
    ),
    (
        "public_url_is_this_machine",
        "links in notices lead to 127.0.0.1, where no recipient can follow them: set FINGERPOST_PUBLIC_URL",
        lambda s: urlsplit(s.public_url).hostname in ("127.0.0.1", "localhost", "::1"),
    ),
    (
        "listening_beyond_this_machine",
        "the hub speaks plain HTTP on every address it listens on: bind to 127.0.0.1 behind a TLS proxy, or set "
        "FINGERPOST_TLS_CERTIFICATE_FILE",
        lambda s: not s.loopback and s.tls_certificate_file is None,
    ),
    (
        "metrics_open_to_all",
        "anyone who reaches the port can read /metrics: set FINGERPOST_METRICS_OPEN=false or do not publish the path",
        lambda s: s.metrics_open and not s.loopback,
    ),
    (
        "smtp_tls_not_required",
        "addresses and references may travel to the relay in clear: set FINGERPOST_SMTP_TLS=required",
        lambda s: s.smtp_tls == "opportunistic",
    ),
    (
        "password_in_the_environment",
        "a password in the environment is seen by every process of this user: use FINGERPOST_SMTP_PASSWORD_FILE",
        lambda s: s.smtp_password is not None,
    ),
    (
        "kek_in_the_environment",
        "a key in the environment is seen by every process of this user: use a file, or FINGERPOST_KEK_COMMAND",
        lambda s: s.kek_variable is not None,
    ),
    (
        "keys_beside_the_data",
        "a backup of the data folder would hold the keys that open it: set FINGERPOST_KEYS_FOLDER elsewhere",
        lambda s: s.data_folder in s.keys.parents or s.data_folder == s.keys,
    ),
    (
        "key_store_beside_the_data",
        "backups of the data folder keep erased keys alive: set FINGERPOST_KEY_STORE_URL elsewhere",
        lambda s: s.key_store_url is None,
    ),
    (
        "no_trust_anchors",
        "only recipients' certificates pinned by fingerprint can be used: set FINGERPOST_TRUST_ANCHOR_FILES",
        lambda s: not s.trust_anchor_files,
    ),
    (
        "no_operator_address",
        "alarms reach only those who look: set FINGERPOST_OPERATOR_ADDRESS or the operator's desks in the directory",
        lambda s: s.operator_address is None,
    ),
    (
        "no_heartbeat",
        "nobody notices when the hub dies silently: set FINGERPOST_HEARTBEAT_URL to a dead man's switch",
        lambda s: s.heartbeat_url is None,
    ),
    (
        "no_audit_key",
        "nothing vouches for the audit log: make a key for its checkpoints with `fingerpost keys audit --new`",
        lambda s: not any(s.keys.glob("audit-*.key")),
    ),
    (
        "audit_kept_here_only",
        "whoever owns the database can cut the audit log short unseen: set FINGERPOST_AUDIT_FOLDER or _AUDIT_URL",
        lambda s: s.audit_folder is None and s.audit_url is None,
    ),
    (
        "gives_up_early",
        "the retry schedule ends within four hours: a relay's outage of a night makes notices undeliverable",
        lambda s: sum(s.retry_schedule) < 4 * 3600,
    ),
    (
        "wide_signature_tolerance",
        "a captured request can be replayed for longer than Standard Webhooks' five minutes",
        lambda s: s.signature_tolerance > 300,
    ),
    (
        "bounces_go_unseen",
        "what comes back goes to a mailbox and not to the hub: put {token} into FINGERPOST_RETURN_PATH",
        lambda s: not s.receipts_by_mail,
    ),
    (
        "receipts_in_clear",
        "who was told, and when they read it, is taken in clear on every address: set FINGERPOST_RECEIPTS_TLS_REQUIRED",
        lambda s: s.receipts_port is not None and s.receipts_host not in LOOPBACK and not s.receipts_tls_required,
    ),
    (
        "push_into_private_networks",
        "whoever may change the directory can have the hub call these networks: keep FINGERPOST_PUSH_NETWORKS small",
        lambda s: s.push and bool(s.push_networks),
    ),
    (
        "alerts_without_a_link",
        "an alert by SMS bears a link only where FINGERPOST_PUBLIC_URL is https",
        lambda s: s.sms_provider != "none" and not s.public_url.startswith("https://"),
    ),
    (
        "texts_without_receipts",
        "nobody learns which texts arrived: set FINGERPOST_GOVUK_NOTIFY_CALLBACK_TOKEN_FILES, and the callbacks there",
        lambda s: s.sms_provider == "govuk_notify" and not s.govuk_notify_callback_token_files,
    ),
    (
        "smpp_in_clear",
        "the password and the numbers of whoever is alerted go in clear: set FINGERPOST_SMPP_TLS=required",
        lambda s: s.sms_provider == "smpp" and s.smpp_tls == "none" and s.smpp_host not in LOOPBACK,
    ),
)


def risks(settings: Settings) -> tuple[Risk, ...]:
    """Every risky combination that holds, by name."""
    return tuple(Risk(name=name, message=message) for name, message, holds in RISKS if holds(settings))
