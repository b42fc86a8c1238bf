"""A hub that starts asks nobody for anything: no update, no font, no list, no telemetry."""

import socket
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.kit.events import raw, reported
from tests.kit.whole import whole


def here(host: object) -> bool:
    """Whether this is this machine itself."""
    text = host.decode() if isinstance(host, bytes) else str(host or "")
    if text in ("", "localhost") or text.startswith("/"):
        return True
    try:
        return ip_address(text).is_loopback or ip_address(text).is_unspecified
    except ValueError:
        return False


async def test_a_hub_starts_and_tells_everybody_without_asking_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def kept_in(real: Callable[..., Any], host_of: Callable[..., object]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            host = host_of(*arguments)
            if not here(host):
                asked.append(str(host))
                raise OSError(f"this test lets nobody reach {host}")
            return real(*arguments, **more)

        return call

    def first(own: object, address: object, *rest: object) -> object:
        return address[0] if isinstance(address, tuple) else address

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, kept_in(getattr(socket.socket, name), first))
    monkeypatch.setattr(socket, "getaddrinfo", kept_in(socket.getaddrinfo, lambda host, *rest: host))
    async with whole(tmp_path) as hub:
        await hub.post(raw(reported()))
        assert await hub.settled()
        assert (await hub.get("/health/ready"))[0] == 200
        assert asked == []
        # That they would have been seen:
        for reach in (lambda: socket.create_connection(("192.0.2.1", 9)), lambda: socket.getaddrinfo("hub.example", 9)):
            with pytest.raises(OSError, match="lets nobody reach"):
                reach()
    assert asked == ["192.0.2.1", "hub.example"]
