"""A creation that is repeated because its answer was lost makes one to-do; what was acknowledged is never lost."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from todo.rule import app, store
from todo.rule.model import New
from todo.rule.postgres_store import PostgresStore
from todo.rule.sqlite_store import SqliteStore
from todo_servers import wait_until
from todo_web import in_front_of


def post(client, title="milk", key="k-1"):
    return client.post("/todos", json={"title": title}, headers={"Idempotency-Key": key})


def test_a_key_makes_one_todo_however_often_it_comes(client):
    first = post(client)
    assert first.status_code == 201
    client.patch(f"/todos/{first.json()['id']}", json={"title": "oat milk", "done": True})
    again = post(client)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert (again.json()["title"], again.headers["location"]) == ("oat milk", first.headers["location"])
    assert post(client, key="k-2").json()["id"] != first.json()["id"]
    assert client.get("/todos").json()["counts"] == {"open": 1, "done": 1}


def test_a_key_is_for_one_title_and_goes_with_the_todo(client):
    made = post(client).json()
    refused = post(client, "bread")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "key_reused")
    assert client.get(f"/todos/{made['id']}").json() == made
    client.delete(f"/todos/{made['id']}")
    assert post(client, "bread").json()["id"] != made["id"]


def test_without_a_key_each_creation_counts(client):
    for _time in range(2):
        assert client.post("/todos", json={"title": "milk"}).status_code == 201
    assert client.get("/todos").json()["counts"]["open"] == 2


@pytest.mark.parametrize("keys", [[""], ["a b"], ["x" * 129], ["é"], ["a", "a"]])
def test_a_key_that_is_none_is_refused(client, keys):
    headers = [("Idempotency-Key", key.encode()) for key in keys]
    answer = client.post("/todos", json={"title": "milk"}, headers=[(name.encode(), value) for name, value in headers])
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "Idempotency-Key")
    assert client.get("/todos").json()["counts"]["open"] == 0


def test_twenty_at_once_make_one(client):
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _number: post(client), range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert client.get("/todos").json()["counts"]["open"] == 1


def test_web_repeats_a_creation_with_a_key_when_the_answer_is_lost(serve, client):
    """Between web and the real rule: a gateway that stores the first request and then says that it could not."""
    seen = []

    async def gateway(request: Request) -> Response:
        seen.append(request.headers.get("idempotency-key"))
        async with httpx.AsyncClient(trust_env=False) as sender:
            headers = {"content-type": "application/json", "idempotency-key": seen[-1]}
            url = f"{client.base_url}/todos"
            answer = await sender.post(url, content=await request.body(), headers=headers)
        if len(seen) == 1:
            return PlainTextResponse("upstream connect error or disconnect/reset before headers", 503)
        return Response(answer.content, answer.status_code, media_type="application/json")

    between = serve(Starlette(routes=[Route("/todos", gateway, methods=["POST"])]))
    answer = serve(in_front_of(between, between)).post(
        "/api/todos", json={"title": "once"}, headers={"Idempotency-Key": "k-3"}
    )
    assert answer.status_code == 201
    assert seen == ["k-3", "k-3"]
    assert [item["title"] for item in client.get("/todos").json()["items"]] == ["once"]


def test_no_acknowledged_write_is_lost_when_the_database_is_killed(serve, postgres):
    client = serve(app.build_on(PostgresStore({"dsn": postgres.url}), 30))
    wait_until(lambda: client.get("/readyz").status_code == 200, 10, "readiness")
    over = threading.Event()
    acknowledged: list[str] = []

    def write() -> None:
        while not over.is_set():
            title = str(uuid.uuid4())
            while True:  # as a caller does that wants its to-do stored
                if post(client, title, title).status_code == 201:
                    acknowledged.append(title)
                    break

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write) for _time in range(4)]
        try:
            for _time in range(3):
                so_far = len(acknowledged)
                wait_until(lambda so_far=so_far: len(acknowledged) > so_far + 20, 20, "twenty writes more")
                postgres.control("restart", "-m", "immediate")
        finally:
            over.set()
    for writer in writers:
        writer.result()
    titles = list(all_titles(client))
    assert len(acknowledged) > 60
    assert sorted(title for title in titles if title in set(acknowledged)) == sorted(acknowledged)


def all_titles(client):
    before = {}
    while True:
        page = client.get("/todos", params={"limit": 100, **before}).json()
        yield from (item["title"] for item in page["items"])
        if page["next_before"] is None:
            return
        before = {"before": page["next_before"]}


OLD_ROW = "INSERT INTO todos (title) VALUES ('from before')"


def test_an_older_sqlite_file_is_brought_up_to_date(tmp_path):
    file = tmp_path / "todo.sqlite3"
    connection = sqlite3.connect(file)
    connection.executescript(f"CREATE TABLE schema_migrations (number integer PRIMARY KEY); {first('sqlite')}")
    connection.executescript(f"INSERT INTO schema_migrations VALUES (1); {OLD_ROW};")
    connection.close()
    asyncio.run(judge_upgraded(SqliteStore(file)))


def test_an_older_postgres_database_is_brought_up_to_date(postgres):
    async def upgrade() -> None:
        admin = await asyncpg.connect(postgres.url)
        await admin.execute("CREATE DATABASE older")
        await admin.close()
        url = postgres.url.removesuffix("/postgres") + "/older"
        older = await asyncpg.connect(url)
        await older.execute(f"CREATE TABLE schema_migrations (number integer PRIMARY KEY); {first('postgres')}")
        await older.execute(f"INSERT INTO schema_migrations VALUES (1); {OLD_ROW}")
        await older.close()
        await judge_upgraded(PostgresStore({"dsn": url}))

    asyncio.run(upgrade())


def first(dialect):
    return store.migrations(dialect)[0][1]


async def judge_upgraded(opened):
    await opened.open()
    try:
        assert [todo.title for todo in (await opened.page(None, None, 10)).items] == ["from before"]
        made = await opened.create(New("new", "k"))
        assert await opened.create(New("new", "k")) == made
    finally:
        await opened.close()
