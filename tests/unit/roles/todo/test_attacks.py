"""Hostile texts in every place where a caller's input goes: they are kept as they are, and do nothing."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from attacks import SQL, XSS


def test_there_are_as_many_as_are_told():
    assert (len(set(XSS)), len(set(SQL))) == (100, 50)


def judge(answer, statuses):
    """An answer that no browser takes for a page."""
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    return answer.json()


@pytest.mark.parametrize("number", range(len(XSS)))
def test_markup_is_kept_and_answered_as_json(site, number):
    text = XSS[number]
    made = judge(site.post("/api/todos", json={"title": text}), {201})
    assert made["title"] == text
    address = f"/api/todos/{made['id']}"
    assert judge(site.get(address), {200})["title"] == text
    assert text in [item["title"] for item in judge(site.get("/api/todos?limit=1"), {200})["items"]]
    assert judge(site.patch(address, json={"title": text + "!"}), {200})["title"] == text + "!"
    # Where the answer tells what was asked for
    quoted = quote(text, safe="")
    judge(site.get(f"/api/todos/{quoted}"), {404})
    judge(site.get(f"/{quoted}"), {404})
    judge(site.get(f"/api/todos?status={quoted}"), {422})
    judge(site.post("/api/todos", json={text: 1}), {422})
    told = site.get("/api/todos?limit=1", headers={"X-Request-Id": text.encode()})
    assert "<" not in str(told.headers)
    assert site.delete(address).status_code == 204


def contents(client):
    """All that is stored, as {title: done}."""
    page = client.get("/todos", params={"limit": 100}).json()
    assert page["next_before"] is None
    return {item["title"]: item["done"] for item in page["items"]}


@pytest.mark.parametrize("number", range(len(SQL)))
def test_sql_is_kept_and_changes_nothing_else(client, number):
    """`client` is rule on SQLite and on PostgreSQL, each with an empty table."""
    text = SQL[number]
    other = client.post("/todos", json={"title": "other"}).json()
    made = client.post("/todos", json={"title": text})
    assert (made.status_code, made.json()["title"]) == (201, text)
    quoted = quote(text, safe="")
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"done": True})):
        assert client.request(method, f"/todos/{quoted}", json=body).status_code == 404
        assert client.request(method, f"/todos/{other['id']}{quoted}", json=body).status_code == 404
    for name in ("status", "limit", "before"):
        assert client.get("/todos", params={name: text}).status_code == 422
        assert client.get("/todos", params={name: f"1{text}"}).status_code == 422
    assert client.get("/todos", params={text: text}).status_code == 200
    key = {"Idempotency-Key": text.replace(" ", "+").encode()}
    kept = client.post("/todos", json={"title": "with a key"}, headers=key)
    assert kept.status_code == (201 if text.isascii() else 422)
    expected = {"other": False, text: False} | ({"with a key": False} if text.isascii() else {})
    assert contents(client) == expected
    renamed = client.patch(f"/todos/{other['id']}", json={"title": f"{text} {text}", "done": True})
    assert renamed.status_code == 200
    expected.pop("other")
    assert contents(client) == {**expected, f"{text} {text}": True}
    assert client.delete(f"/todos/{made.json()['id']}").status_code == 204
    expected.pop(text)
    assert contents(client) == {**expected, f"{text} {text}": True}


def test_the_table_is_as_it_was_and_holds_exactly_these_texts(client):
    for text in SQL:
        assert client.post("/todos", json={"title": text}).status_code == 201
    assert contents(client) == dict.fromkeys(SQL, False)
    assert client.get("/todos").json()["counts"] == {"open": 50, "done": 0}
