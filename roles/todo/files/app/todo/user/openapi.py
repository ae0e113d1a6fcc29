"""The user service as an OpenAPI document."""

from __future__ import annotations

from ..common.openapi import Object, answer, errors, reference
from ..common.openapi import document as common_document
from .names import NAMES

SCHEMAS: Object = {
    "User": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "version", "revision"],
        "properties": {
            "name": {"enum": list(NAMES.values())},
            "version": {"enum": list(NAMES)},
            "revision": {"type": "string", "description": "The revision that answered", "minLength": 1},
        },
    }
}


def paths() -> Object:
    """The path of the current user."""
    return {
        "/user": {
            "get": {
                "operationId": "getUser",
                "summary": "The current user, and which version and revision answered",
                "responses": {"200": answer("The user", reference("User")), **errors()},
            }
        }
    }


def document() -> Object:
    """The document of the user service."""
    return common_document("todo: user", "Who the current user is.", paths(), SCHEMAS)
