"""Logs let through what is known to be harmless and nothing else; metrics stay bounded."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from hub.edge.telemetry import Metrics, configure_logging, place
from tests.kit.logs import logs_as_before

EPISODE = "ep_01JNABCDEFGHJKMNPQRSTVWXYZ"


class Logged:
    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.metrics = Metrics()
        configure_logging("info", self.metrics, self.stream)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    @property
    def dropped(self) -> float | None:
        return self.metrics.registry.get_sample_value("fingerpost_log_values_dropped_total")


@pytest.fixture
def logged() -> Iterator[Logged]:
    with logs_as_before():
        yield Logged()


def test_ids_codes_and_numbers_pass(logged: Logged) -> None:
    structlog.get_logger().info("delivery.finished", episode=EPISODE, reason="no_certificate", count=3, seconds=0.5)
    [line] = logged.lines
    del line["timestamp"]
    assert line == {
        "event": "delivery.finished",
        "level": "info",
        "episode": EPISODE,
        "reason": "no_certificate",
        "count": 3,
        "seconds": 0.5,
    }
    assert logged.dropped == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"child_name": "Robin"},
        {"episode": "BRM-EP-0001"},
        {"episode": "Robin Sample"},
        {"reason": "Robin Sample"},
        {"reason": "robin@family.example"},
        {"error": "x" * 65},
        {"count": "Robin"},
        {"seconds": ["Robin"]},
        {"where": "High Street, Bromley"},
        {"token": "secret"},
        {"exc_info": "Robin"},
        {"reason": "ok\nRobin"},
    ],
)
def test_anything_else_is_dropped_and_counted(logged: Logged, fields: dict[str, Any]) -> None:
    structlog.get_logger().error("something.happened", **fields)
    [line] = logged.lines
    assert set(line) == {"event", "level", "timestamp"}
    assert logged.dropped == 1


@pytest.mark.parametrize("event", ["Robin Sample is missing", "Robin", f"episode {EPISODE}", "", "x" * 80, "a\nb"])
def test_an_event_is_a_constant_of_the_code(logged: Logged, event: str) -> None:
    structlog.get_logger().info(event)
    assert logged.lines[0]["event"] == "unnamed"
    assert logged.dropped == 1


def test_other_libraries_say_who_and_what_kind_only(logged: Logged) -> None:
    try:
        raise ValueError("Robin Sample")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", "Robin")
    logging.getLogger("asyncio").warning("Task of Robin was destroyed")
    first, second = logged.lines
    assert (first["logger"], first["error"], first["level"]) == ("aiohttp.server", "ValueError", "error")
    assert first["where"].partition(":")[0].endswith("test_telemetry.py")
    assert (second["logger"], second["level"]) == ("asyncio", "warning")
    assert "Robin" not in logged.stream.getvalue()


def test_levels_below_the_setting_are_not_written(logged: Logged) -> None:
    structlog.get_logger().debug("a.detail")
    assert logged.lines == []


def test_configuring_twice_does_not_write_twice(logged: Logged) -> None:
    configure_logging("info", logged.metrics, logged.stream)
    logging.getLogger("x").error("y")
    assert len(logged.lines) == 1


def test_a_place_has_no_message() -> None:
    assert place(ValueError("Robin")) == "unknown"


def test_stray_label_values_count_as_other() -> None:
    metrics = Metrics()
    metrics.attempt_finished("email", "sent")
    metrics.attempt_finished("Robin Sample", "sent")
    value = metrics.registry.get_sample_value
    assert value("fingerpost_attempts_total", {"channel": "email", "state": "sent"}) == 1
    assert value("fingerpost_attempts_total", {"channel": "other", "state": "sent"}) == 1


def test_labels_stay_bounded_whatever_comes() -> None:
    metrics = Metrics()
    for number in range(500):
        metrics.signature_refused(f"reason_{number}")
    text = metrics.render({}, {}).decode()
    assert text.count("fingerpost_requests_refused_total{") == Metrics.MOST_VALUES + 1


def test_gauges_follow_the_counts() -> None:
    metrics = Metrics()
    metrics.render({"deliveries_due": 7}, {"delivery": True})
    metrics.render({"deliveries_due": 2}, {"delivery": False})
    value = metrics.registry.get_sample_value
    assert value("fingerpost_work", {"what": "deliveries_due"}) == 2
    assert value("fingerpost_task_alive", {"task": "delivery"}) == 0
