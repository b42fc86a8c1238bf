"""Every setting, with its bounds and its default."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from contacts.model import Channel
from hub.settings.accounts import AccountSettings
from hub.settings.api import ApiSettings, tls_contradictions
from hub.settings.audit import AuditSettings
from hub.settings.channels import ChannelSettings, Paths, Port, Seconds, contradictions
from hub.settings.keys import KeySettings
from hub.settings.overload import OverloadSettings
from hub.settings.retention import RetentionSettings

PREFIX = "FINGERPOST_"

Schedule = Annotated[tuple[float, ...], NoDecode]
Sealers = Annotated[int, Field(ge=0, le=64)] | Literal["auto"]
Role = Literal["web", "worker", "clock"]
Roles = Annotated[tuple[Role, ...], NoDecode]


class Settings(
    ChannelSettings, AccountSettings, OverloadSettings, ApiSettings, AuditSettings, KeySettings, RetentionSettings
):
    """All settings. Durations are seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True)

    # where things are kept
    data_folder: Path = Field(Path("fingerpost-data"), description="Folder of everything the hub keeps by default.")
    database_url: SecretStr | None = Field(
        None,
        description="Ledger: sqlite:///FILE or postgresql://…; default fingerpost.sqlite3 in the data folder.",
    )
    key_store_url: SecretStr | None = Field(
        None,
        description="Data keys, kept apart from the ledger and its backups; default keys.sqlite3 in the data folder.",
    )
    keys_folder: Path | None = Field(
        None, description="Where `fingerpost keys init` writes; default keys/ in the data."
    )
    kek_files: Paths = Field(
        (),
        description="Key-encryption keys, comma separated, 32 bytes each, named kek-ID.key; default: all in the keys "
        "folder.",
    )
    kek_current: str | None = Field(
        None,
        description="ID of the one to begin with, or to change to at the next start; default, for an empty key store, "
        "the last by name. `fingerpost keys rotate` changes it while hubs run.",
    )
    index_secret_file: Path | None = Field(
        None, description="Secret (32 bytes) behind keyed hashes and acknowledgement links; default index.key."
    )
    api_tokens_file: Path | None = Field(
        None,
        description="Where earlier versions kept hashed API tokens, which are brought in once; default api-tokens.json "
        "in the data.",
    )
    packs_folder: Path | None = Field(
        None,
        description="Protocol packs of your own (NAME.toml), besides those delivered or in place of their namesakes.",
    )

    # the way out: e-mail
    smtp_host: str | None = Field(None, description="Mail relay. Required by `serve`.", max_length=253)
    smtp_port: Port = Field(587, description="Its port.")
    smtp_tls: Literal["required", "implicit", "opportunistic"] = Field(
        "required",
        description="required: STARTTLS or nothing is sent; implicit: TLS from the first byte; opportunistic: STARTTLS "
        "where offered (a relay on this machine).",
    )
    smtp_ca_file: Path | None = Field(None, description="CA that signed the relay's certificate; default the system's.")
    smtp_user: str | None = Field(None, description="User name at the relay, if it asks for one.")
    smtp_password: SecretStr | None = Field(None, description="Its password; better from smtp_password_file.")
    smtp_password_file: Path | None = Field(None, description="File with the password on one line.")
    smtp_pool: int = Field(
        8,
        ge=1,
        le=64,
        description="Connections to the relay; up to four times as many while it lets some wait for their answer. More "
        "than 8 help where it takes longer than 5 ms for each mail; see how many it allows one client.",
    )
    smtp_connect_timeout: Seconds = Field(10.0, description="To connect and negotiate TLS.")
    smtp_command_timeout: Seconds = Field(30.0, description="For each command before the message.")
    smtp_content_timeout: Seconds = Field(90.0, description="For the message itself and its answer.")
    longest_send: Seconds = Field(
        180.0, description="For one delivery in all, from waiting for a connection to the answer; then it is cut off."
    )
    sender: str | None = Field(None, description="Address notices come from. Required by `serve`.", max_length=254)
    sender_name: str = Field("Fingerpost", description="Name shown beside it.", max_length=64)
    return_path: str | None = Field(
        None,
        description="Address bounces go to; default the sender. With `{token}` before the @, each notice has its own, "
        "and reports that come back are known by it.",
        max_length=254,
    )
    mail_domain: str | None = Field(
        None, description="Right side of Message-IDs; default the sender's.", max_length=253
    )
    operator_address: str | None = Field(
        None, description="Mailbox told, content-free, of what nobody else can be told.", max_length=254
    )
    sandbox_address: str | None = Field(
        None,
        description="The mailbox that exercises and tests reach wherever no contact takes part in them; without it "
        "nobody is reached there.",
        max_length=254,
    )

    # signing and trust
    signer_key_file: Path | None = Field(None, description="The hub's S/MIME key (PEM); default signer.key.")
    signer_certificate_file: Path | None = Field(
        None, description="Its certificate, then the chain (PEM); default signer.crt."
    )
    trust_anchor_files: Paths = Field(
        (), description="CAs (PEM) whose certificates recipients may use, comma separated."
    )

    # delivery
    sealers: Sealers = Field(
        "auto",
        description="Processes beside this one that write and seal notices by e-mail, some 50 MiB each. `auto`: in a "
        "rush and for five minutes after it one where there are two processors, two where there are more, none where "
        "there is one. A number: so many always; 0: this one does it all.",
    )
    retry_schedule: Schedule = Field(
        (30, 120, 600, 1800, 3600, 7200, 14_400, 28_800), description="Waits between tries; then it is undeliverable."
    )
    retry_jitter: float = Field(0.2, ge=0, le=1, description="Share of each wait that is left to chance.")
    retry_after_limit: Seconds = Field(3600.0, description="Longest a relay may make the hub wait.")
    lease: Seconds = Field(
        300.0, description="How long a delivery is in one worker's hands; outlasts the longest send."
    )
    delivery_concurrency: int = Field(
        16, ge=2, le=256, description="Deliveries in flight at once, a channel; HTTPS push has four times as many."
    )
    delivery_reserve: int = Field(4, ge=1, le=255, description="Of these, places that no reminder takes.")
    delivery_per_destination: int | None = Field(
        None, ge=1, le=256, description="Deliveries to one host of HTTPS push at once; default a quarter."
    )
    delivery_poll: Seconds = Field(1.0, description="How often to look for due deliveries when nothing nudges.")
    clock_tick: Seconds = Field(1.0, description="How often the clocks of the episodes are looked at.")
    roles: Roles = Field(
        ("web", "worker", "clock"),
        description="What this process does, comma separated; of several on one PostgreSQL each may do its part. web: "
        "requests and receipts; worker: delivers; clock: clocks, chasing, alarms, and whatever else is done again and "
        "again. Each answers /health and /metrics.",
    )
    node: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="This node's name in leases, of each hub another; default made at each start.",
    )

    # the way in
    bind_host: str = Field("127.0.0.1", description="Address to listen on.", max_length=253)
    bind_port: int = Field(8080, ge=0, le=65_535, description="Port to listen on; 0 picks a free one.")
    public_url: str = Field(
        "http://127.0.0.1:8080", description="What recipients reach the hub by; links start with it."
    )
    pickup_openings: int = Field(
        10, ge=1, le=1000, description="How often one pick-up link opens its notice; then it is dead."
    )
    pickup_days: float = Field(
        7.0, gt=0, le=90, description="Days after which a pick-up link is dead, from when it was sent last."
    )
    signature_tolerance: float = Field(300.0, ge=30, le=900, description="How far a sender's clock may be off.")
    rate_per_second: float = Field(50.0, gt=0, le=100_000, description="Events a second one source may send.")
    rate_burst: int = Field(200, ge=1, le=1_000_000, description="Events one source may send at once.")
    read_timeout: Seconds = Field(15.0, description="How long a client may take to send its request.")
    connections_reading: int = Field(256, ge=1, le=65_536, description="Requests whose bodies may be read at once.")
    sources_refresh: Seconds = Field(5.0, description="How soon a new source or key is known to a running hub.")
    metrics_open: bool = Field(True, description="Serve /metrics without a token (it holds no personal data).")

    # watching it
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    overdue_after: Seconds = Field(120.0, description="How late work may be before /health/overdue says 503.")
    heartbeat_url: SecretStr | None = Field(None, description="Called while no work is overdue: a dead man's switch.")
    heartbeat_every: Seconds = Field(60.0, description="How often.")
    canary_email: str | None = Field(
        None, description="Mailbox that a test message without content goes to, again and again.", max_length=254
    )
    canary_sms: str | None = Field(
        None, pattern=r"^\+[1-9][0-9]{6,14}$", description="Mobile number for the same (+447700900123)."
    )
    canary_every: float = Field(
        3600.0, ge=900, le=86_400, description="How often; what has not gone out ten minutes later is an alarm."
    )
    canary_receipts: bool = Field(False, description="It is one as well if no receipt has come back by then.")
    verify_contacts: bool = Field(
        True, description="Ask each contact of the directory now and then to confirm that what is sent there is read."
    )
    verify_every_days: float = Field(90.0, ge=1, le=730, description="Days that such a proof is good for.")
    verify_within_days: float = Field(
        7.0, ge=1, le=60, description="Days to answer; who has not by then is an alarm of their organisation."
    )
    verify_per_hour: int = Field(240, ge=1, le=100_000, description="Contacts asked in an hour at most.")
    directory_change_days: float = Field(
        14.0, ge=1, le=90, description="Days a change of the directory waits for a second person; then it lapses."
    )
    directory_round_trip: bool = Field(
        False,
        description="A contact may move to another mailbox when both agree by a link, without a second person "
        "(decision 0016).",
    )
    stop_within: float = Field(10.0, ge=1, le=60, description="Longest an orderly stop may take.")

    @field_validator("kek_files", "trust_anchor_files", "retry_schedule", "roles", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("retry_schedule")
    @classmethod
    def _schedule(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not 1 <= len(value) <= 50:
            raise ValueError("needs 1 to 50 waits")
        if any(not 1 <= wait <= 7 * 86_400 for wait in value):
            raise ValueError("each wait is 1 second to 7 days")
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be http(s)://HOST[:PORT][/PATH] without a query")
        if parts.username or parts.password:
            raise ValueError("must not hold credentials")
        return value.rstrip("/")

    @field_validator("sender", "return_path", "operator_address", "sandbox_address", "canary_email")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}", value):
            raise ValueError("must be one plain e-mail address")
        return value

    @field_validator("database_url", "key_store_url")
    @classmethod
    def _dialect(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(
            ("sqlite://", "sqlite+aiosqlite://", "postgresql://", "postgresql+asyncpg://")
        ):
            raise ValueError("must start with sqlite:// or postgresql://")
        if value is not None and re.fullmatch(r"sqlite[^:]*:///?(:memory:)?", value.get_secret_value()):
            raise ValueError("names no file: all that is in memory ends with the process")
        return value

    def receiving_only(self) -> "Settings":
        """The same for a hub that takes events and sends nothing, also on SQLite. Without a heartbeat, as it
        does not do its work."""
        return self.model_copy(update={"roles": ("web",), "heartbeat_url": None})

    @model_validator(mode="after")
    def _together(self) -> "Settings":
        wrong: list[str] = []
        if self.lease <= self.longest_send * 1.25:
            wrong.append(
                f"lease ({self.lease:g} s) must outlast longest_send with a margin: more than "
                f"{self.longest_send * 1.25:g} s"
            )
        if not self.roles:
            wrong.append("roles must name at least one of web, worker, clock")
        if len(set(self.roles)) < len(get_args(Role)) and self.database.startswith("sqlite"):
            wrong.append("roles: on SQLite there is one process, which has to do everything; leave it out")
        if self.delivery_reserve >= self.delivery_concurrency:
            wrong.append("delivery_reserve must be less than delivery_concurrency: reminders need a place too")
        if (self.delivery_per_destination or 1) > self.delivery_concurrency:
            wrong.append("delivery_per_destination must not be more than delivery_concurrency")
        if self.smtp_password and self.smtp_password_file:
            wrong.append("give smtp_password or smtp_password_file, not both")
        if bool(self.smtp_user) != bool(self.smtp_password or self.smtp_password_file):
            wrong.append("smtp_user and its password belong together")
        if self.smtp_user and self.smtp_tls == "opportunistic":
            wrong.append("smtp_user with smtp_tls=opportunistic could send the password in clear")
        if self.database and self.database == self.key_store:
            wrong.append("key_store_url must not be the database_url: erasing a key must erase it from the backups too")
        if bool(self.signer_key_file) != bool(self.signer_certificate_file):
            wrong.append("signer_key_file and signer_certificate_file belong together")
        wrong += tls_contradictions(self)
        wrong += contradictions(self, self.longest_send, self.receipts_by_mail)
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given in code; :func:`load` reads the file and the environment, so tests see neither."""
        return (init_settings,)

    @property
    def database(self) -> str:
        """URL of the ledger; may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_folder / 'fingerpost.sqlite3'}"

    @property
    def key_store(self) -> str:
        """URL of the key store; may hold a password."""
        if self.key_store_url is not None:
            return self.key_store_url.get_secret_value()
        return f"sqlite:///{self.data_folder / 'keys.sqlite3'}"

    @property
    def keys(self) -> Path:
        """Folder of the key files."""
        return self.keys_folder or self.data_folder / "keys"

    @property
    def index_secret(self) -> Path:
        """File of the index secret."""
        return self.index_secret_file or self.keys / "index.key"

    @property
    def signer_key(self) -> Path:
        """File of the hub's S/MIME key."""
        return self.signer_key_file or self.keys / "signer.key"

    @property
    def signer_certificate(self) -> Path:
        """File of the hub's S/MIME certificate and its chain."""
        return self.signer_certificate_file or self.keys / "signer.crt"

    @property
    def push_content_key(self) -> Path | None:
        """File of the key that signs what is pushed; None if there is none yet."""
        return self.push_content_key_file or max(self.keys.glob("push-content-*.key"), key=_age, default=None)

    @property
    def push_request_keys(self) -> tuple[Path, ...]:
        """Files of the keys that sign each request, the oldest first."""
        return self.push_request_key_files or tuple(sorted(self.keys.glob("push-request-*.key"), key=_age))

    @property
    def push_receive_keys(self) -> tuple[Path, ...]:
        """Files of the keys that open what other hubs send, the oldest first."""
        return tuple(sorted(self.keys.glob("push-receive-*.key"), key=_age))

    @property
    def push_content_keys(self) -> tuple[Path, ...]:
        """Files of all keys that content may have been signed with, the one that signs last."""
        signing = self.push_content_key
        others = sorted({*self.keys.glob("push-content-*.key")} - {signing}, key=_age)
        return (*others, *(() if signing is None else (signing,)))

    @property
    def receipts_by_mail(self) -> tuple[str, ...]:
        """Templates of the addresses that receipts come back to."""
        return tuple(text for text in (self.return_path, self.receipts_address) if text and "{token}" in text)

    @property
    def api_tokens(self) -> Path:
        """File in which earlier versions kept the hashed API tokens."""
        return self.api_tokens_file or self.data_folder / "api-tokens.json"

    @property
    def domain(self) -> str | None:
        """Right side of the Message-IDs."""
        return self.mail_domain or (self.sender.rpartition("@")[2] if self.sender else None)

    @property
    def canaries(self) -> Mapping[Channel, str]:
        """Where the test messages go, by channel; empty for nowhere."""
        given: tuple[tuple[Channel, str | None], ...] = (("email", self.canary_email), ("sms", self.canary_sms))
        return {channel: address for channel, address in given if address is not None}

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the hub."""
        return self.bind_host in ("127.0.0.1", "::1", "localhost")


def _age(path: Path) -> tuple[int, str]:
    """Keys are numbered as they are made: 10 comes after 9."""
    return len(path.name), path.name
