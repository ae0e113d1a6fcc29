"""Putting together the OpenAPI 3.1 document of a service, served at /openapi.json.

Each service describes its own paths in its module `openapi`; what all have in common stands here.
The tests compare the document with the routes and with the answers of the running services.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import __version__

PATH = "/openapi.json"
Object = dict[str, Any]

_TEXT = {"type": "string"}
_REASONS = {
    400: "The body is not valid JSON, or the request is not valid HTTP",
    403: "A page of another site made the request",
    404: "There is no such to-do",
    408: "The body came too slowly",
    409: "The Idempotency-Key came with another title before",
    413: "The body is too large",
    415: "The body is not plain application/json",
    422: "A value is not accepted; `field` says which",
    502: "A service behind this one cannot be reached",
    503: "The database cannot be reached now",
    504: "A service behind this one took too long",
}
_ERROR: Object = {
    "description": "Every error has this form.",
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "additionalProperties": False,
            "properties": {
                "code": {**_TEXT, "description": "For programs", "pattern": "^[a-z_]+$"},
                "message": {**_TEXT, "description": "For people, in English"},
                "field": {**_TEXT, "description": "The member, parameter or header at fault"},
                "request_id": {**_TEXT, "description": "The id that the log has too", "minLength": 1},
            },
        }
    },
}


def content(schema: Object) -> Object:
    """A body in JSON, of that schema."""
    return {"application/json": {"schema": schema}}


def reference(name: str) -> Object:
    """A reference to the schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def answer(description: str, schema: Object, headers: Object | None = None) -> Object:
    """An answer with a body in JSON."""
    told = {"description": description, "content": content(schema)}
    return told | ({"headers": headers} if headers else {})


def errors(*statuses: int) -> Object:
    """The answers to what can go wrong; `default` covers what can go wrong with any request."""
    told = {str(status): answer(_REASONS[status], reference("Error")) for status in statuses}
    return told | {"default": answer("Another error", reference("Error"))}


def health_paths() -> Object:
    """The paths that every service has: health, readiness, and this document."""
    state = {"type": "object", "required": ["status"], "additionalProperties": False, "properties": {"status": _TEXT}}
    not_ready = {
        **state,
        "required": ["status", "reason"],
        "properties": {"status": {"const": "not ready"}, "reason": _TEXT},
    }
    return {
        "/healthz": {
            "get": {
                "operationId": "healthz",
                "summary": "Whether the process works",
                "responses": {"200": answer("It does", state), **errors()},
            }
        },
        "/readyz": {
            "get": {
                "operationId": "readyz",
                "summary": "Whether requests can be answered now",
                "responses": {
                    "200": answer("They can", state),
                    "503": answer("They cannot", not_ready),
                    **errors(),
                },
            }
        },
        PATH: {
            "get": {
                "operationId": "openapi",
                "summary": "This document",
                "responses": {"200": answer("OpenAPI 3.1", {"type": "object"}), **errors()},
            }
        },
    }


def document(title: str, description: str, paths: Mapping[str, Any], schemas: Mapping[str, Any]) -> Object:
    """The whole document of a service with these paths and schemas of its own."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": description,
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "paths": {**paths, **health_paths()},
        "components": {"schemas": {"Error": _ERROR, **schemas}},
    }


def route(described: Object) -> Route:
    """GET /openapi.json."""

    async def openapi(_request: Request) -> Response:
        return JSONResponse(described, headers={"cache-control": "no-cache"})

    return Route(PATH, openapi)
