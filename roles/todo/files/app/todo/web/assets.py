"""The page's files, read once and answered from memory with a validator, so that a reload costs no transfer."""

from __future__ import annotations

import hashlib
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/static/todo.css": ("todo.css", "text/css; charset=utf-8"),
    "/static/todo.js": ("todo.js", "text/javascript; charset=utf-8"),
    "/static/api.js": ("api.js", "text/javascript; charset=utf-8"),
    "/static/list.js": ("list.js", "text/javascript; charset=utf-8"),
    "/static/row.js": ("row.js", "text/javascript; charset=utf-8"),
    "/static/work.js": ("work.js", "text/javascript; charset=utf-8"),
    "/static/texts.js": ("texts.js", "text/javascript; charset=utf-8"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
}


def routes() -> list[Route]:
    """One route for each file of the page."""
    folder = resources.files(__package__) / "static"
    return [_route(path, (folder / name).read_bytes(), kind) for path, (name, kind) in _FILES.items()]


def _route(path: str, content: bytes, media_type: str) -> Route:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "no-cache"}

    async def answer(request: Request) -> Response:
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return Route(path, answer)
