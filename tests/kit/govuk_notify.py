"""A local GOV.UK Notify that behaves as its documentation and its public source say, and fails where a test says.

Over https, in the test's own loop, with its own check of the token: HS256 by the service's secret, ``iss``, and an
``iat`` within 30 seconds of ``clock``. Messages are kept as Notify keeps them; smoke test numbers are taken and not
kept.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import tempfile
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any, Literal

from aiohttp import web

from tests.kit.pki import root
from tests.kit.smtp import server_context

SERVICE = "26785a09-ab16-4eb0-8407-a37497a57506"
SECRET = "3d844edf-8d35-48ac-975b-e847b4f122b0"
KEY = f"fingerpost_tests-{SERVICE}-{SECRET}"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"
SENDER = "8e222534-7f05-4972-86e3-17c5d9f894e2"
SMOKE_NUMBERS = ("07700900000", "07700900111", "07700900222")

Place = Literal["lookup", "send", "sent"]
"""``lookup``: GET. ``send``: POST, before the message is kept. ``sent``: POST, after it is kept, before the answer."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong at one place, once. Exactly one of ``status``, ``raw``, ``drop``, ``hang``."""

    status: int | None = None
    error: str = ""
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    """A 2xx with this body."""
    drop: bool = False
    hang: bool = False


