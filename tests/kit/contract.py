"""schemathesis against a whole hub in this process, with tokens of every scope and a source whose events are signed.

What it is to sign and show, hooks add (schema_hooks.py), in the process that schemathesis runs in.
"""

import asyncio
import json
import os
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from contacts.fictional import fictional_bundle
from contacts.tables import dumps
from hub.app.keys import acknowledgement_secret, key_ring
from hub.core.api_tokens import CONVERSATIONS, digest
from hub.core.desk import EVERY_DESK
from hub.core.tokens import ack_token
from tests.kit.events import raw, reported_in_full
from tests.kit.fire import ROOT
from tests.kit.hub import hub_settings
from tests.kit.tokens import Token, file_tokens
from tests.kit.whole import Whole, whole

CONFIG: Final = ROOT / "tests" / "kit" / "schemathesis.toml"
TOKEN: Final = "fpt_operator"
REGISTER_TOKEN: Final = "fpt_register"
ORGANISATION_TOKEN: Final = "fpt_organisation"
_STATUS: Final = re.compile(r'"status_code":\s*(\d{3})\b')
NOTIFY_KEY: Final = "test-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
CALLBACKS: Final = "a token of thirty-two characters"
BROMLEY: Final = "E09000006"
SCOPES: Final = ("directory:read", "directory:write", "episodes:read", "metrics:read", "outbox:write", "receipts:write")
BOUNDLESS: Final = {
    **{"rate_per_second": 100_000, "rate_burst": 1_000_000},
    **{"address_rate": 100_000, "address_burst": 1_000_000},
    **{"caller_rate": 100_000, "caller_burst": 1_000_000},
}
"""How many requests there may be is not what is asked here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What schemathesis said. ``status``: 0 where it found nothing."""

    status: int
    words: str
    answers: Mapping[int, int]
    """How many, by status."""


@asynccontextmanager
async def published(folder: Path) -> AsyncIterator[Whole]:
    """A hub with its tokens, and one episode in it. Its mail goes to its own relay, its texts nowhere."""
    folder.mkdir(exist_ok=True)
    (folder / "tokens.json").write_text(json.dumps([
        {"name": "operator", "scopes": SCOPES, **_kept(TOKEN)},
        {"name": "register", "scopes": ["register:read"], "organisation": BROMLEY, **_kept(REGISTER_TOKEN)},
    ]), encoding="utf-8")  # fmt: skip
    for name, secret in (("callback.token", CALLBACKS), ("notify.key", NOTIFY_KEY)):
        (folder / name).write_text(secret, encoding="utf-8")
        (folder / name).chmod(0o600)
    notify = {
        "sms_provider": "govuk_notify",
        "govuk_notify_api_key_file": folder / "notify.key",
        "govuk_notify_template_id": "740e5834-3a29-46b4-9a6f-16142fde533a",
        "govuk_notify_callback_token_files": (folder / "callback.token",),
        "govuk_notify_url": "https://127.0.0.1:9",
    }
    async with whole(
        folder, bundle=dumps(fictional_bundle()), api_tokens_file=folder / "tokens.json", **notify, **BOUNDLESS
    ) as hub:
        status, _ = await hub.post(raw(reported_in_full()))
        assert status == 202
        talks = Token(
            name="talks", scopes=CONVERSATIONS, created_at=datetime.now(UTC), organisation=BROMLEY,
            desks=frozenset({EVERY_DESK}), sha256=digest(ORGANISATION_TOKEN),
        )  # fmt: skip
        await file_tokens(hub.hub.store, [talks])
        yield hub


def _kept(token: str) -> dict[str, str]:
    return {"sha256": sha256(token.encode()).hexdigest(), "created_at": datetime.now(UTC).isoformat()}


async def known(hub: Whole, folder: Path) -> Mapping[str, Sequence[str]]:
    """What stands in paths, by the name of the parameter, so that not all of them lead nowhere."""

    async def work(unit: Any) -> dict[str, list[str]]:
        episodes = [one.id for one in await unit.episode_list()]
        notices = [one for episode in episodes for one in await unit.notices(episode)]
        deliveries = [one.id for notice in notices for one in await unit.deliveries(notice.id)]
        return {"episode": episodes[:5], "delivery": deliveries[:5], "organisation": [BROMLEY]}

    found: dict[str, list[str]] = await hub.hub.store.read(work)
    secret = acknowledgement_secret(key_ring(hub_settings(folder)))
    return {**found, "token": [ack_token(secret, one) for one in found["delivery"]]}


async def schemathesis(hub: Whole, folder: Path, *options: str) -> Outcome:
    """Ask everything that the OpenAPI document describes, in a process of its own, with every check."""
    report = folder / "report.ndjson"
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", f"{hub.hub.url}/v1/openapi.json",
        "--checks", "all", "--report", "ndjson", "--report-ndjson-path", str(report), *options,
    ]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.kit.schema_hooks",
        "FINGERPOST_TEST_KNOWN": json.dumps(await known(hub, folder / "hub")),
        "COLUMNS": "160",
    }
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Outcome(status=process.returncode or 0, words=said.decode(errors="replace"), answers=_counted(report))


def _counted(report: Path) -> Mapping[int, int]:
    """Answers by their status. Of the report, which is large, only those are looked at."""
    found: Counter[int] = Counter()
    with report.open(encoding="utf-8") as lines:
        for line in lines:
            found.update(int(status) for status in _STATUS.findall(line))
    return dict(sorted(found.items()))
