"""Settings: strict, all problems at once, risks by name, secrets that cannot print."""

import runpy
from pathlib import Path

import pytest

from hub.settings import Settings, SettingsError, load, missing_for_serving, risks


def problems_of(environment: dict[str, str], file: Path | None = None) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(file, environment)
    return {p.setting: p.message for p in caught.value.problems}


def risk_names(**values: object) -> set[str]:
    return {risk.name for risk in risks(load(environment={}, overrides=values))}


def test_defaults_alone_are_valid() -> None:
    settings = load(environment={})
    assert settings.bind_host == "127.0.0.1"
    assert settings.database == "sqlite:///fingerpost-data/fingerpost.sqlite3"
    assert settings.smtp_tls == "required"
    assert settings.lease > settings.longest_send


def test_every_problem_is_told_at_once_cross_checks_included() -> None:
    found = problems_of(
        {
            "FINGERPOST_SMTP_PORT": "70000",
            "FINGERPOST_PUBLIC_URL": "ftp://hub.example",
            "FINGERPOST_RETRY_SCHEDULE": "30,soon",
            "FINGERPOST_SMTPHOST": "mail.example",
            "FINGERPOST_LEASE": "60",
        }
    )
    assert set(found) == {
        "FINGERPOST_SMTP_PORT",
        "FINGERPOST_PUBLIC_URL",
        "FINGERPOST_RETRY_SCHEDULE",
        "FINGERPOST_SMTPHOST",
        "settings",
    }
    assert "lease (60 s) must outlast longest_send" in found["settings"]


def test_a_misspelt_variable_is_refused() -> None:
    assert problems_of({"FINGERPOST_BIND_PROT": "80"}) == {"FINGERPOST_BIND_PROT": "is no setting"}


def test_other_programs_variables_are_not_ours() -> None:
    assert load(environment={"PATH": "/bin", "FINGER": "x"}).bind_port == 8080


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "fingerpost.toml"
    file.write_text('bind_port = 9000\nsmtp_host = "mail.example"\nretry_schedule = [10, 20]\n')
    settings = load(file, {"FINGERPOST_BIND_PORT": "9001"})
    assert (settings.bind_port, settings.smtp_host, settings.retry_schedule) == (9001, "mail.example", (10, 20))


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "fingerpost.toml"
    file.write_text("bind_port = 9000\n")
    assert load(environment={"FINGERPOST_SETTINGS_FILE": str(file)}).bind_port == 9000


@pytest.mark.parametrize("text", ["bind_port = ", "[[[", "\x00"])
def test_a_broken_file_is_a_problem_without_its_content(tmp_path: Path, text: str) -> None:
    file = tmp_path / "fingerpost.toml"
    file.write_text(text)
    assert "is not TOML" in problems_of({}, file)["FINGERPOST_SETTINGS_FILE"]


def test_an_unknown_key_and_a_missing_file(tmp_path: Path) -> None:
    file = tmp_path / "fingerpost.toml"
    file.write_text("bind_prot = 1\n")
    assert "is no setting" in problems_of({}, file)["bind_prot"]
    assert "there is no settings file" in problems_of({}, tmp_path / "none.toml")["FINGERPOST_SETTINGS_FILE"]


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"FINGERPOST_SMTP_USER": "hub"}, "belong together"),
        ({"FINGERPOST_SMTP_PASSWORD": "pw"}, "belong together"),
        (
            {"FINGERPOST_SMTP_USER": "hub", "FINGERPOST_SMTP_PASSWORD": "pw", "FINGERPOST_SMTP_TLS": "opportunistic"},
            "in clear",
        ),
        (
            {
                "FINGERPOST_SMTP_USER": "hub",
                "FINGERPOST_SMTP_PASSWORD": "pw",
                "FINGERPOST_SMTP_PASSWORD_FILE": "/run/pw",
            },
            "not both",
        ),
        ({"FINGERPOST_SIGNER_KEY_FILE": "a.key"}, "signer_certificate_file belong together"),
        (
            {
                "FINGERPOST_DATABASE_URL": "postgresql+asyncpg://a/b",
                "FINGERPOST_KEY_STORE_URL": "postgresql+asyncpg://a/b",
            },
            "must not be the database_url",
        ),
        ({"FINGERPOST_PUSH": "true", "FINGERPOST_PUSH_TIMEOUT": "181"}, "push_timeout must not be longer"),
        ({"FINGERPOST_SMS_PROVIDER": "smpp", "FINGERPOST_SMS_TIMEOUT": "181"}, "sms_timeout must not be longer"),
        ({"FINGERPOST_RECEIPTS_PORT": "8025", "FINGERPOST_RETURN_PATH": "r@hub.example"}, "put {token} into one"),
        ({"FINGERPOST_RECEIPTS_TLS_KEY_FILE": "tls.key"}, "receipts_tls_key_file belong together"),
        ({"FINGERPOST_RECEIPTS_TLS_REQUIRED": "true"}, "needs receipts_tls_certificate_file"),
    ],
)
def test_what_cannot_stand_together(environment: dict[str, str], says: str) -> None:
    assert says in problems_of(environment)["settings"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://a/b"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("KEY_STORE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite3:///file"),
        ("PUBLIC_URL", "https://user:pw@hub.example"),
        ("PUBLIC_URL", "https://hub.example/?a=b"),
        ("SENDER", "two@hub.example, three@hub.example"),
        ("SENDER", "hub@hub.example\nBcc: x@y.example"),
        ("NODE", "a b"),
        ("LOG_LEVEL", "chatty"),
        ("RETRY_SCHEDULE", ""),
        ("RETRY_SCHEDULE", "0"),
        ("RETRY_JITTER", "1.5"),
        ("SMTP_TLS", "perhaps"),
        ("CANARY_EMAIL", "not an address"),
        ("CANARY_SMS", "07700900123"),
        ("CANARY_EVERY", "60"),
        ("SIGNATURE_TOLERANCE", "86400"),
        ("PUSH_NETWORKS", "10.20.0.1/16"),
        ("PUSH_NETWORKS", "council.example"),
        ("PUSH_PORTS", "0"),
        ("PUSH_PORTS", ","),
        ("SMS_PROVIDER", "pigeon"),
        ("SMPP_TAG", "7"),
        ("RECEIPTS_ADDRESS", "r@{token}.hub.example"),
        ("RECEIPTS_PORT", "65536"),
    ],
)
def test_values_out_of_bounds(name: str, value: str) -> None:
    assert "FINGERPOST_" + name in problems_of({"FINGERPOST_" + name: value})


