"""Requests from web to the services behind it."""

from __future__ import annotations

import asyncio
import logging

import httpx
from starlette.requests import Request
from starlette.responses import Response

from ..common import logs
from ..common.errors import ApiError
from ..common.middleware import REQUEST_ID_HEADER
from ..rule.model import KEY_HEADER
from .openapi import PREFIX

# Trace headers go along so that a mesh can join the spans of one request.
_TRACE_HEADERS = ("traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled")
_PASSED_ON = {name.lower().encode() for name in (*_TRACE_HEADERS, KEY_HEADER)}
_ANSWER_HEADERS = ("content-type", "cache-control", "retry-after")
_ANSWER_LIMIT = 1024 * 1024
# What a gateway or sidecar answers, not in JSON, when it has no pod to send a request to.
_GATEWAY_STATUS = (502, 503, 504)
_PAUSE_SECONDS = 0.2
_LOG = logging.getLogger(__name__)


class Upstream:
    """One service. `name` is used in messages; `seconds` must cover its start from zero pods.

    `kept` connections stay open at the most: a Service of Kubernetes spreads connections over pods, not requests.
    """

    def __init__(self, name: str, url: str, seconds: float, kept: int = 20) -> None:
        self._name = name
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(seconds, connect=5),
            # One new attempt, only when no connection came about: then nothing has been sent.
            # Without TLS no certificates are read, which is a good part of the time that web takes to start.
            transport=httpx.AsyncHTTPTransport(
                retries=1,
                verify=not url.startswith("http://"),
                limits=httpx.Limits(max_keepalive_connections=kept),
            ),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def forward(
        self, request: Request, path: str, body: bytes | None = None, query: str | None = None
    ) -> Response:
        """The service's answer to the same method on `path`.

        Reads, and changes with an Idempotency-Key, are tried a second time when the service was not reached:
        its pod may just have been replaced.
        Raises ApiError 502 when it cannot be reached or does not answer with JSON, 504 when it takes too long.
        """
        # As bytes, as they came: they need not be ASCII.
        headers = [(name, value) for name, value in request.headers.raw if name in _PASSED_ON]
        headers += [(REQUEST_ID_HEADER.encode(), logs.request_id.get().encode()), (b"accept", b"application/json")]
        if body is not None:
            headers.append((b"content-type", b"application/json"))
        message = self._client.build_request(request.method, path, params=query, content=body, headers=headers)
        attempts = 2 if request.method in ("GET", "HEAD") or KEY_HEADER in request.headers else 1
        for left in reversed(range(attempts)):
            try:
                answer = await self._send(message)
                break
            except _NotReached as error:
                if not left:
                    raise error.told from error
                _LOG.warning("trying again", extra={"fields": {"service": self._name, "reason": error.told.message}})
                await asyncio.sleep(_PAUSE_SECONDS)
        kept = {name: answer.headers[name] for name in _ANSWER_HEADERS if name in answer.headers}
        if answer.headers.get("location", "").startswith("/"):
            kept["location"] = PREFIX + answer.headers["location"]
        return Response(answer.content, answer.status_code, kept)

    async def _send(self, message: httpx.Request) -> httpx.Response:
        """One attempt; the answer is JSON or empty."""
        try:
            answer = await self._client.send(message)
        except httpx.TimeoutException as error:
            text = f"The {self._name} service took too long to answer."
            raise ApiError(504, f"{self._name}_timeout", text) from error
        except httpx.HTTPError as error:
            raise _NotReached(self._name, type(error).__name__) from error
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        is_json = media_type == "application/json"
        if answer.status_code in _GATEWAY_STATUS and not is_json:
            raise _NotReached(self._name, f"the gateway answered {answer.status_code}")
        if (answer.content and not is_json) or len(answer.content) > _ANSWER_LIMIT:
            text = f"The {self._name} service answered {answer.status_code} with something else than JSON."
            raise ApiError(502, f"{self._name}_unusable", text)
        return answer


class _NotReached(Exception):
    """The request did not get to the service; `told` is what the caller hears."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.told = ApiError(502, f"{name}_unreachable", f"The {name} service cannot be reached ({reason}).")
