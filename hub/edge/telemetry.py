"""Logs and metrics, neither with a word about a child.

Logs are JSON lines by structlog. Only the keys below are let through, and only with values of the shape given there:
ids made by the hub, codes, numbers. Anything else is dropped and counted, so that a careless line of code leaks
nothing. Lines of other libraries are reduced to who spoke, how loud, and what kind of error.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
HUB_ID: Final = re.compile(r"[a-z]{1,8}_[0-9A-Za-z]{20,40}(?:\.alert)?", re.ASCII)
PLACE: Final = re.compile(r"[A-Za-z0-9_./<>:-]{1,120}", re.ASCII)

KEYS: Final[Mapping[str, re.Pattern[str]]] = {
    **dict.fromkeys(
        ("event_id", "episode", "notice", "delivery", "source", "decision", "quarantine", "alarm", "child", "key"),
        HUB_ID,
    ),
    **dict.fromkeys(
        (
            "answer",
            "authority",
            "channel",
            "command",
            "error",
            "kek",
            "kind",
            "logger",
            "node",
            "organisation",
            "outcome",
            "pack",
            "priority",
            "reason",
            "risk",
            "role",
            "route",
            "scope",
            "setting",
            "signal",
            "state",
            "task",
            "type",
            "version",
        ),
        CODE,
    ),
    "where": PLACE,
}
"""Allowed keys with text values, and the shape of the value. Numbers and truth values are allowed for NUMBERS."""
NUMBERS: Final = frozenset(
    {"attempt", "count", "seconds", "status", "port", "size", "late", "due", "number", "open", "ok"}
)
EVENT: Final = re.compile(r"[a-z][a-z0-9_.]{1,60}", re.ASCII)
"""What a log line is about: ``delivery.finished``; a constant of the code, never a sentence with values in it."""
OURS: Final = frozenset({"event", "level", "timestamp"})


class AllowList:
    """structlog processor: lets through what is known to be harmless and counts the rest."""

    def __init__(self, dropped: Callable[[], None]) -> None:
        self._dropped = dropped

    def __call__(self, logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        clean: dict[str, Any] = {}
        for key, value in line.items():
            if key in ("level", "timestamp") or self._harmless(key, value):
                clean[key] = value
            elif key == "event":
                clean["event"] = "unnamed"
                self._dropped()
            else:
                self._dropped()
        return clean

    @staticmethod
    def _harmless(key: str, value: Any) -> bool:
        if key in NUMBERS:
            return isinstance(value, bool | int | float)
        if key == "event":
            return isinstance(value, str) and EVENT.fullmatch(value) is not None
        shape = KEYS.get(key)
        return shape is not None and isinstance(value, str) and shape.fullmatch(value) is not None


class ForeignHandler(logging.Handler):
    """Lines of other libraries: logger, level, error class and place; never their message, which may hold anything."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name[:64]}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields |= {"error": type(error).__name__, "where": place(error)}
        self._log.log(max(record.levelno, logging.INFO), "library.spoke", **fields)


def place(error: BaseException) -> str:
    """Where an error came from: module path and line of the innermost frame; no message, no variables."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    parts = frames[-1].filename.replace("\\", "/").split("/")
    return f"{'/'.join(parts[-3:])}:{frames[-1].lineno}"[:120]


def configure_logging(level: str, metrics: "Metrics", stream: TextIO | None = None) -> None:
    """Set up structlog and catch what other libraries log. Once, at the start of a process."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            AllowList(metrics.log_dropped.inc),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, ForeignHandler)]:
        root.removeHandler(handler)
    root.addHandler(ForeignHandler(structlog.get_logger()))
    root.setLevel(max(number, logging.WARNING))


class Metrics:
    """Every metric, in a registry of its own. Labels are codes from closed sets; a stray value counts as ``other``."""

    LABEL: Final = re.compile(r"[a-z0-9_./{}:-]{1,48}", re.ASCII)
    MOST_VALUES: Final = 64
    """Values one label may take: metrics stay bounded whatever calls them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seen: dict[str, set[str]] = {}
        self.events = self._counter("events_answered", "Events by the answer given.", "status")
        self.refused = self._counter("requests_refused", "Requests without a valid signature, not kept.", "reason")
        self.requests = self._counter("http_requests", "Requests by route.", "route", "method", "status")
        self.attempts = self._counter("attempts", "Attempts by channel and state.", "channel", "state")
        self.answers = self._counter("acknowledgements", "Answers of recipients.", "answer")
        self.receipts = self._counter("receipts", "What came back, by channel and kind.", "channel", "kind")
        self.tokens_refused = self._counter("api_tokens_refused", "API tokens that opened nothing.", "reason")
        self.log_dropped = self._counter("log_values_dropped", "Log values that were not let through.")
        self.seconds = Histogram(
            "fingerpost_http_request_seconds", "Time to answer.", ["route"], registry=self.registry
        )
        self.work = Gauge(
            "fingerpost_work", "Rows by what they wait for (see /health/overdue).", ["what"], registry=self.registry
        )
        self.coverage = Gauge(
            "fingerpost_coverage",
            "Roles of authorities and forces by how they can be reached.",
            ["when", "state"],
            registry=self.registry,
        )
        self.alive = Gauge(
            "fingerpost_task_alive", "1 while a part of the hub lives.", ["task"], registry=self.registry
        )

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"fingerpost_{name}", documentation, labels, registry=self.registry)

    def label(self, name: str, value: object) -> str:
        """``value`` if it is a code and the label has room for it, else ``other``."""
        text = str(value)
        seen = self._seen.setdefault(name, set())
        if text not in seen:
            if len(seen) >= self.MOST_VALUES or self.LABEL.fullmatch(text) is None:
                return "other"
            seen.add(text)
        return text

    def event_answered(self, status: int) -> None:
        """One POST /v1/events was answered."""
        self.events.labels(self.label("status", status)).inc()

    def signature_refused(self, reason: str) -> None:
        """A request without a valid signature came; nothing else of it is kept."""
        self.refused.labels(self.label("refused", reason)).inc()

    def request_answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Any request was answered. ``route`` is the pattern (``/a/{token}``), never the path."""
        name = self.label("route", route)
        self.requests.labels(name, self.label("method", method.lower()), self.label("status", status)).inc()
        self.seconds.labels(name).observe(seconds)

    def attempt_finished(self, channel: str, state: str) -> None:
        """One attempt of a delivery came to an end."""
        self.attempts.labels(self.label("channel", channel), self.label("state", state)).inc()

    def acknowledged(self, answer: str) -> None:
        """A recipient answered."""
        self.answers.labels(self.label("answer", answer)).inc()

    def receipt(self, channel: str, kind: str) -> None:
        """Something came back; of kind ``apart`` if nobody knows what it is about."""
        self.receipts.labels(self.label("channel", channel), self.label("receipt", kind)).inc()

    def token_refused(self, reason: str) -> None:
        """An API token opened nothing."""
        self.tokens_refused.labels(self.label("token", reason)).inc()

    def covered(self, when: str, state: str, number: int) -> None:
        """So many roles were in that state; ``when``: ``now``, ``by_day``, ``by_night``."""
        self.coverage.labels(self.label("when", when), self.label("coverage", state)).set(number)

    def render(self, counts: Mapping[str, int], alive: Mapping[str, bool]) -> bytes:
        """The text of /metrics, with the store's present ``counts``."""
        for what, number in counts.items():
            self.work.labels(self.label("what", what)).set(number)
        for task, lives in alive.items():
            self.alive.labels(self.label("task", task)).set(int(lives))
        return generate_latest(self.registry)
