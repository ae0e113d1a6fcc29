"""Around every request: its id, its line in the log, and the security headers of every answer."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import errors, logs

REQUEST_ID_HEADER = "x-request-id"
_USABLE_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_ACCESS = logging.getLogger("access")
_CLIENT_GONE = 499  # in the log only: nobody is there to be answered
_PROBES = ("/healthz", "/readyz", "/metrics")

# Nothing is loaded from elsewhere and nothing runs inline, so no exception is needed.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# What the page does not need, nobody gets through it.
_FEATURES = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
}
# Browsers take these over TLS only, and complain in the page's console where it is not.
TLS_HEADERS = {"cross-origin-opener-policy": "same-origin"}


def usable_request_id(offered: str | None) -> str:
    """The id that the caller sent if it is short and plain, else a new one."""
    if offered and _USABLE_ID.fullmatch(offered):
        return offered
    return new_request_id()


def new_request_id() -> str:
    """An id that nobody has used."""
    return str(uuid.uuid4())


class RequestContext:
    """ASGI middleware. Sets `logs.request_id`, answers with it, adds SECURITY_HEADERS and writes the access log.

    Probes of health and metrics are logged only when they fail: they come every few seconds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        request_id = usable_request_id(asked.get(REQUEST_ID_HEADER))
        protection = SECURITY_HEADERS | (TLS_HEADERS if _over_tls(scope, asked) else {})
        token = logs.request_id.set(request_id)
        started = time.perf_counter()
        status, begun = 500, False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id
                for name, value in protection.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = _CLIENT_GONE
        except Exception as error:
            answer = errors.unexpected(error)
            if not begun:
                await answer(scope, receive, send_with_headers)
        finally:
            if status >= 400 or scope["path"] not in _PROBES:
                milliseconds = round((time.perf_counter() - started) * 1000, 1)
                fields = {
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "milliseconds": milliseconds,
                }
                _ACCESS.info("request", extra={"fields": fields})
            logs.request_id.reset(token)


def _over_tls(scope: Scope, headers: Headers) -> bool:
    """Whether the browser speaks TLS, be it to a gateway that says so."""
    return scope["scheme"] == "https" or headers.get("x-forwarded-proto", "").lower() == "https"