def test_no_secret_prints() -> None:
    secret = "hunter2-not-to-be-seen"
    settings = load(
        environment={
            "FINGERPOST_SMTP_USER": "hub",
            "FINGERPOST_SMTP_PASSWORD": secret,
            "FINGERPOST_DATABASE_URL": f"postgresql+asyncpg://hub:{secret}@db.example/hub",
            "FINGERPOST_HEARTBEAT_URL": f"https://ping.example/{secret}",
        }
    )
    assert secret not in repr(settings) + str(settings) + settings.model_dump_json()
    assert secret in settings.database


def test_a_problem_never_repeats_the_value() -> None:
    secret = "hunter2-not-to-be-seen"
    found = problems_of({"FINGERPOST_DATABASE_URL": f"oracle://x:{secret}@db", "FINGERPOST_SMTP_PORT": secret})
    assert len(found) == 2
    assert secret not in repr(found)


def test_each_risk_is_named_when_it_holds_and_not_otherwise(tmp_path: Path) -> None:
    (tmp_path / "audit-1.key").touch()
    careful = {
        "public_url": "https://hub.example",
        "keys_folder": tmp_path,
        "audit_folder": Path("/mnt/elsewhere"),
        "key_store_url": "sqlite:////srv/keys.sqlite3",
        "trust_anchor_files": (Path("ca.pem"),),
        "operator_address": "operator@hub.example",
        "heartbeat_url": "https://ping.example/x",
        "return_path": "r+{token}@hub.example",
    }
    push, notify = {"push": True}, {"sms_provider": "govuk_notify", "govuk_notify_callback_token_files": (Path("a"),)}
    smpp = {"sms_provider": "smpp", "smpp_host": "smsc.example"}
    for switched_on in (push, notify, smpp, {"receipts_port": 8025}):
        assert risk_names(**careful, **switched_on) == set()
    assert risk_names(**careful) == set()
    risky: dict[str, dict[str, object]] = {
        "public_url_without_tls": {"public_url": "http://hub.example"},
        "public_url_is_this_machine": {"public_url": "http://127.0.0.1:8080"},
        "listening_beyond_this_machine": {"bind_host": "0.0.0.0", "metrics_open": False},
        "smtp_tls_not_required": {"smtp_tls": "opportunistic"},
        "password_in_the_environment": {"smtp_user": "hub", "smtp_password": "pw"},
        "keys_beside_the_data": {"data_folder": tmp_path},
        "key_store_beside_the_data": {"key_store_url": None},
        "no_trust_anchors": {"trust_anchor_files": ()},
        "no_operator_address": {"operator_address": None},
        "no_heartbeat": {"heartbeat_url": None},
        "no_audit_key": {"keys_folder": tmp_path / "none"},
        "audit_kept_here_only": {"audit_folder": None},
        "gives_up_early": {"retry_schedule": (60, 60)},
        "wide_signature_tolerance": {"signature_tolerance": 600},
        "bounces_go_unseen": {"return_path": "bounces@hub.example"},
        "receipts_in_clear": {"receipts_port": 8025, "receipts_host": "0.0.0.0"},
        "push_into_private_networks": {**push, "push_networks": ("10.20.0.0/16",)},
        "texts_without_receipts": {**notify, "govuk_notify_callback_token_files": ()},
        "smpp_in_clear": {**smpp, "smpp_tls": "none"},
    }
    for name, change in risky.items():
        assert risk_names(**{**careful, **change}) == {name}
    clear = {"public_url": "http://hub.example"}
    assert risk_names(**{**careful, **notify, **clear}) == {"public_url_without_tls", "alerts_without_a_link"}
    assert risk_names(**{**careful, "bind_host": "0.0.0.0"}) == {"listening_beyond_this_machine", "metrics_open_to_all"}


