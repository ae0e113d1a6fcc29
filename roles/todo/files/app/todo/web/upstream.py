"""Requests from web to the services behind it."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from starlette.requests import Request
from starlette.responses import Response

from ..common import logs
from ..common.errors import ApiError
from ..common.middleware import REQUEST_ID_HEADER

# Trace headers go along so that a mesh can join the spans of one request.
_TRACE_HEADERS = ("traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled")
_ANSWER_HEADERS = ("content-type", "cache-control", "retry-after")
_ANSWER_LIMIT = 1024 * 1024


class Upstream:
    """One service. `name` is used in messages; `seconds` must cover its start from zero pods."""

    def __init__(self, name: str, url: str, seconds: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._name = name
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(seconds, connect=5),
            # One new attempt, only when no connection came about: then nothing has been sent.
            transport=transport or httpx.AsyncHTTPTransport(retries=1),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def forward(
        self, request: Request, path: str, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Response:
        """The service's answer to the same method on `path`.

        Raises ApiError 502 when it cannot be reached or does not answer with JSON, 504 when it takes too long.
        """
        headers = {name: request.headers[name] for name in _TRACE_HEADERS if name in request.headers}
        headers[REQUEST_ID_HEADER] = logs.request_id.get()
        headers["accept"] = "application/json"
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            answer = await self._client.request(request.method, path, params=query, content=body, headers=headers)
        except httpx.TimeoutException as error:
            message = f"The {self._name} service took too long to answer."
            raise ApiError(504, f"{self._name}_timeout", message) from error
        except httpx.HTTPError as error:
            message = f"The {self._name} service cannot be reached ({type(error).__name__})."
            raise ApiError(502, f"{self._name}_unreachable", message) from error
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        if len(answer.content) > _ANSWER_LIMIT or (answer.content and media_type != "application/json"):
            message = f"The {self._name} service answered {answer.status_code} with something else than JSON."
            raise ApiError(502, f"{self._name}_unusable", message)
        kept = {name: answer.headers[name] for name in _ANSWER_HEADERS if name in answer.headers}
        return Response(answer.content, answer.status_code, kept)
