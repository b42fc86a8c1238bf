"""Health and metrics: for probes, service managers and Prometheus. No personal data in any of them."""

from aiohttp import web

from hub.service.health import Health
from hub.service.ports import StoreUnavailable
from hub.web.ports import Meter
from hub.web.problems import json_response


class HealthApi:
    """/health/live, /health/ready, /health/overdue and /metrics."""

    def __init__(self, health: Health, meter: Meter) -> None:
        self._health = health
        self._meter = meter

    async def live(self, request: web.Request) -> web.Response:
        """The process answers. Says nothing about work: restart it only if even this fails."""
        return json_response({"live": True})

    async def ready(self, request: web.Request) -> web.Response:
        """Whether events can be taken and will be worked on: else 503, and send none here."""
        checks = await self._health.ready()
        good = all(checks.values())
        return json_response({"ready": good, "checks": dict(checks)}, status=200 if good else 503)

    async def overdue(self, request: web.Request) -> web.Response:
        """503 when work is late or a part is dead: somebody has to look."""
        found = await self._health.overdue()
        return json_response({"overdue": dict(found)}, status=503 if found else 200)

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus text. When the store is away the gauges of its rows keep their last value."""
        try:
            counts = await self._health.counts()
        except StoreUnavailable:
            counts = {"store_unavailable": 1}
        else:
            counts = {**counts, "store_unavailable": 0}
        text = self._meter.render(counts, self._health.alive)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
