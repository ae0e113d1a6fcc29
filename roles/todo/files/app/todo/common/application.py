"""How each service's ASGI application is put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from . import errors, health, hosts, metrics, openapi
from .middleware import RequestContext


def build(
    service: str,
    document: openapi.Object,
    routes: Sequence[BaseRoute],
    ready: health.Check = health.always_ready,
    lifespan: Any = None,
) -> Starlette:
    """An application of `routes` with health endpoints, request ids, logs, metrics and JSON errors.

    `service` names it in the metrics, `document` is its OpenAPI description.
    `lifespan` is Starlette's: an asynchronous context manager around the application's life.
    """
    served = [*health.routes(ready), openapi.route(document), *routes]
    return _compose(served, [Middleware(metrics.RequestMetrics, service)], lifespan)


def metrics_only() -> Starlette:
    """The application for the port of the metrics; its own requests are not counted."""
    return _compose(metrics.routes(), [])


def _compose(routes: Sequence[BaseRoute], outside: Sequence[Middleware], lifespan: Any = None) -> Starlette:
    app = Starlette(
        routes=routes,
        middleware=[*outside, Middleware(RequestContext), Middleware(hosts.KnownHosts, hosts.from_settings())],
        exception_handlers=dict(errors.HANDLERS),
        lifespan=lifespan,
    )
    # Starlette would redirect /todos/ to /todos at the host that the caller names, which may be any.
    app.router.redirect_slashes = False
    return app
