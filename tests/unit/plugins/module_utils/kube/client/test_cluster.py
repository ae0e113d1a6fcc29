"""Creating, listing in pages and by metadata, and what is known of the server's kinds."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.discovery_cache import DiscoveryCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError, ClusterError
from api_server import ApiServer
from fault_proxy import Fault, FaultProxy
from releases import config_map, definition, document, namespace


def placed(name: str, namespace_name: str, **data: str) -> dict:
    return {**config_map(name, data), "metadata": {"name": name, "namespace": namespace_name, "labels": {"l": "1"}}}


@pytest.fixture
def place(cluster: Cluster, name: str) -> str:
    cluster.apply(namespace(name))
    return name


@pytest.fixture
def group(cluster: Cluster, name: str) -> Iterator[str]:
    """A group of its own with the kind Thing, served."""
    made = f"{name}.example.org"
    cluster.apply(definition(made, "Thing"))
    limit = Deadline(30)
    while cluster.discovery.look_up(f"{made}/v1", "Thing") is None and not limit.passed:
        time.sleep(0.1)
    yield made
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"things.{made}")


def test_create_only_makes_what_is_not_there(cluster: Cluster, place: str) -> None:
    assert cluster.create(placed("a", place, x="1"), "someone", dry_run=True)["metadata"]["uid"]
    assert cluster.get("v1", "ConfigMap", "a", place) is None
    made = cluster.create(placed("a", place, x="1"), "someone")
    assert made["metadata"]["managedFields"][0]["manager"] == "someone"
    with pytest.raises(ApiError) as caught:
        cluster.create(placed("a", place, x="2"))
    assert caught.value.reason == "AlreadyExists" and cluster.transport.retries == 0
    assert cluster.get("v1", "ConfigMap", "a", place)["data"] == {"x": "1"}


def test_a_review_can_be_created(cluster: Cluster) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
    assert cluster.create(review)["status"]["userInfo"]["username"] == "admin"


def test_a_list_of_metadata_alone(cluster: Cluster, place: str) -> None:
    cluster.apply(placed("a", place, x="1"))
    (found,) = cluster.list("v1", "ConfigMap", place, "l=1", metadata_only=True)
    assert set(found) == {"apiVersion", "kind", "metadata"} and found["kind"] == "ConfigMap"
    assert found["metadata"]["labels"] == {"l": "1"} and found["metadata"]["uid"]


@pytest.mark.parametrize("metadata_only", [False, True])
def test_a_list_in_pages_is_whole(
    proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, place: str, metadata_only: bool
) -> None:
    for number in range(3):
        cluster.apply(placed(f"c{number}", place))
    path = f"/api/v1/namespaces/{place}/configmaps"
    page = cluster.transport.call("GET", path, query={"limit": "1", "labelSelector": "l=1"})
    assert page["metadata"]["continue"]
    fault_proxy.faults = [
        Fault("GET", "/configmaps", 200, body=json.dumps(page).encode()),
        Fault("GET", "continue=", 410),
        Fault("GET", "/configmaps", 200, body=json.dumps(page).encode()),
    ]
    found = proxied.list("v1", "ConfigMap", place, "l=1", metadata_only=metadata_only)
    assert [item["metadata"]["name"] for item in found] == ["c0", "c1", "c2"]
    assert [fault.times for fault in fault_proxy.faults] == [0, 0, 0]


def test_a_kind_that_came_later_is_found(api_server: ApiServer, cluster: Cluster, group: str) -> None:
    early = Cluster.connect("test", str(api_server.kubeconfig))
    early.discovery.ensure(Deadline(10))
    early.discovery._resources.pop((f"{group}/v1", "Thing"))  # as it was before the CRD
    cluster.apply({**document(f"{group}/v1", "Thing", "a"), "metadata": {"name": "a", "namespace": "default"}})
    assert early.get(f"{group}/v1", "Thing", "a", "default")["metadata"]["name"] == "a"
    early.discovery._resources.pop((f"{group}/v1", "Thing"))
    assert len(early.list(f"{group}/v1", "Thing")) == 1


def test_a_kind_that_went_is_no_object_and_no_long_wait(api_server: ApiServer, cluster: Cluster, name: str) -> None:
    made = f"{name}.example.org"
    cluster.apply(definition(made, "Thing"))
    limit = Deadline(30)
    while cluster.discovery.look_up(f"{made}/v1", "Thing") is None and not limit.passed:
        time.sleep(0.1)
    late = Cluster.connect("test", str(api_server.kubeconfig))
    late.discovery.ensure(Deadline(10))
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"things.{made}")
    while cluster.discovery.look_up(f"{made}/v1", "Thing") is not None and not limit.passed:
        cluster.discovery.refresh()
        time.sleep(0.1)
    started = time.monotonic()
    assert late.get(f"{made}/v1", "Thing", "a", "default") is None
    assert late.list(f"{made}/v1", "Thing") == [] and late.delete(f"{made}/v1", "Thing", "a", "default") is False
    assert time.monotonic() - started < 10


def test_a_group_whose_server_is_away_is_not_known(cluster: Cluster, name: str) -> None:
    made = f"{name}.example.org"
    spec = {
        "group": made,
        "version": "v1",
        "service": {"name": "nobody", "namespace": "default"},
        "groupPriorityMinimum": 1000,
        "versionPriority": 10,
        "insecureSkipTLSVerify": True,
    }
    cluster.apply(document("apiregistration.k8s.io/v1", "APIService", f"v1.{made}", spec=spec))
    try:
        limit, told = Deadline(30), None
        while told is None and not limit.passed:  # the aggregator takes a moment to notice
            try:
                cluster.get(f"{made}/v1", "Thing", "a")
                time.sleep(0.2)
            except ClusterError as error:
                told = error
        assert "is not known" in str(told)
        with pytest.raises(ClusterError, match="is not known"):
            cluster.list(f"{made}/v1", "Thing")
        assert cluster.get("v1", "Namespace", "default")
    finally:
        cluster.delete("apiregistration.k8s.io/v1", "APIService", f"v1.{made}")


def requests_of(api_server: ApiServer, directory: Path, kind: str = "Namespace") -> int:
    """How many requests a task needs for one GET."""
    task = Cluster.connect("test", str(api_server.kubeconfig), discovery_cache=directory)
    assert task.get("v1", kind, "nowhere") is None
    return task.transport.requests


def test_the_tasks_of_a_run_share_what_they_learn(api_server: ApiServer, tmp_path: Path) -> None:
    assert [requests_of(api_server, tmp_path) for _task in range(3)] == [3, 1, 1]
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for secret in (api_server.token, "PRIVATE", api_server.pki.inline(api_server.pki.admin_key)[:60]):
        assert secret not in file.read_text() + file.name
    old = time.time() - 601
    os.utime(file, (old, old))
    assert requests_of(api_server, tmp_path) == 3
    file.write_text("{")
    assert requests_of(api_server, tmp_path) == 3
    assert requests_of(api_server, tmp_path, "NoSuchKind") == 2  # it is not believed without asking


def test_a_refresh_is_seen_by_the_next_task(
    api_server: ApiServer, tmp_path: Path, cluster: Cluster, group: str
) -> None:
    first = Cluster.connect("test", str(api_server.kubeconfig), discovery_cache=tmp_path)
    first.discovery.refresh()
    second = Cluster.connect("test", str(api_server.kubeconfig), discovery_cache=tmp_path)
    assert second.discovery.find(f"{group}/v1", "Thing") and second.transport.requests == 0
    assert second.discovery.all() and second.transport.requests == 2  # a complete listing is not taken from a file


def test_what_the_file_does_not_have_is_asked_for(
    api_server: ApiServer, tmp_path: Path, cluster: Cluster, group: str
) -> None:
    first = Cluster.connect("test", str(api_server.kubeconfig), discovery_cache=tmp_path)
    first.discovery.refresh()
    (file,) = tmp_path.iterdir()
    file.write_text(json.dumps([entry for entry in json.loads(file.read_text()) if entry["kind"] != "Thing"]))
    second = Cluster.connect("test", str(api_server.kubeconfig), discovery_cache=tmp_path)
    assert second.discovery.find(f"{group}/v1", "Thing")


def test_servers_and_identities_have_files_of_their_own(
    api_server: ApiServer, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    api_server.write_kubeconfig(tmp_path / "other", fault_proxy.url)
    directory = tmp_path / "run"
    directory.mkdir()
    for kubeconfig in (api_server.kubeconfig, tmp_path / "other"):
        Cluster.connect("test", str(kubeconfig), discovery_cache=directory).get("v1", "Namespace", "x")
    assert len(list(directory.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    cache = DiscoveryCache(tmp_path / "nowhere", "key")
    cache.store([{"a": 1}])
    assert cache.load() is None
    cache.drop()


class CountingLock:
    """A lock that counts who has come to it, so that all can be held until the last one has."""

    def __init__(self) -> None:
        self.inner, self.guard, self.came = threading.Lock(), threading.Lock(), 0

    def __enter__(self) -> None:
        with self.guard:
            self.came += 1
        self.inner.acquire()

    def __exit__(self, *_exception: object) -> None:
        self.inner.release()


def test_threads_share_one_reading(cluster: Cluster) -> None:
    cluster.discovery.ensure(Deadline(10))
    before = cluster.transport.requests
    lock = cluster.discovery._lock = CountingLock()
    threads = [threading.Thread(target=cluster.get, args=("no.example.org/v1", "Thing", "a")) for _one in range(8)]
    limit = Deadline(30)
    with lock.inner:
        for thread in threads:
            thread.start()
        while lock.came < len(threads) and not limit.passed:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert cluster.transport.requests - before == 2


def test_an_exchange_gives_what_came_with_its_headers_a_refusal_too(cluster: Cluster, name: str) -> None:
    good = cluster.transport.exchange("GET", "/version", 10)
    assert good.status == 200 and b"gitVersion" in good.body
    assert good.headers["date"] == good.headers["Date"], "by any case"
    refused = cluster.transport.exchange("GET", f"/api/v1/namespaces/{name}", 10)
    assert refused.status == 404 and b"NotFound" in refused.body


def test_an_exchange_sends_its_data_as_it_is(cluster: Cluster, name: str) -> None:
    body = f'{{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "{name}"}}}}'.encode()
    headers = [("Content-Type", "application/json")]
    sent = cluster.transport.exchange("POST", "/api/v1/namespaces", 10, headers=headers, data=body)
    assert sent.status == 201
    assert cluster.get("v1", "Namespace", name) is not None
