"""``fingerpost providers``: an organisation's identity provider is entered, listed, checked and taken away."""

from pathlib import Path

from hub.app.ledger import open_ledger
from hub.settings import load
from tests.kit.commands import run
from tests.kit.hub import hub_environment

BROMLEY = "E09000006"


async def test_a_provider_is_entered_listed_checked_and_taken_away(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=2525, public_url="https://hub.example")
    secret = tmp_path / "secret"
    add = (
        "providers", "add", BROMLEY, "--issuer", "https://login.bromley.example/v2.0", "--client-id", "fingerpost",
        "--secret-file", str(secret),
    )  # fmt: skip
    assert "secret-file" in run(env, *add, "--domain", "bromley.example")[2]
    secret.write_text("a client's secret\n")
    status, _, err = run(env, *add, "--domain", "nonsense")
    assert (status, "nonsense is no domain of addresses." in err) == (2, True)
    status, out, err = run(env, *add, "--domain", "@Bromley.example", "--second-factor", "trusted")
    assert (status, out) == (0, f"https://hub.example/sign-in/with/{BROMLEY}/back\n")
    status, out, _ = run(env, "providers", "list")
    assert status == 0 and BROMLEY in out and "trusted" in out and "a client's secret" not in out
    async with open_ledger(load(environment=env)) as store:
        kept = await store.read(lambda unit: unit.providers.of(BROMLEY))
    assert kept is not None and (kept.domains, kept.client_secret) == (("bromley.example",), "a client's secret")
    status, _, err = run(env, "providers", "check", BROMLEY)
    assert (status, f"The provider of {BROMLEY} cannot be used" in err) == (1, True)
    assert run(env, "providers", "remove", BROMLEY)[0] == 0
    assert run(env, "providers", "remove", BROMLEY)[0] == 1
