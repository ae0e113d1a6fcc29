"""The user service: two versions that answer differently."""

from __future__ import annotations

import pytest
from todo.common.settings import SettingError
from todo.user import app


@pytest.mark.parametrize(("version", "name"), [("v1", "秦粤"), ("v2", "粤秦D")])
def test_each_version_answers_its_name(serve, monkeypatch, version, name):
    monkeypatch.setenv("USER_VERSION", version)
    monkeypatch.setenv("K_REVISION", f"user-{version}-1a2b3c4d")
    answer = serve(app.build()).get("/user", headers={"Host": "anything.example"})
    assert answer.json() == {"name": name, "version": version, "revision": f"user-{version}-1a2b3c4d"}
    assert answer.headers["cache-control"] == "no-store"


def test_unknown_version_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("USER_VERSION", "v3")
    with pytest.raises(SettingError, match="USER_VERSION='v3' is unknown; write one of v1, v2"):
        app.build()


def test_request_id_is_passed_on_or_made(serve):
    client = serve(app.build())
    assert client.get("/user", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = client.get("/user", headers={"X-Request-Id": 'a"b\\c' + "x" * 200}).headers["x-request-id"]
    assert len(made) == 36


def test_health_and_errors_are_json(serve):
    client = serve(app.build())
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.head("/user").status_code == 200
    assert client.get("/nowhere").json()["error"]["code"] == "not_found"
    assert client.post("/user").json()["error"]["code"] == "method_not_allowed"


def test_a_stopping_service_is_not_ready(serve):
    application = app.build()
    application.state.stopping = True
    answer = serve(application).get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "stopping")