def test_serving_needs_a_relay_a_sender_and_its_keys(tmp_path: Path) -> None:
    settings = load(environment={}, overrides={"data_folder": tmp_path, "trust_anchor_files": (tmp_path / "ca.pem",)})
    missing = {p.setting for p in missing_for_serving(settings)}
    assert missing == {
        "FINGERPOST_SMTP_HOST",
        "FINGERPOST_SENDER",
        "FINGERPOST_INDEX_SECRET_FILE",
        "FINGERPOST_SIGNER_KEY_FILE",
        "FINGERPOST_SIGNER_CERTIFICATE_FILE",
        "FINGERPOST_TRUST_ANCHOR_FILES",
        "FINGERPOST_KEK_FILES",
    }


def test_each_channel_needs_its_own(tmp_path: Path) -> None:
    def missing(**values: object) -> set[str]:
        settings = load(environment={}, overrides={"data_folder": tmp_path, **values})
        bare = load(environment={}, overrides={"data_folder": tmp_path})
        lacks = {p.setting for p in missing_for_serving(settings)} - {p.setting for p in missing_for_serving(bare)}
        return {name.removeprefix("FINGERPOST_") for name in lacks}

    none = tmp_path / "none"
    assert missing(push=True, push_ca_file=none) == {"PUSH", "PUSH_CA_FILE"}
    assert missing(push_ca_file=none) == set()  # off: what it needs is not asked for
    assert missing(sms_provider="govuk_notify") == {"GOVUK_NOTIFY_API_KEY_FILE", "GOVUK_NOTIFY_TEMPLATE_ID"}
    assert missing(sms_provider="smpp", smpp_password_file=none) == {
        "SMPP_HOST",
        "SMPP_SYSTEM_ID",
        "SMPP_PASSWORD_FILE",
        "SMPP_SOURCE",
    }
    tls = {"receipts_tls_certificate_file": none, "receipts_tls_key_file": none}
    assert missing(receipts_port=0, return_path="r+{token}@hub.example", **tls) == {
        "RECEIPTS_TLS_CERTIFICATE_FILE",
        "RECEIPTS_TLS_KEY_FILE",
    }


def test_the_newest_push_keys_are_found_by_their_numbers(tmp_path: Path) -> None:
    settings = load(environment={}, overrides={"keys_folder": tmp_path})
    assert (settings.push_content_key, settings.push_request_keys) == (None, ())
    for number in (9, 10):
        for kind in ("content", "request"):
            (tmp_path / f"push-{kind}-{number}.key").write_bytes(b"x")
    assert settings.push_content_key == tmp_path / "push-content-10.key"
    assert [path.name for path in settings.push_request_keys] == ["push-request-9.key", "push-request-10.key"]
    given = load(environment={"FINGERPOST_PUSH_REQUEST_KEY_FILES": "a, b", "FINGERPOST_PUSH_PORTS": "443,8443"})
    assert (given.push_request_keys, given.push_ports) == ((Path("a"), Path("b")), (443, 8443))


def test_serving_is_content_when_all_is_there(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in ("kek-1.key", "index.key", "signer.key", "signer.crt"):
        (keys / name).write_bytes(b"x")
    settings = load(
        environment={},
        overrides={"data_folder": tmp_path, "smtp_host": "mail.example", "sender": "hub@hub.example"},
    )
    assert missing_for_serving(settings) == ()


def test_derived_values() -> None:
    settings = Settings(sender="hub@mail.hub.example", public_url="https://hub.example/", smtp_host="x")
    assert settings.domain == "mail.hub.example"
    assert settings.public_url == "https://hub.example"
    assert Settings().domain is None


def test_a_canary_flies_only_where_it_is_told_to() -> None:
    assert Settings().canaries == {}
    given = Settings(canary_email="canary@hub.example", canary_sms="+447700900123")
    assert given.canaries == {"email": "canary@hub.example", "sms": "+447700900123"}


def test_the_reference_page_is_current() -> None:
    root = Path(__file__).parents[2]
    script = runpy.run_path(str(root / "scripts" / "settings_reference.py"))
    assert (root / "docs" / "reference" / "settings.md").read_text(encoding="utf-8") == script["page"](), (
        "run `python scripts/settings_reference.py`"
    )
