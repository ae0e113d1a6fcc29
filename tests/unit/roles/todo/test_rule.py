"""The rule service on both databases."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from todo.common.settings import SettingError
from todo.rule import app, database
from todo.rule.postgres_store import PostgresStore
from todo.rule.sqlite_store import SqliteStore
from todo_servers import wait_until


def create(client, title="milk"):
    answer = client.post("/todos", json={"title": title})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_todo_from_creation_to_deletion(client):
    made = client.post("/todos", json={"title": "  买牛奶 🥛 "})
    todo = made.json()
    assert made.headers["location"] == f"/todos/{todo['id']}"
    assert (todo["title"], todo["done"]) == ("买牛奶 🥛", False)
    assert datetime.fromisoformat(todo["created_at"]).utcoffset().total_seconds() == 0
    assert client.get(f"/todos/{todo['id']}").json() == todo

    ticked = client.patch(f"/todos/{todo['id']}", json={"done": True}).json()
    assert (ticked["title"], ticked["done"]) == (todo["title"], True)
    renamed = client.patch(f"/todos/{todo['id']}", json={"title": "oat milk"}).json()
    assert (renamed["title"], renamed["done"]) == ("oat milk", True)
    assert renamed["updated_at"] >= todo["updated_at"]

    assert client.delete(f"/todos/{todo['id']}").status_code == 204
    for answer in (client.get(f"/todos/{todo['id']}"), client.delete(f"/todos/{todo['id']}")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_such_todo")
    assert client.patch(f"/todos/{todo['id']}", json={"done": True}).status_code == 404


def test_the_list_is_paged_newest_first_and_counted(client):
    made = [create(client, f"number {number}")["id"] for number in range(5)]
    for todo_id in made[:2]:
        client.patch(f"/todos/{todo_id}", json={"done": True})
    first = client.get("/todos", params={"limit": 3}).json()
    rest = client.get("/todos", params={"limit": 3, "before": first["next_before"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_before"] is None
    assert first["counts"] == {"open": 3, "done": 2}
    done = client.get("/todos", params={"status": "done"}).json()
    assert [item["id"] for item in done["items"]] == made[1::-1]
    assert len(client.get("/todos", params={"status": "open"}).json()["items"]) == 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid_title"),
        ({"title": ""}, 422, "invalid_title"),
        ({"title": " \t "}, 422, "invalid_title"),
        ({"title": 7}, 422, "invalid_title"),
        ({"title": "x" * 201}, 422, "invalid_title"),
        ({"title": "a\0b"}, 422, "invalid_title"),
        (b'{"title": "\\ud800"}', 422, "invalid_title"),
        (b'{"\\ud800": 1}', 422, "unknown_member"),
        (b'{"title": "\xff"}', 400, "bad_json"),
        ({"title": "x", "owner": "y"}, 422, "unknown_member"),
        ([], 400, "bad_json"),
        ("x" * 20000, 413, "too_large"),
    ],
)
def test_a_bad_new_todo_is_refused(client, body, status, code):
    content = body if isinstance(body, bytes) else json.dumps(body)
    answer = client.post("/todos", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("title", ["x" * 200, "'; DROP TABLE todos; --", "<script>alert(1)</script>", "%s $1 ?1 {}"])
def test_odd_titles_are_kept_as_they_are(client, title):
    assert client.get(f"/todos/{create(client, title)['id']}").json()["title"] == title


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "nothing_to_change"),
        ({"done": "yes"}, "invalid_done"),
        ({"done": None}, "invalid_done"),
        ({"id": 1}, "unknown_member"),
    ],
)
def test_a_bad_change_is_refused(client, body, code):
    answer = client.patch(f"/todos/{create(client)['id']}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


def test_other_content_than_json_is_refused(client):
    assert client.post("/todos", content="title=x").json()["error"]["code"] == "not_json"
    headers = {"Content-Type": "application/json"}
    assert client.post("/todos", content="{", headers=headers).json()["error"]["code"] == "bad_json"
    assert client.post("/todos", content="[" * 10000, headers=headers).json()["error"]["code"] == "bad_json"


@pytest.mark.parametrize("address", ["0", "-1", "x", "1;drop", "９", "9" * 19, "9" * 40])
def test_an_address_that_is_no_number_is_no_todo(client, address):
    assert client.get(f"/todos/{address}").status_code == 404


@pytest.mark.parametrize("query", ["status=x", "limit=0", "limit=101", "limit=x", "before=0", "before=-1", "limit="])
def test_a_bad_query_is_refused(client, query):
    answer = client.get(f"/todos?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_query")


def test_sqlite_keeps_todos_and_migrates_once(serve, tmp_path):
    path = tmp_path / "todo.sqlite3"
    first = serve(app.build_on(SqliteStore(path), 5))
    wait_until(lambda: first.get("/readyz").status_code == 200, 5, "readiness")
    todo = create(first)
    second = serve(app.build_on(SqliteStore(path), 5))
    wait_until(lambda: second.get("/readyz").status_code == 200, 5, "readiness")
    assert second.get(f"/todos/{todo['id']}").json() == todo


def test_it_waits_for_a_database_and_outlives_its_restart(serve, postgres):
    postgres.control("stop", "-m", "fast")
    client = serve(app.build_on(PostgresStore({"dsn": postgres.url}), 30))
    try:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        refused = client.get("/todos")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "database_unavailable")
        assert "canary" not in refused.text + client.get("/readyz").text
    finally:
        postgres.control("start")
    wait_until(lambda: client.get("/readyz").status_code == 200, 10, "readiness after the database's start")
    todo = create(client)
    postgres.control("restart", "-m", "immediate")
    assert client.get(f"/todos/{todo['id']}").json() == todo


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must begin with postgresql:// or sqlite:///"),
        ({"PGHOST": "x", "PGPORT": "0"}, "PGPORT='0' is not a whole number from 1 to 65535"),
        ({"PGHOST": "x", "PGPASSWORD_FILE": "/nowhere"}, "PGPASSWORD_FILE='/nowhere' cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, environment, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=message):
        database.from_settings()


def test_the_settings_choose_the_database(monkeypatch, tmp_path):
    assert isinstance(database.from_settings(), SqliteStore)
    (tmp_path / "password").write_text("canary\n")
    monkeypatch.setenv("PGHOST", "database")
    monkeypatch.setenv("PGPASSWORD_FILE", str(tmp_path / "password"))
    store = database.from_settings()
    assert isinstance(store, PostgresStore)
    assert store._arguments["password"] == "canary"
