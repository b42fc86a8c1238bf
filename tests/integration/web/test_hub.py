"""The whole hub as it is composed: real store, real intake and clocks, real SMTP, real HTTP."""

import asyncio
import json
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError

from hub.app.domain import domain_of
from hub.app.foundations import Domain, Foundations
from hub.app.keys import acknowledgement_secret, key_ring
from hub.app.running import running
from hub.core.api_tokens import digest
from hub.core.tokens import ack_token
from hub.settings import Settings, SettingsError
from tests.kit.events import raw, reported, reported_in_full, returned
from tests.kit.hub import hub_settings
from tests.kit.whole import whole


async def test_a_report_becomes_sealed_mail_to_each_and_an_answer_comes_back(tmp_path: Path) -> None:
    event = reported_in_full()
    async with whole(tmp_path) as all_of_it:
        status, answer = await all_of_it.post(raw(event))
        assert (status, answer["duplicate"]) == (202, False)
        assert answer["notices"] >= 5
        notices = await all_of_it.until(lambda found: any(n.state == "notified" for n in found))
        told = next(n for n in notices if n.state == "notified" and "police" in n.roles)
        [delivery, *_] = await all_of_it.hub.store.read(lambda unit: unit.deliveries(told.id))
        assert delivery.address in {recipient for mail in all_of_it.relay.received for recipient in mail.recipients}
        secret = acknowledgement_secret(key_ring(hub_settings(tmp_path)))
        url = f"{all_of_it.hub.url}/a/{ack_token(secret, delivery.id)}"
        async with all_of_it.session.post(url, data={"name": "Jo Worker", "answer": "accepted"}) as response:
            assert response.status == 200
        [after] = [n for n in await all_of_it.notices() if n.id == told.id]
        assert after.state == "acknowledged"
    seen = b"\n".join(mail.data for mail in all_of_it.relay.received) + b"\n".join(all_of_it.relay.lines)
    for marker in (event["data"]["child"]["name"], event["data"]["child"]["ref"], event["data"]["episode"]["ref"]):
        assert marker.encode() not in seen
        assert marker not in repr(all_of_it.log.lines)


async def test_the_answers_that_only_the_whole_can_give(tmp_path: Path) -> None:
    async with whole(tmp_path) as all_of_it:
        first = await all_of_it.post(raw(reported()))
        assert first[0] == 202
        assert await all_of_it.post(raw(reported())) == (200, {**first[1], "duplicate": True})
        assert (await all_of_it.post(raw(reported(time="2026-03-01T19:46:00Z"))))[0] == 409
        assert (await all_of_it.post(raw(reported(id="E2"))))[0] == 422  # the reference is reported already
        elsewhere = {"responsible_authority": "E08000035", "host_authority": "E08000035"}
        foreign = reported(id="E3", episode={"ref": "BRM-EP-0009"}, placement=elsewhere)
        assert (await all_of_it.post(raw(foreign)))[0] == 403
        assert (await all_of_it.post(raw(returned(id="E4"))))[0] == 202
        kept = await all_of_it.hub.store.read(lambda unit: unit.quarantine())
        assert len(kept) == 2


async def test_health_and_metrics_of_a_hub_at_work(tmp_path: Path) -> None:
    async with whole(tmp_path) as all_of_it:
        assert (await all_of_it.get("/health/live"))[0] == 200
        status, text = await all_of_it.get("/health/ready")
        assert (status, json.loads(text)["checks"]) == (
            200,
            {"store": True, "not_stopping": True, "task_delivery": True, "task_ticks": True},
        )
        assert await all_of_it.get("/health/overdue") == (200, '{"overdue":{}}')
        await all_of_it.post(raw(reported()))
        await all_of_it.settled()
        status, text = await all_of_it.get("/metrics")
        assert status == 200
        assert 'fingerpost_events_answered_total{status="202"} 1.0' in text
        assert 'fingerpost_attempts_total{channel="email",state="sent"}' in text
        assert 'fingerpost_task_alive{task="delivery"} 1.0' in text
        assert 'fingerpost_work{what="destinations_shut"} 0.0' in text
        assert 'fingerpost_work{what="data_keys_to_rewrap"} 0.0' in text
        assert "Robin" not in text


