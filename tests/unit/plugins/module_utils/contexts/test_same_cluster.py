"""Two hosts of one run that lead to the same cluster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.contexts.same_cluster import first_of, identity_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer
from limited_user import limited


def test_the_first_host_is_told_to_all_that_come_after(tmp_path: Path) -> None:
    assert [first_of(tmp_path, "a", host) for host in ("one", "two", "one")] == ["one", "one", "one"]
    assert first_of(tmp_path, "b", "two") == "two"
    assert [first_of(tmp_path, "", host) for host in ("one", "two")] == ["one", "two"], "who cannot look goes on"


def test_one_is_first_however_many_come_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        told = set(pool.map(lambda number: first_of(tmp_path, "a", f"host-{number}"), range(64)))
    assert len(told) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["cluster-a"]


def test_a_cluster_is_the_same_by_whatever_way(cluster: Cluster, proxied: Cluster) -> None:
    assert identity_of(cluster) == identity_of(proxied) != ""


def test_a_cluster_of_which_nothing_may_be_read_is_not_compared(
    cluster: Cluster, api_server: ApiServer, tmp_path: Path, name: str
) -> None:
    user = limited(cluster, api_server, tmp_path, name, {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]})
    assert identity_of(user) == ""
