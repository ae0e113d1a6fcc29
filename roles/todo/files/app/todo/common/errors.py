"""One shape for every error: {"error": {"code", "message", "field"?, "request_id"}}.

`code` is for programs (the page translates it), `message` is English for people.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from . import logs

_LOG = logging.getLogger(__name__)
_PATH_SHOWN = 200


class ApiError(Exception):
    """An error to be told to the caller. `status` is the HTTP status, `field` the member of the body at fault."""

    def __init__(
        self, status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.headers = dict(headers or {})

    def as_json(self, request_id: str) -> dict[str, Any]:
        """The error in the one form."""
        detail: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.field is not None:
            detail["field"] = self.field
        return {"error": {**detail, "request_id": request_id}}

    def response(self) -> JSONResponse:
        """The error as an HTTP answer."""
        return JSONResponse(self.as_json(logs.request_id.get()), status_code=self.status, headers=self.headers)


async def _on_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    message = f"{request.method} {request.url.path[:_PATH_SHOWN]}: {error.detail}"
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return ApiError(error.status_code, code, message, headers=headers).response()


def _methods(request: Request) -> set[str]:
    """All that the path allows; Starlette tells those of the first route on it."""
    fitting = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in fitting for method in route.methods}


def unexpected(error: Exception) -> Response:
    """The answer to a fault of our own: the details go to the log, not to the caller."""
    _LOG.error("unexpected error", exc_info=error)
    return ApiError(500, "internal_error", "Something went wrong here; the log has the details.").response()


HANDLERS: Mapping[Any, Any] = {
    ApiError: _on_api_error,
    HTTPException: _on_http_error,
}
