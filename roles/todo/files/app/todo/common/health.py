"""Health endpoints: /healthz says that the process works, /readyz that it can answer requests now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Check = Callable[[], Awaitable[str | None]]
"""Returns None when ready, else the reason in a few words."""


async def always_ready() -> str | None:
    """The check of a service that depends on nothing."""
    return None


def routes(check: Check = always_ready) -> list[Route]:
    """The two routes. `check` is asked at every call of /readyz; so is whether the server is stopping."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        reason = "stopping" if getattr(request.app.state, "stopping", False) else await check()
        if reason is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": reason}, status_code=503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
