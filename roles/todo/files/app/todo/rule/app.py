"""The API of the to-dos.

GET    /todos?status=all|open|done&limit=1..100&before=ID   a page, newest first, with the counts
POST   /todos        {"title"}                              201; with Idempotency-Key, once however often it comes
GET    /todos/ID
PATCH  /todos/ID     {"title"?, "done"?}
DELETE /todos/ID                                            204
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..common import application, metrics, server, settings
from ..common.bodies import read_object
from ..common.errors import ApiError
from . import database, model, openapi
from .store import KeyReused, Store, StoreUnavailable

_NO_STORE = {"cache-control": "no-store"}
_Endpoint = Callable[[Request], Awaitable[Response]]


def build() -> Starlette:
    """The application on the database that the settings name; see `database.from_settings`.

    DATABASE_CONNECT_SECONDS (default 120): how long the database may take to answer at the start.
    """
    return build_on(database.from_settings(), settings.integer("DATABASE_CONNECT_SECONDS", 120, 1, 3600))


def build_on(store: Store, connect_seconds: float) -> Starlette:
    """The application on `store`. It listens at once and is ready when the store is."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async def connect() -> None:
            if not await database.connect(store, connect_seconds):
                server.give_up(app, f"the database did not answer within {connect_seconds} s")

        connecting = asyncio.create_task(connect())
        yield
        connecting.cancel()
        await asyncio.wait([connecting])
        await store.close()

    async def ready() -> str | None:
        try:
            await store.check()
        except StoreUnavailable as error:
            metrics.store_failed("check")
            return str(error)
        return None

    async def list_todos(request: Request) -> Response:
        status, limit, before = _page_query(request)
        page = await store.page(status, before, limit)
        items = [todo.as_json() for todo in page.items]
        counts = {"open": page.open, "done": page.done}
        return _answer({"items": items, "next_before": page.next_before, "counts": counts})

    async def create_todo(request: Request) -> Response:
        keys = request.headers.getlist(model.KEY_HEADER)
        new = model.parse_new(await read_object(request), keys)
        try:
            todo = await store.create(new)
        except KeyReused as error:
            raise model.key_reused() from error
        return JSONResponse(todo.as_json(), 201, {**_NO_STORE, "location": f"/todos/{todo.id}"})

    async def get_todo(request: Request) -> Response:
        return _found(await store.get(_id(request)), request)

    async def change_todo(request: Request) -> Response:
        todo_id = _id(request)
        return _found(await store.update(todo_id, model.parse_change(await read_object(request))), request)

    async def delete_todo(request: Request) -> Response:
        if not await store.delete(_id(request)):
            raise model.not_found(_id(request))
        return Response(status_code=204)

    routes = [
        Route("/todos", _guarded(list_todos), methods=["GET"]),
        Route("/todos", _guarded(create_todo), methods=["POST"]),
        Route("/todos/{id}", _guarded(get_todo), methods=["GET"]),
        Route("/todos/{id}", _guarded(change_todo), methods=["PATCH"]),
        Route("/todos/{id}", _guarded(delete_todo), methods=["DELETE"]),
    ]
    return application.build("rule", openapi.document(), routes, ready, lifespan)


def _guarded(endpoint: _Endpoint) -> _Endpoint:
    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except StoreUnavailable as error:
            metrics.store_failed(endpoint.__name__)
            message = "The database cannot be reached now; try again soon."
            raise ApiError(503, "database_unavailable", message, headers={"Retry-After": "2"}) from error

    return guarded


def _page_query(request: Request) -> tuple[bool | None, int, int | None]:
    query = request.query_params
    for name in ("status", "limit", "before"):
        if len(query.getlist(name)) > 1:
            raise ApiError(422, "invalid_query", f"{name} is there twice.", field=name)
    status = query.get("status", "all")
    if status not in model.STATUS:
        raise ApiError(422, "invalid_query", "status must be all, open or done.", field="status")
    limit = _whole(query.get("limit", str(model.PAGE_DEFAULT)), "limit", model.PAGE_LIMIT)
    before = _whole(query["before"], "before", model.ID_LIMIT) if "before" in query else None
    return model.STATUS[status], limit, before


def _whole(text: str, field: str, maximum: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= maximum:
        return int(text)
    raise ApiError(422, "invalid_query", f"{field} must be a whole number from 1 to {maximum}.", field=field)


def _id(request: Request) -> int:
    return model.parse_id(request.path_params["id"])


def _found(todo: model.Todo | None, request: Request) -> Response:
    if todo is None:
        raise model.not_found(request.path_params["id"])
    return _answer(todo.as_json())


def _answer(content: object) -> Response:
    return JSONResponse(content, headers=_NO_STORE)
