"""``fingerpost peers``, and what a hub says of itself."""

import re
from datetime import timedelta
from pathlib import Path

from hub.app.keys import key_ring
from hub.app.peers import own_hub
from hub.core.peers import fingerprint, introduction, same_keys, succeeds
from hub.edge.push_keys import new_key, next_key
from hub.edge.signer_keys import write_new
from tests.kit.clock import START
from tests.kit.commands import run
from tests.kit.hub import hub_environment, hub_settings


def test_a_hub_says_of_itself_what_its_keys_are_and_who_knew_it_follows_a_new_one(tmp_path: Path) -> None:
    settings = hub_settings(tmp_path, push=True)
    ring = key_ring(settings)
    own = own_hub(settings, ring, START)
    assert own is not None
    said = introduction(own.document(START), START)
    assert (said, said.inbox) == (own.said, f"{settings.public_url}/v1/peers/inbox")
    assert own.document(START + timedelta(seconds=59)) == own.document(START) != own.document(START - timedelta(1))
    for kind in ("content", "receive"):
        write_new(next_key(kind, settings.keys), new_key(kind))
    after = own_hub(hub_settings(tmp_path, push=True), ring, START)
    assert after is not None
    assert after.said.hub == said.hub
    assert not same_keys(after.said, said)
    assert succeeds(after.document(START), said, START)
    for missing in (hub_settings(tmp_path, push=False), hub_settings(tmp_path / "other", push=True)):
        for path in (tmp_path / "other").rglob("push-receive-*.key"):
            path.unlink()
        assert own_hub(missing, ring, START) is None


def test_the_fingerprint_is_read_out_and_another_hub_has_to_answer(tmp_path: Path) -> None:
    environment = hub_environment(tmp_path, smtp_port=2525, push="true")
    status, shown, _ = run(environment, "peers", "self")
    own = own_hub(hub_settings(tmp_path, push=True), key_ring(hub_settings(tmp_path)), START)
    assert own is not None
    assert status == 0
    assert f"Fingerprint: {fingerprint(own.said)}" in shown
    status, _, said = run(environment, "peers", "introduce", "https://127.0.0.1", "--name", "Jo Worker")
    assert (status, re.findall("address is not allowed", said)) == (1, ["address is not allowed"])
    status, _, said = run(environment, "peers", "show", own.said.hub)
    assert (status, "no peer" in said) == (1, True)