async def test_what_is_posted_again_after_a_restore_comes_before_anything_is_sent(tmp_path: Path) -> None:
    async with whole(tmp_path, change=Settings.receiving_only) as catching_up:
        for event in (reported_in_full(), returned()):
            assert (await catching_up.post(raw(event)))[0] == 202
        assert 'task="delivery"' not in (await catching_up.get("/metrics"))[1]
        assert catching_up.relay.received == []
    async with whole(tmp_path) as all_of_it:
        told = await all_of_it.until(lambda some: ("returned", "notified") in {(one.kind, one.state) for one in some})
        assert {notice.state for notice in told if notice.kind == "missing"} == {"superseded"}
        assert 'task="delivery"' in (await all_of_it.get("/metrics"))[1]


async def test_data_is_shown_to_bearers_of_a_scoped_token_only(tmp_path: Path) -> None:
    reader, other = "fpt_reader", "fpt_other"
    now = datetime.fromisoformat("2026-03-01T20:00:00Z")
    rows = [
        {"name": name, "scopes": [scope], "sha256": digest(token).hex(), "created_at": now.isoformat()}
        for name, scope, token in (("reader", "episodes:read", reader), ("other", "metrics:read", other))
    ]
    (tmp_path / "api-tokens.json").write_text(json.dumps(rows))
    async with whole(tmp_path, metrics_open=False) as all_of_it:
        event = reported_in_full()
        await all_of_it.post(raw(event))
        await all_of_it.settled()
        [episode] = await all_of_it.hub.store.read(lambda unit: unit.episode_list())
        for path in ("/v1/episodes", f"/v1/episodes/{episode.id}", "/v1/episodes/ep_none"):
            assert (await all_of_it.get(path))[0] == 401
            assert (await all_of_it.get(path, "fpt_made_up"))[0] == 401
            assert (await all_of_it.get(path, other))[0] == 403
        assert (await all_of_it.get("/metrics"))[0] == 401
        assert (await all_of_it.get("/metrics", reader))[0] == 403
        assert (await all_of_it.get("/metrics", other))[0] == 200
        # The demonstration's pages are not there at all.
        for path in ("/episodes", f"/episodes/{episode.id}"):
            assert (await all_of_it.get(path, reader))[0] == 404
        assert (await all_of_it.get("/v1/episodes/ep_none", reader))[0] == 404
        status, text = await all_of_it.get(f"/v1/episodes/{episode.id}", reader)
        assert status == 200
        shown = json.loads(text)
        assert {d["outcome"] for d in shown["decisions"]} >= {"notify"}
        assert any(n["deliveries"] for d in shown["decisions"] for n in d["notices"])
        for personal in ("Robin", "Sam", "Jo Worker", event["data"]["child"]["ref"], event["data"]["episode"]["ref"]):
            assert personal not in text
        # The file was brought in, and is not asked any more.
        (tmp_path / "api-tokens.json").unlink()
        assert (await all_of_it.get("/v1/episodes", reader))[0] == 200
        assert {"count": 2, "setting": "api_tokens_file"} in all_of_it.log.named("tokens.file_left")
        [held] = await all_of_it.hub.store.read(lambda unit: unit.tokens.named("reader"))
        await all_of_it.hub.store.write(lambda unit: unit.tokens.revoke(held.token.id, now))
        assert (await all_of_it.get("/v1/episodes", reader))[0] == 401


async def test_the_demonstration_shows_who_was_told_and_why(tmp_path: Path) -> None:
    async with whole(tmp_path, demo_pages=True) as all_of_it:
        status, empty = await all_of_it.get("/")
        assert (status, "No episode" in empty) == (200, True)
        await all_of_it.post(raw(reported_in_full()))
        notices = await all_of_it.settled()
        [episode] = await all_of_it.hub.store.read(lambda unit: unit.episode_list())
        for path in ("/", f"/episodes/{episode.id}"):
            status, text = await all_of_it.get(path)
            assert status == 200
            assert all(notice.reference in text for notice in notices)
            assert "B-13" in text
            assert "Duties ahead" in text
            assert "daily contact" in text
        status, index = await all_of_it.get("/episodes")
        assert (status, episode.id in index) == (200, True)
        assert (await all_of_it.get("/episodes/ep_none"))[0] == 404


