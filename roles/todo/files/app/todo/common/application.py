"""How each service's ASGI application is put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from . import errors, health, metrics
from .middleware import RequestContext


def build(
    service: str,
    routes: Sequence[BaseRoute],
    ready: health.Check = health.always_ready,
    lifespan: Any = None,
) -> Starlette:
    """An application of `routes` with health endpoints, request ids, logs, metrics and JSON errors.

    `service` names it in the metrics. `lifespan` is Starlette's: an asynchronous context manager around its life.
    """
    return Starlette(
        routes=[*health.routes(ready), *routes],
        middleware=[Middleware(metrics.RequestMetrics, service), Middleware(RequestContext)],
        exception_handlers=dict(errors.HANDLERS),
        lifespan=lifespan,
    )


def metrics_only() -> Starlette:
    """The application for the port of the metrics; its own requests are not counted."""
    return Starlette(
        routes=metrics.routes(),
        middleware=[Middleware(RequestContext)],
        exception_handlers=dict(errors.HANDLERS),
    )
