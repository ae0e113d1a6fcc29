"""Reading request bodies: JSON only, with a limit on the size."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from .errors import ApiError

BODY_LIMIT = 16 * 1024
"""Bytes. A to-do of 200 characters, each escaped as 12 bytes of JSON, is far below it."""


async def read_body(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """The body, at most `limit` bytes. Raises ApiError 413 as soon as it is longer, 415 when it is not JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(415, "not_json", "Send the body as Content-Type: application/json.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise ApiError(413, "too_large", f"The body is larger than {limit} bytes.", headers={"Connection": "close"})
    return bytes(body)


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises ApiError 400 when it is not one, and what `read_body` raises."""
    try:
        value = json.loads(await read_body(request))
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "bad_json", f"The body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ApiError(400, "bad_json", "The body must be a JSON object.")
    return value
