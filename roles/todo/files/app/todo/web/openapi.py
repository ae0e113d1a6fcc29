"""The API that the browser uses, as an OpenAPI document: that of rule and user below /api, with web's own errors."""

from __future__ import annotations

from ..common.openapi import Object, errors
from ..common.openapi import document as common_document
from ..rule import openapi as rule
from ..user import openapi as user
from .origin import SAFE_METHODS

PREFIX = "/api"


def document() -> Object:
    """The document of the web service."""
    described = {**rule.paths(), **user.paths()}
    paths = {PREFIX + path: _passed_on(item) for path, item in described.items()}
    text = "The API of the page. Changes are accepted from the site's own page and from programs, not from other sites."
    return common_document("todo: web", text, paths, {**rule.SCHEMAS, **user.SCHEMAS})


def _passed_on(item: Object) -> Object:
    """The same path as web answers it."""
    return {name: part if name == "parameters" else _operation(name, part) for name, part in item.items()}


def _operation(method: str, operation: Object) -> Object:
    own = errors(502, 504) if method.upper() in SAFE_METHODS else errors(403, 502, 504)
    return {**operation, "responses": {**operation["responses"], **own}}