async def test_the_demonstrations_pages_never_leave_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without a token"):
        async with running(hub_settings(tmp_path, bind_host="0.0.0.0"), domain_of, demo_pages=True):
            pass


async def test_it_stops_within_ten_seconds_under_load_and_loses_nothing(tmp_path: Path) -> None:
    accepted: list[str] = []
    async with whole(tmp_path) as all_of_it:

        async def client(number: int) -> None:
            for turn in range(1000):
                name = f"{number}-{turn}"
                body = raw(reported(id=name, episode={"ref": f"EP-{name}"}, child={"ref": f"C-{name}"}))
                try:
                    status, _ = await all_of_it.post(body)
                except (ClientConnectionError, TimeoutError):
                    return
                if status == 202:
                    accepted.append(name)

        clients = [asyncio.create_task(client(number)) for number in range(8)]
        async with asyncio.timeout(30):
            while len(accepted) < 20:
                await asyncio.sleep(0.05)
        began = time.monotonic()
    took = time.monotonic() - began
    await asyncio.gather(*clients)
    assert took < 10
    assert all_of_it.hub.supervisor.status == 0
    async with whole(tmp_path) as again:

        async def known(unit: Any) -> list[str]:
            [spoken] = await unit.sources()
            return [name for name in accepted if await unit.event(spoken.id, name) is None]

        assert await again.hub.store.read(known) == []
        counts = await again.hub.health.counts()
        assert counts["leases_expired"] == 0


async def test_a_tick_that_keeps_failing_ends_the_hub_with_status_1(tmp_path: Path) -> None:
    def broken(base: Foundations) -> Domain:
        real = domain_of(base)

        async def tick(now: datetime) -> None:
            raise RuntimeError("Robin Example")

        return replace(real, tick=tick)

    async with whole(tmp_path, of=broken, clock_tick=0.05) as all_of_it:
        async with asyncio.timeout(10):
            assert await all_of_it.hub.supervisor.stopped() == 1
        assert (await all_of_it.get("/health/overdue"))[0] == 503
        assert (await all_of_it.get("/health/ready"))[0] == 503
    assert "Robin" not in repr(all_of_it.log.lines)


async def test_the_death_of_delivery_ends_the_hub_with_status_1(tmp_path: Path) -> None:
    async with whole(tmp_path) as all_of_it:
        [task] = [t for t in asyncio.all_tasks() if t.get_name() == "delivery"]
        task.cancel()
        async with asyncio.timeout(5):
            assert await all_of_it.hub.supervisor.stopped() == 1
        assert all_of_it.hub.health.alive == {"delivery": False, "ticks": True}
        assert (await all_of_it.get("/health/live"))[0] == 200
        status, text = await all_of_it.get("/health/overdue")
        assert (status, "task_delivery_dead" in text) == (503, True)


async def test_what_cannot_be_used_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = hub_settings(tmp_path)
    (tmp_path / "keys" / "signer.crt").write_text("not a certificate")
    with pytest.raises(SettingsError, match="SIGNER_KEY_FILE"):
        async with running(settings, domain_of):
            pass
    (tmp_path / "keys" / "kek-1.key").unlink()
    with pytest.raises(SettingsError, match="KEK_FILES"):
        async with running(settings, domain_of):
            pass


async def test_an_operators_own_pack_with_mistakes_stops_the_start(tmp_path: Path) -> None:
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "ours.toml").write_text('name = "ours"\n')
    (packs / "worse.toml").write_text("[[")
    with pytest.raises(SettingsError) as caught:
        async with running(hub_settings(tmp_path, packs_folder=packs), domain_of):
            pass
    assert {p.setting for p in caught.value.problems} == {"ours.toml", "worse.toml"}