@dataclass(slots=True)
class Notify:
    """What the server is told and what it saw."""

    url: str = ""
    ca_file: str = ""
    template: str = "Hub: ((text))"
    clock: Callable[[], float] = time.time
    faults: dict[Place, deque[Fault]] = field(default_factory=dict)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[bytes] = field(default_factory=list)
    """Request line, headers and body of each, oldest first."""
    posted: list[dict[str, Any]] = field(default_factory=list)
    """The body of each authenticated POST."""
    kept: list[dict[str, Any]] = field(default_factory=list)
    """Notifications, newest first, as GET lists them."""
    connections: set[asyncio.Transport] = field(default_factory=set)

    def fail(self, place: Place, *faults: Fault) -> None:
        self.faults.setdefault(place, deque()).extend(faults)

    @property
    def keys(self) -> list[str]:
        return [one["reference"] for one in self.posted]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.connections.add(request.transport)
        body = await request.read()
        head = f"{request.method} {request.path_qs}\n" + "\n".join(f"{k}: {v}" for k, v in request.headers.items())
        self.requests.append(head.encode() + b"\n\n" + body)
        refused = self._unauthorised(request.headers.get("Authorization", ""))
        if refused is not None:
            return refused
        match request.method, request.path:
            case "GET", "/v2/notifications":
                return await self._faulty("lookup", request) or self._list(request)
            case "POST", "/v2/notifications/sms":
                return await self._send(request, body)
            case _:
                return self._error(404, "NoResultFound", "No result found")

    def _unauthorised(self, header: str) -> web.Response | None:
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer":
            return self._error(401, "AuthError", "Unauthorized: authentication token must be provided")
        signed, _, signature = token.rpartition(".")
        mac = hmac.digest(SECRET.encode(), signed.encode(), hashlib.sha256)
        try:
            header_, claims = (json.loads(_unpadded(part)) for part in signed.split("."))
            sound = hmac.compare_digest(_unpadded(signature), mac)
        except ValueError:
            return self._error(403, "AuthError", "Invalid token: signature, api token not found")
        if not sound or header_ != {"typ": "JWT", "alg": "HS256"} or claims.get("iss") != SERVICE:
            return self._error(403, "AuthError", "Invalid token: API key not found")
        if abs(self.clock() - claims["iat"]) > 30:
            return self._error(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds")
        return None

    def _list(self, request: web.Request) -> web.Response:
        if set(request.query) - {"reference", "template_type", "status", "older_than", "include_jobs"}:
            return self._error(400, "ValidationError", "Additional properties are not allowed")
        wanted = request.query.get("reference")
        found = [one for one in self.kept if wanted is None or one["reference"] == wanted]
        return web.json_response({"notifications": found[:250], "links": {"current": str(request.url)}})

    async def _send(self, request: web.Request, body: bytes) -> web.StreamResponse:
        asked = json.loads(body)
        self.posted.append(asked)
        faulty = await self._faulty("send", request)
        if faulty is not None:
            return faulty
        problem = self._problem(asked)
        if problem is not None:
            return problem
        text = self.template.replace("((text))", asked.get("personalisation", {}).get("text", ""))
        identity = str(uuid.uuid4())
        template = {"id": asked["template_id"], "version": 1, "uri": f"{self.url}/v2/template/{asked['template_id']}"}
        if asked["phone_number"].replace("+44", "0") not in SMOKE_NUMBERS:
            self.kept.insert(
                0,
                {
                    "id": identity,
                    "reference": asked.get("reference"),
                    "phone_number": asked["phone_number"],
                    "type": "sms",
                    "status": "created",
                    "template": template,
                    "body": text,
                    "created_at": "2026-03-01T19:30:00.000000Z",
                    "sent_at": None,
                    "completed_at": None,
                },
            )
        answer = {
            "id": identity,
            "reference": asked.get("reference"),
            "content": {"body": text, "from_number": "40604"},
            "uri": f"{self.url}/v2/notifications/{identity}",
            "template": template,
            "scheduled_for": None,
        }
        return await self._faulty("sent", request) or web.json_response(answer, status=201)

    def _problem(self, asked: dict[str, Any]) -> web.Response | None:
        for name in ("phone_number", "template_id"):
            if not isinstance(asked.get(name), str):
                return self._error(400, "ValidationError", f"{name} is a required property")
        if set(asked) - {"phone_number", "template_id", "personalisation", "reference", "sms_sender_id"}:
            return self._error(400, "ValidationError", "Additional properties are not allowed")
        if not _UUID.fullmatch(asked["template_id"]):
            return self._error(400, "ValidationError", "template_id is not a valid UUID")
        if not re.fullmatch(r"(\+44|0)7[0-9]{9}", asked["phone_number"]):
            return self._error(400, "ValidationError", "phone_number Not a UK mobile number")
        if asked["template_id"] != TEMPLATE:
            return self._error(400, "BadRequestError", "Template not found")
        if "((text))" in self.template and "text" not in asked.get("personalisation", {}):
            return self._error(400, "BadRequestError", "Missing personalisation: text")
        return None

    async def _faulty(self, place: Place, request: web.Request) -> web.Response | None:
        waiting = self.faults.get(place)
        if not waiting:
            return None
        fault = waiting.popleft()
        self.reached.set()
        if fault.status is not None:
            answer = self._error(fault.status, fault.error, fault.message)
            answer.headers.extend(fault.headers)
            return answer
        if fault.raw is not None:
            return web.Response(status=201, body=fault.raw, content_type="application/json")
        if fault.hang:
            await asyncio.Event().wait()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def _error(self, status: int, error: str, message: str) -> web.Response:
        found = {"status_code": status, "errors": [{"error": error, "message": message}]}
        return web.json_response(found, status=status, headers={"Date": formatdate(self.clock(), usegmt=True)})


def _unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@asynccontextmanager
async def notify_server() -> AsyncIterator[Notify]:
    """A server on a free port of localhost, for as long as the block runs. What hangs is cut at the end."""
    state = Notify()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", state.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "root.pem").write_bytes(root().pem)
        state.ca_file = str(Path(folder) / "root.pem")
        try:
            site = web.TCPSite(runner, "localhost", 0, ssl_context=server_context())
            await site.start()
            state.url = f"https://localhost:{runner.addresses[0][1]}"
            yield state
        finally:
            for connection in state.connections:
                connection.abort()  # a goodbye over TLS would outlast the test's loop
            await runner.cleanup()
            await asyncio.sleep(0)
