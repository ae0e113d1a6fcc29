"""Which names a service answers to.

Behind a gateway any: it sends only what is meant for the service. On a user's own machine the loopback names only:
else a page of any site could have its name resolve to 127.0.0.1 and be this site's own page to the browser
(DNS rebinding).
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from . import settings
from .errors import ApiError

LOOPBACK = "localhost,127.0.0.1,[::1]"


def from_settings() -> frozenset[str]:
    """The names in ALLOWED_HOSTS, separated by commas and without ports; empty allows every name."""
    names = settings.text("ALLOWED_HOSTS", "").split(",")
    return frozenset(name.strip().lower() for name in names if name.strip())


class KnownHosts:
    """ASGI middleware. Answers 421 to a request whose Host header is none of `allowed`."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._allowed:
            names = {_without_port(host) for host in Headers(scope=scope).getlist("host")}
            if not names or not names <= self._allowed:
                text = "This name is none of the server's; ALLOWED_HOSTS lists them."
                await ApiError(421, "unknown_host", text).response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _without_port(host: str) -> str:
    """`name:port` without the port, in lower case; an IPv6 address keeps its brackets."""
    name, _colon, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()
