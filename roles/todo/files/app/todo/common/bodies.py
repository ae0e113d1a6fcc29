"""Reading request bodies: JSON only, with limits on the size and on the time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request

from .errors import ApiError

BODY_LIMIT = 16 * 1024
"""Bytes. A to-do of 200 characters, each escaped as 12 bytes of JSON, is far below it."""
BODY_SECONDS = 30
"""For the whole body."""
# What is longer is read up to here and thrown away: a caller that is still sending would not see the answer.
_DISCARD_LIMIT = 1024 * 1024


async def read_body(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """The body, at most `limit` bytes.

    Raises ApiError 413 when it is longer, 415 when it is not plain application/json, 408 when it takes too long.
    """
    _require_json(request.headers)
    body = bytearray()
    length = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                length += len(chunk)
                if length <= limit:
                    body += chunk
                elif length > _DISCARD_LIMIT:
                    break
    except TimeoutError as error:
        text = f"The body did not arrive within {BODY_SECONDS} seconds."
        raise ApiError(408, "too_slow", text, headers={"Connection": "close"}) from error
    if length > limit:
        raise ApiError(413, "too_large", f"The body is larger than {limit} bytes.", headers={"Connection": "close"})
    return bytes(body)


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises ApiError 400 when it is not one, and what `read_body` raises."""
    try:
        # Decoded here: json.loads would take UTF-16 and UTF-32 too, which JSON between systems must not be (RFC 8259).
        text = (await read_body(request)).decode()
        value = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise ApiError(400, "bad_json", "The body is not valid UTF-8.") from error
    except RecursionError as error:
        raise ApiError(400, "bad_json", "The body is nested too deeply.") from error
    except ValueError as error:
        raise ApiError(400, "bad_json", f"The body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ApiError(400, "bad_json", "The body must be a JSON object.")
    return value


def _require_json(headers: Headers) -> None:
    kinds = headers.getlist("content-type")
    media_type, _semicolon, parameters = (kinds[0] if len(kinds) == 1 else "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise ApiError(415, "not_json", "Send the body as Content-Type: application/json, in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(415, "encoded", "Send the body without Content-Encoding.")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers of JSON differ in which of two equal names counts, so none does (RFC 8259, section 4)."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name is there twice in one object")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
