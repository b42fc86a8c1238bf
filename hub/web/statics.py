"""Style sheets, scripts and the icon: read once, named by what is in them, so that a browser keeps them for good."""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from aiohttp import web

TYPES: Final[Mapping[str, str]] = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
NEEDED: Final = ("fingerpost.css", "fingerpost.js", "govuk/govuk-frontend.min.css", "govuk/govuk-frontend.min.js")
FOR_GOOD: Final = "public, max-age=31536000, immutable"
A_WHILE: Final = "public, max-age=3600"


class AssetsMissing(Exception):
    """The style sheet and script of the pages are missing: run ``python scripts/assets``, or install the package, whose
    build brings them in."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: {self.__doc__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """One file. ``version`` changes whenever a byte of it does."""

    body: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    media_type: str
    version: str


class Statics:
    """All files of ``hub/web/static``. Raises AssetsMissing."""

    def __init__(self, *, base: str) -> None:
        """``base``: the path that the hub is reached under, without a slash at its end."""
        self._base = base
        self._files = dict(_read(files("hub.web").joinpath("static"), ""))
        for name in NEEDED:
            if name not in self._files:
                raise AssetsMissing(name)

    def url(self, name: str) -> str:
        """Where a page finds it. Raises KeyError."""
        return f"{self._base}/static/{name}?v={self._files[name].version}"

    async def serve(self, request: web.Request) -> web.Response:
        """``/static/{name}``. Kept for good under the version that it has, and for an hour under any other."""
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        named = request.query.get("v") == found.version
        headers = {"Cache-Control": FOR_GOOD if named else A_WHILE, "Vary": "Accept-Encoding"}
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = found.packed if packed else found.body
        return web.Response(body=body, content_type=found.media_type, charset="utf-8", headers=headers)


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, Static]]:
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            yield from _read(entry, f"{name}/")
            continue
        media_type = TYPES.get("." + entry.name.rpartition(".")[2])
        if media_type is not None:
            body = entry.read_bytes()
            version = hashlib.sha256(body).hexdigest()[:16]
            yield name, Static(body=body, packed=gzip.compress(body, mtime=0), media_type=media_type, version=version)
