"""Answers that are none: survived when they pass, an error when they stay, and never taken for 'not there'."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client import transport
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.answers import (
    deletion_fault,
    list_fault,
    object_fault,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError, ClusterError, KubeError
from api_server import ApiServer
from fault_proxy import Fault, FaultProxy
from forward_proxies import ForwardProxy, serving
from releases import config_map, namespace

SECONDS = 20.0
STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "injected"}
POD_LIST = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}
OTHER = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "other", "uid": "1"}}
NOT_FOUND = {**STATUS, "reason": "NotFound", "code": 404}


def answer(status: int, body: Any = b"", **headers: str) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"action": status, "body": data, "headers": {name.replace("_", "-"): text for name, text in headers.items()}}


FAULTS: dict[str, dict[str, Any]] = {
    "429 with Retry-After": answer(429, STATUS, Retry_After="1"),
    **{str(status): answer(status, STATUS) for status in (429, 500, 502, 503, 504)},
    "502 in HTML": answer(502, b"<html><h1>Bad Gateway</h1></html>"),
    "301 without body": answer(301, Location="/elsewhere"),
    "302 with body": answer(302, b"<html>log in</html>", Location="https://login.invalid/"),
    "304": answer(304),
    "307 without body": answer(307),
    "307 with body": answer(307, STATUS, Location="/"),
    "404 without a Status": answer(404, b"404 page not found"),
    "404 of another name": answer(404, b'{"kind":"NotFound"}'),
    "empty 200": answer(200),
    "empty 202": answer(202),
    "204": answer(204),
    "null": answer(200, b"null"),
    "{}": answer(200, b"{}"),
    "a list": answer(200, b"[]"),
    "a number": answer(200, b"3"),
    "HTML": answer(200, b"<html>log in</html>"),
    "failure in a 200": answer(200, STATUS),
    "another kind": answer(200, POD_LIST),
    "reset": {"action": "reset"},
    "lost reply": {"action": "lost-reply"},
    "cut": {"action": "truncate"},
    "garbage": {"action": "garbage"},
    "stall": {"action": "stall", "seconds": 0.5},
    "long stall": {"action": "stall", "seconds": 4.0},
}
PATHS = {
    "GET": ("GET", "/configmaps/a"),
    "LIST": ("GET", "/configmaps$"),
    "PATCH": ("PATCH", "/configmaps/a"),
    "DELETE": ("DELETE", "/configmaps/a"),
    "DISCOVERY": ("GET", "/apis$"),
}


def item(name: str, **data: str) -> dict[str, Any]:
    return {**config_map("a", data), "metadata": {"name": "a", "namespace": name}}


def request(cluster: Cluster, verb: str, name: str, seconds: float = SECONDS) -> Any:
    deadline = Deadline(seconds)
    if verb in ("GET", "DISCOVERY"):
        return cluster.get("v1", "ConfigMap", "a", name, deadline)["data"]
    if verb == "LIST":
        found = cluster.list("v1", "ConfigMap", name, deadline=deadline)
        return {key: value for one in found if one["metadata"]["name"] == "a" for key, value in one["data"].items()}
    if verb == "PATCH":
        return cluster.apply(item(name, x="2"), deadline=deadline)["data"]
    return cluster.delete("v1", "ConfigMap", "a", name, deadline=deadline)


@pytest.fixture
def place(cluster: Cluster, name: str) -> str:
    """A namespace with the ConfigMap a."""
    cluster.apply(namespace(name))
    cluster.apply(item(name, x="1"))
    return name


@pytest.mark.parametrize("verb", PATHS)
@pytest.mark.parametrize("fault", FAULTS)
def test_one_bad_answer_is_survived(
    proxied: Cluster,
    fault_proxy: FaultProxy,
    cluster: Cluster,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    verb: str,
) -> None:
    if "stall" in fault:  # the others must not depend on how busy the server is
        monkeypatch.setattr(transport, "REQUEST_TIMEOUT", 2.0)
    fault_proxy.faults = [Fault(*PATHS[verb], **FAULTS[fault])]
    found = request(proxied, verb, place)
    assert fault_proxy.faults[0].times == 0
    assert proxied.transport.retries == (0 if fault == "stall" else 1)
    if verb == "DELETE":
        # After a lost reply the second try finds nothing, which is as good.
        assert found is (fault not in ("lost reply", "cut", "garbage"))
        assert cluster.get("v1", "ConfigMap", "a", place) is None
    else:
        assert found == {"x": "2" if verb == "PATCH" else "1"}


@pytest.mark.parametrize("verb", PATHS)
@pytest.mark.parametrize("fault", [name for name, made in FAULTS.items() if isinstance(made["action"], int)])
def test_an_answer_that_stays_bad_is_an_error(
    proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, place: str, fault: str, verb: str
) -> None:
    fault_proxy.faults = [Fault(*PATHS[verb], **FAULTS[fault], times=999)]
    with pytest.raises(KubeError):
        request(proxied, verb, place, 0.3)
    assert cluster.get("v1", "ConfigMap", "a", place)["data"] == {"x": "1"}


@pytest.mark.parametrize(
    "body",
    [
        NOT_FOUND,
        {**NOT_FOUND, "details": {"name": "other", "kind": "configmaps"}},
        {**NOT_FOUND, "details": None},
        {"kind": "ConfigMap", "reason": "NotFound", "details": {"name": "a"}},
    ],
)
@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_not_found_counts_only_for_the_object_asked_for(
    proxied: Cluster, fault_proxy: FaultProxy, place: str, verb: str, body: dict[str, Any]
) -> None:
    fault_proxy.faults = [Fault(*PATHS[verb], **answer(404, body), times=999)]
    with pytest.raises(ApiError):
        request(proxied, verb, place, 0.3)


def test_an_object_of_another_name_is_no_answer(proxied: Cluster, fault_proxy: FaultProxy, place: str) -> None:
    fault_proxy.faults = [Fault(*PATHS[verb], **answer(200, OTHER)) for verb in ("GET", "PATCH", "DELETE")]
    assert request(proxied, "GET", place) == {"x": "1"}
    assert request(proxied, "PATCH", place) == {"x": "2"}
    assert request(proxied, "DELETE", place) is True
    assert proxied.transport.retries == 3


def test_lists_and_their_shapes() -> None:
    good = {"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {}, "items": None}
    assert list_fault(good, "v1", "ConfigMap") == ""
    assert list_fault({**good, "items": [{"metadata": {"name": "a"}}]}, "v1", "ConfigMap") == ""
    without = {key: value for key, value in good.items() if key != "items"}
    for bad in (
        without,
        {**good, "items": {}},
        {**good, "items": [None]},
        {**good, "items": [{"metadata": {}}]},
        {**good, "metadata": None},
        {**good, "kind": "SecretList"},
        {**good, "apiVersion": "v2"},
    ):
        assert list_fault(bad, "v1", "ConfigMap")
    own = {
        "kind": "Things",
        "apiVersion": "x.org/v1",
        "metadata": {},
        "items": [{"kind": "T", "metadata": {"name": "a"}}],
    }
    assert list_fault(own, "x.org/v1", "T") == "" and list_fault(own, "x.org/v1", "U")


def test_objects_and_deletions_and_their_shapes() -> None:
    good = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "n", "uid": "1"}}
    assert object_fault(good, "v1", "Secret", "a", "n", stored=True) == ""
    assert object_fault(good, "v1", "Secret", "a", "m") and object_fault(good, "v1", "Secret", "b", "n")
    assert object_fault({**good, "metadata": {"name": "a"}}, "v1", "Secret", "a", stored=True)
    assert object_fault({**good, "metadata": []}, "v1", "Secret", "a")
    assert (
        deletion_fault(good, "Secret", "a") == ""
        and deletion_fault({"kind": "Status", "status": "Success"}, "S", "a") == ""
    )
    assert deletion_fault({"kind": "Status"}, "Secret", "a") and deletion_fault(good, "Secret", "b")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("https://nowhere.invalid:6443", "no such host"),
        ("https://127.0.0.2:{port}", "certificate verify failed"),
    ],
)
def test_what_cannot_pass_ends_at_once(
    api_server: ApiServer, fault_proxy: FaultProxy, tmp_path: Path, server: str, words: str
) -> None:
    with serving(ForwardProxy(("127.0.0.1", api_server.port), host="127.0.0.2")) as relay:
        api_server.write_kubeconfig(tmp_path / "k", server.format(port=relay.port))
        started = time.monotonic()
        with pytest.raises(ClusterError, match=words) as caught:
            Cluster.connect("test", str(tmp_path / "k")).get("v1", "Namespace", "x", deadline=Deadline(60))
    assert time.monotonic() - started < 15
    assert str(caught.value).startswith("GET /api: no usable answer from https://")
    assert "Connection(" not in str(caught.value) and "object at" not in str(caught.value)


@pytest.mark.parametrize("action", ["reset", "truncate", "garbage"])
def test_messages_are_plain(proxied: Cluster, fault_proxy: FaultProxy, action: str) -> None:
    fault_proxy.faults = [Fault("GET", "/version", action, times=99)]
    with pytest.raises(ClusterError) as caught:
        proxied.transport.call("GET", "/version", deadline=Deadline(0.2))
    assert str(caught.value).startswith(f"GET /version: no usable answer from {fault_proxy.url}: ")
    for noise in ("Connection(", "object at", "Pool", "(", "Error"):
        assert noise not in str(caught.value).replace("(200)", ""), str(caught.value)


def test_the_delete_of_another_object_is_not_repeated(cluster: Cluster, place: str) -> None:
    cluster.discovery.ensure(Deadline(10))
    sent = cluster.transport.requests
    with pytest.raises(ApiError) as caught:
        cluster.delete("v1", "ConfigMap", "a", place, uid="00000000-0000-0000-0000-000000000000")
    assert caught.value.is_uid_mismatch and cluster.transport.requests - sent == 1
    assert cluster.get("v1", "ConfigMap", "a", place)
