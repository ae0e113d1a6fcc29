"""The API of the to-dos as an OpenAPI document; the limits are those that the code checks."""

from __future__ import annotations

from ..common.openapi import Object, answer, content, errors, reference
from ..common.openapi import document as common_document
from . import model

_TIME = {"type": "string", "format": "date-time"}
_TITLE = {
    "type": "string",
    "description": "Text without control characters and not only spaces; spaces around it are taken off",
    "minLength": 1,
    "maxLength": model.TITLE_LIMIT,
    "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$",
}
_ID = {"type": "integer", "format": "int64", "minimum": 1, "maximum": model.ID_LIMIT}
_DONE = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}


def _object(properties: Object, required: list[str]) -> Object:
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}


SCHEMAS: Object = {
    "NewTodo": _object({"title": _TITLE}, ["title"]),
    "Change": {**_object({"title": _TITLE, "done": _DONE}, []), "minProperties": 1},
    "Todo": _object(
        {"id": _ID, "title": _TITLE, "done": _DONE, "created_at": _TIME, "updated_at": _TIME},
        ["id", "title", "done", "created_at", "updated_at"],
    ),
    "Page": _object(
        {
            "items": {"type": "array", "items": reference("Todo"), "maxItems": model.PAGE_LIMIT},
            "next_before": {
                "description": "What `before` has to be for the next page; null at the end",
                "oneOf": [_ID, {"type": "null"}],
            },
            "counts": _object({"open": _COUNT, "done": _COUNT}, ["open", "done"]),
        },
        ["items", "next_before", "counts"],
    ),
}

_QUERY = [
    {"name": "status", "in": "query", "schema": {"enum": list(model.STATUS), "default": "all"}},
    {
        "name": "limit",
        "in": "query",
        "description": "How many to-dos at the most",
        "schema": {"type": "integer", "minimum": 1, "maximum": model.PAGE_LIMIT, "default": model.PAGE_DEFAULT},
    },
    {"name": "before", "in": "query", "description": "Only to-dos with a smaller id", "schema": _ID},
]
_TODO_ID = {"name": "id", "in": "path", "required": True, "schema": _ID}
_KEY = {
    "name": model.KEY_HEADER,
    "in": "header",
    "description": "Chosen by the caller for one to-do: a creation that is repeated with it, because its answer was "
    "lost, answers with the to-do that is there. A UUID does.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
}
_TODO = reference("Todo")
_LOCATION = {"location": {"description": "The to-do's address", "schema": {"type": "string"}}}


def _body(name: str) -> Object:
    return {"required": True, "content": content(reference(name))}


def paths() -> Object:
    """The paths of the to-dos."""
    return {
        "/todos": {
            "get": {
                "operationId": "listTodos",
                "summary": "A page of the to-dos, newest first, with the counts of all",
                "parameters": _QUERY,
                "responses": {"200": answer("The page", reference("Page")), **errors(422, 503)},
            },
            "post": {
                "operationId": "createTodo",
                "summary": "A new to-do",
                "parameters": [_KEY],
                "requestBody": _body("NewTodo"),
                "responses": {
                    "201": answer("It is stored", _TODO, _LOCATION),
                    **errors(400, 408, 409, 413, 415, 422, 503),
                },
            },
        },
        "/todos/{id}": {
            "parameters": [_TODO_ID],
            "get": {
                "operationId": "getTodo",
                "summary": "One to-do",
                "responses": {"200": answer("The to-do", _TODO), **errors(404, 503)},
            },
            "patch": {
                "operationId": "changeTodo",
                "summary": "Change title, done or both",
                "requestBody": _body("Change"),
                "responses": {
                    "200": answer("The to-do as it is now", _TODO),
                    **errors(400, 404, 408, 413, 415, 422, 503),
                },
            },
            "delete": {
                "operationId": "deleteTodo",
                "summary": "Delete a to-do",
                "responses": {"204": {"description": "It is gone"}, **errors(404, 503)},
            },
        },
    }


def document() -> Object:
    """The document of the rule service."""
    return common_document("todo: rule", "Create, read, change and delete to-dos.", paths(), SCHEMAS)
