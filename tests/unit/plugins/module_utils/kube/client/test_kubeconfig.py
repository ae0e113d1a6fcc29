"""Connecting: contexts, credentials, and what is left on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client import discovery
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ClusterError
from api_server import ApiServer


def test_an_unknown_context_names_those_there_are(api_server: ApiServer) -> None:
    with pytest.raises(ClusterError, match=r"no context 'prod' in .*kubeconfig; contexts there: test"):
        Cluster.connect("prod", str(api_server.kubeconfig))


def test_a_missing_or_broken_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=f"no kubeconfig at {tmp_path}/nowhere; name one with serverless_kubeconfig"):
        Cluster.connect("test", str(tmp_path / "nowhere"))
    (tmp_path / "broken").write_text("a: [")
    with pytest.raises(ClusterError, match="broken cannot be read"):
        Cluster.connect("test", str(tmp_path / "broken"))
    (tmp_path / "empty").write_text("")
    with pytest.raises(ClusterError, match="file is empty"):
        Cluster.connect("test", str(tmp_path / "empty"))


def test_the_environment_names_the_kubeconfig(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", f"/nowhere:{api_server.kubeconfig}")
    assert Cluster.connect("test").get_path("/version")["major"] == "1"


def test_client_keys_leave_no_file(api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for _turn in range(2):
        assert Cluster.connect("test", str(api_server.kubeconfig)).get_path("/version")["major"] == "1"
    assert list(tmp_path.iterdir()) == []


def test_a_readable_kubeconfig_is_warned_about(api_server: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(api_server.kubeconfig.read_text())
    path.chmod(0o644)
    assert "chmod 600" in Cluster.connect("test", str(path)).warnings[0]
    path.chmod(0o600)
    assert Cluster.connect("test", str(path)).warnings == []


def test_reading_and_listing(cluster: Cluster) -> None:
    assert cluster.get("v1", "Namespace", "default")["metadata"]["name"] == "default"
    assert cluster.get("v1", "Namespace", "nowhere") is None
    assert cluster.get("nowhere.example.org/v1", "Thing", "x") is None
    item = cluster.list("v1", "Namespace")[0]
    assert (item["apiVersion"], item["kind"]) == ("v1", "Namespace")
    assert len({resource.kind for resource in cluster.discovery.all()}) > 40


def test_discovery_needs_two_requests(cluster: Cluster) -> None:
    cluster.discovery.refresh()
    assert cluster.transport.requests == 2
    assert cluster.discovery.find("apps/v1", "Deployment").path("n", "x") == "/apis/apps/v1/namespaces/n/deployments/x"


def test_discovery_of_an_older_server_tells_the_same(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    new = {(resource.api_version, resource.kind, resource.plural) for resource in cluster.discovery.all()}
    monkeypatch.setattr(discovery, "ACCEPT", "application/json")
    cluster.discovery.refresh()
    assert {(resource.api_version, resource.kind, resource.plural) for resource in cluster.discovery.all()} == new
