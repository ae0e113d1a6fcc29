"""Requests through a misbehaving proxy: what is survived, what is not, and what is told."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client import transport
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import (
    ApiError,
    ClusterError,
    ReleaseError,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.waiting import wait_for
from api_server import ApiServer
from fault_proxy import Fault, FaultProxy
from releases import absent, config_map, names, namespace, present

ACTIONS = [429, 500, 502, 503, 504, "reset", "lost-reply", "truncate", "garbage", "stall"]


def fault(method: str, path: str, action: int | str, times: int = 1) -> Fault:
    headers = {"Retry-After": "1"} if action == 429 else {}
    return Fault(method, path, action, times, headers, seconds=0.3)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_one_fault_is_survived(
    proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, name: str, method: str, action: int | str
) -> None:
    cluster.apply(namespace(name), manager="someone")
    item = config_map("a", {"x": "1"})
    if method == "DELETE":
        present(cluster, name, [item])
        fault_proxy.faults = [fault("DELETE", "/configmaps/a", action)]
        absent(proxied, name)
        assert cluster.get("v1", "ConfigMap", "a", name) is None
    else:
        fault_proxy.faults = [fault(method, "/configmaps/a", action)]
        outcome = present(proxied, name, [item])
        assert names(outcome.created) == [f"ConfigMap {name}/a"]
    assert fault_proxy.faults[0].times == 0
    assert proxied.transport.retries == (0 if action == "stall" else 1)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_broken_discovery_or_list_is_survived(
    proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, name: str, action: int | str
) -> None:
    documents = [namespace(name), config_map("a", {})]
    present(cluster, name, documents)
    fault_proxy.faults = [fault("GET", "/apis$", action), fault("GET", "/configmaps\\?labelSelector", action)]
    assert not present(proxied, name, documents).changed
    assert [left.times for left in fault_proxy.faults] == [0, 0]


@pytest.mark.parametrize("action", [410, 429, 500, "reset", "truncate", "garbage"])
def test_a_broken_watch_is_survived(
    proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, name: str, action: int | str
) -> None:
    cluster.apply(namespace(name), manager="someone")
    if action in ("truncate", "garbage"):  # those would wait for the whole body of a stream
        fault_proxy.faults = [Fault("GET", "watch=1", 200, body=b'{"type":"ADDED","object":{"meta')]
    else:
        fault_proxy.faults = [fault("GET", "watch=1", action)]
    item = {**config_map("late", {}), "metadata": {"name": "late", "namespace": name}}
    threading.Timer(1.5, cluster.apply, [item]).start()
    started = time.monotonic()
    wait_for(proxied, [Target("v1", "ConfigMap", name, "late")], Deadline(20), lambda message: None)
    assert time.monotonic() - started < 15
    assert fault_proxy.faults[0].times == 0


def test_retry_after_is_honoured(proxied: Cluster, fault_proxy: FaultProxy) -> None:
    fault_proxy.faults = [Fault("GET", "/version", 429, headers={"Retry-After": "2"})]
    started = time.monotonic()
    proxied.get_path("/version")
    assert 1.9 < time.monotonic() - started < 10


@pytest.mark.parametrize("status", [400, 403, 405, 413, 415, 422])
def test_a_refusal_is_not_repeated(proxied: Cluster, fault_proxy: FaultProxy, status: int) -> None:
    fault_proxy.faults = [Fault("GET", "/version", status, times=9)]
    with pytest.raises(ApiError):
        proxied.get_path("/version")
    assert proxied.transport.retries == 0


def test_credentials_are_read_anew_once_for_a_request(proxied: Cluster, fault_proxy: FaultProxy) -> None:
    for _time in range(2):  # a token may run out more than once
        fault_proxy.faults = [Fault("GET", "/version", 401)]
        assert proxied.get_path("/version")["major"]
    fault_proxy.faults = [Fault("GET", "/version", 401, times=2)]
    with pytest.raises(ApiError, match="401"):
        proxied.get_path("/version")


def test_patience_ends_with_the_deadline(proxied: Cluster, fault_proxy: FaultProxy, name: str) -> None:
    fault_proxy.faults = [Fault("PATCH", f"/namespaces/{name}", 503, times=99)]
    started = time.monotonic()
    with pytest.raises(ReleaseError, match=f"Namespace {name}: injected"):
        present(proxied, name, [namespace(name)], seconds=3)
    assert time.monotonic() - started < 15
    assert proxied.transport.retries >= 3


def test_a_server_that_never_answers_is_told_soon(
    tmp_path, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "FIRST_CONTACT", 1.0)
    api_server.write_kubeconfig(tmp_path / "nowhere", "https://127.0.0.1:1")
    silent = Cluster.connect("test", str(tmp_path / "nowhere"))
    with pytest.raises(ClusterError, match=r"no usable answer from https://127.0.0.1:1: .*refused"):
        silent.transport.call("GET", "/version", deadline=Deadline(60))


def test_a_wrong_certificate_is_refused_at_once(tmp_path, api_server: ApiServer) -> None:
    import yaml
    from throwaway_pki import Pki

    api_server.write_kubeconfig(tmp_path / "other", api_server.url)
    other = Pki(tmp_path / "pki")
    config = yaml.safe_load((tmp_path / "other").read_text())
    config["clusters"][0]["cluster"]["certificate-authority-data"] = other.inline(other.ca_certificate)
    (tmp_path / "other").write_text(yaml.safe_dump(config))
    started = time.monotonic()
    with pytest.raises(ClusterError, match="certificate"):
        Cluster.connect("test", str(tmp_path / "other")).get_path("/version")
    assert time.monotonic() - started < 10


def test_the_server_restarts_in_the_middle(api_server: ApiServer, cluster: Cluster, name: str) -> None:
    documents = [namespace(name), *(config_map(f"c{number}", {}) for number in range(30))]
    present(cluster, name, documents[:2])
    api_server.api_process.kill()
    api_server.api_process.wait(10)
    starter = threading.Timer(2, api_server.start_api_server)
    starter.start()
    try:
        outcome = present(cluster, name, documents)
    finally:
        starter.join()
    assert len(outcome.created) == 29 and cluster.transport.retries > 0
