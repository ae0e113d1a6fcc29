"""How each service's ASGI application is put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from . import errors, health
from .middleware import RequestContext


def build(
    routes: Sequence[BaseRoute],
    ready: health.Check = health.always_ready,
    lifespan: Any = None,
) -> Starlette:
    """An application of `routes` with health endpoints, request ids, logs and JSON errors.

    `lifespan` is Starlette's: an asynchronous context manager around the application's life.
    """
    return Starlette(
        routes=[*health.routes(ready), *routes],
        middleware=[Middleware(RequestContext)],
        exception_handlers=dict(errors.HANDLERS),
        lifespan=lifespan,
    )
