"""GET / is the page; /api/todos and /api/user pass requests on to the services rule and user."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..common import application, settings
from ..common.bodies import read_body
from . import assets, openapi
from .openapi import PREFIX
from .origin import require_same_origin
from .upstream import Upstream


def build() -> Starlette:
    """The application. RULE_URL and USER_URL say where the services are, UPSTREAM_SECONDS how long they may take.

    UPSTREAM_KEEP_ALIVE: how many connections to each are kept open; 0 for a new one for each request.
    """
    seconds = settings.integer("UPSTREAM_SECONDS", 60, 1, 600)
    kept = settings.integer("UPSTREAM_KEEP_ALIVE", 20, 0, 100)
    rule = Upstream("rule", _url("RULE_URL", "http://127.0.0.1:8081"), seconds, kept)
    user = Upstream("user", _url("USER_URL", "http://127.0.0.1:8082"), seconds, kept)
    return build_on(rule, user)


def build_on(rule: Upstream, user: Upstream) -> Starlette:
    """The application in front of these two services."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await rule.close()
        await user.close()

    async def todos(request: Request) -> Response:
        require_same_origin(request.method, request.headers)
        body = await read_body(request) if request.method == "POST" else None
        return await rule.forward(request, "/todos", body, request.url.query)

    async def todo(request: Request) -> Response:
        require_same_origin(request.method, request.headers)
        body = await read_body(request) if request.method == "PATCH" else None
        return await rule.forward(request, f"/todos/{quote(request.path_params['id'], safe='')}", body)

    async def current_user(request: Request) -> Response:
        return await user.forward(request, "/user")

    return application.build(
        "web",
        openapi.document(),
        [
            *assets.routes(),
            Route(f"{PREFIX}/todos", todos, methods=["GET", "POST"]),
            Route(f"{PREFIX}/todos/{{id}}", todo, methods=["GET", "PATCH", "DELETE"]),
            Route(f"{PREFIX}/user", current_user, methods=["GET"]),
        ],
        lifespan=lifespan,
    )


def _url(name: str, default: str) -> str:
    url = settings.text(name, default)
    if not url.startswith(("http://", "https://")):
        raise settings.SettingError(f"{name}={url!r} must begin with http:// or https://")
    return url.rstrip("/")
