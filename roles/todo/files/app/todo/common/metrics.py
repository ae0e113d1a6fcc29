"""What Prometheus reads: requests, their time, and failures of the database.

Every label has few values: routes are templates such as /todos/{id}, never the path that was asked for.
Names follow https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

import platform
import time

import prometheus_client
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import __version__
from . import settings

PATH = "/metrics"
# Up to a minute: a request may wait for a service that starts from zero pods.
_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS")
_NO_ROUTE = "none"

# Else every counter comes with a second series, the time of its creation.
prometheus_client.disable_created_metrics()
_REQUESTS = Counter("http_requests", "Requests answered", ["service", "method", "route", "status"])
_SECONDS = Histogram(
    "http_request_duration_seconds",
    "From the request's head to the end of its answer",
    ["service", "method", "route"],
    buckets=_BUCKETS,
)
_IN_FLIGHT = Gauge("http_requests_in_flight", "Requests that are being answered", ["service"])
_STORE_ERRORS = Counter("todo_store_errors", "Times that the database could not be reached", ["operation"])
_BUILD = Gauge("todo_build_info", "Always 1; the labels tell what runs", ["version", "revision", "python"])


def store_failed(operation: str) -> None:
    """Count a failure of the database. `operation` is a name of ours, such as connect or create_todo."""
    _STORE_ERRORS.labels(operation).inc()


def routes() -> list[Route]:
    """GET /metrics, in the format that the caller accepts."""
    _BUILD.labels(__version__, settings.text("K_REVISION", ""), platform.python_version()).set(1)

    async def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(prometheus_client.REGISTRY), headers={"content-type": media_type})

    return [Route(PATH, metrics)]


class RequestMetrics:
    """ASGI middleware that counts and times the requests of `service`."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service
        self._in_flight = _IN_FLIGHT.labels(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._in_flight.track_inprogress():
            try:
                await self._app(scope, receive, watch)
            finally:
                method = scope["method"] if scope["method"] in _METHODS else "other"
                # The router leaves the route in the scope; a path that fits none has none.
                route = getattr(scope.get("route"), "path", _NO_ROUTE)
                _REQUESTS.labels(self._service, method, route, status).inc()
                _SECONDS.labels(self._service, method, route).observe(time.perf_counter() - started)
