"""What tells OpenShift's nodes the mirrors, against a real API server with OpenShift's CRDs.

The Machine Config Operator is played: a thread gives the pool a new configuration when the sets change.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from openshift_api import OpenShiftApi
from plays import play

_CONFIG = "config/v1/zz_generated.crd-manifests/0000_10_config-operator_01_"
_MACHINES = "machineconfiguration/v1/zz_generated.crd-manifests/0000_80_machine-config_01_"
MORE_CRDS = {
    f"{_CONFIG}images.crd.yaml": "47e8e02970b148f72360b79bd54fbd35561322d5c3f5d9f1666c44e9a40f84b8",
    f"{_MACHINES}machineconfigpools-Default.crd.yaml": (
        "1f30fa0ab4d3a04cecff98b5355baeee08b3b270bd2f406520d4a2eb0cfed20a"
    ),
}
KINDS = ("ImageDigestMirrorSet", "ImageTagMirrorSet")
API = "config.openshift.io/v1"
MCP = "machineconfiguration.openshift.io/v1"
SHA = "@sha256:" + "a" * 64
BY_TAG = {"delivered": "docker.io/istio/pilot:1.30.0", "check_only": False}
BY_DIGEST = {"delivered": "gcr.io/knative-releases/activator" + SHA, "check_only": False}
BASE = {"delivered": "docker.io/library/python:3", "check_only": True}
IMAGES = {"mirrors": {"docker.io": ["m.example/docker.io"], "gcr.io": ["m.example/gcr.io", "gcr.io"]}}


class Operator(threading.Thread):
    """Rolls a pool when what nodes are to be told changes, with a pause before it begins."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self.cluster, self.stopped, self.rolls = cluster, threading.Event(), 0
        self._seen = self._told()

    def run(self) -> None:
        while not self.stopped.wait(0.5):
            told = self._told()
            if told != self._seen:
                self._seen, self.rolls = told, self.rolls + 1
                pool(self.cluster, f"rendered-worker-{self.rolls}", updated=False)
                self.stopped.wait(1)
                pool(self.cluster, f"rendered-worker-{self.rolls}")

    def _told(self) -> str:
        return json.dumps([one["spec"] for kind in KINDS for one in self.cluster.list(API, kind)], sort_keys=True)


def pool(cluster: Cluster, name: str, updated: bool = True, **spec: Any) -> None:
    conditions = [{"type": "Updated", "status": str(updated), "reason": "", "message": "", "lastTransitionTime": None}]
    status: dict[str, Any] = {"conditions": conditions}
    if updated:
        status["configuration"] = {"name": name}
    OpenShiftApi.store(
        cluster,
        {
            "apiVersion": MCP,
            "kind": "MachineConfigPool",
            "metadata": {"name": "worker"},
            "spec": {"configuration": {"name": name}, **spec},
            "status": status,
        },
    )


@pytest.fixture
def cluster(openshift: OpenShiftApi) -> Iterator[Cluster]:
    """The cluster with a pool and what plays its operator; without mirror sets afterwards."""
    openshift.install(MORE_CRDS)
    cluster = openshift.administrator()
    pool(cluster, "rendered-worker-0")
    operator = Operator(cluster)
    operator.start()
    cluster.operator = operator  # type: ignore[attr-defined]
    yield cluster
    operator.stopped.set()
    operator.join()
    for kind in KINDS:
        for one in cluster.list(API, kind):
            cluster.delete(API, kind, one["metadata"]["name"])
    infrastructure(cluster, "HighlyAvailable")


def infrastructure(cluster: Cluster, topology: str) -> None:
    OpenShiftApi.store(
        cluster,
        {
            "apiVersion": API,
            "kind": "Infrastructure",
            "metadata": {"name": "cluster"},
            "spec": {"cloudConfig": {"name": ""}},
            "status": {"controlPlaneTopology": topology, "infrastructureTopology": "HighlyAvailable"},
        },
    )


def tell(
    openshift: OpenShiftApi,
    directory: Path,
    *rows: dict[str, Any],
    state: str = "present",
    options: tuple[str, ...] = (),
    **more: Any,
) -> tuple[dict[str, Any], str]:
    """Run the tasks of the role that tell the nodes."""
    variables = {
        "serverless_context": "test",
        "serverless_kubeconfig": str(openshift.kubeconfig),
        "serverless_images": IMAGES,
        "image_prefetch_drain_timeout": 60,
        "__image_prefetch_plan": {"table": list(rows)},
        "__image_prefetch_mirror_sets_state": state,
        **more,
    }
    role = {"name": "selfhosted.serverless.image_prefetch", "tasks_from": "mirror_sets"}
    return play(directory, [{"ansible.builtin.include_role": role, "vars": variables}], "-v", *options)


def sets(cluster: Cluster) -> dict[str, Any]:
    return {
        f"{kind} {one['metadata']['name']}": [entry["source"] for entry in next(iter(one["spec"].values()))]
        for kind in KINDS
        for one in cluster.list(API, kind)
    }


OURS = {
    "ImageDigestMirrorSet selfhosted-serverless": ["docker.io/istio/pilot", "gcr.io/knative-releases/activator"],
    "ImageTagMirrorSet selfhosted-serverless": ["docker.io/istio/pilot"],
}


def test_nodes_are_told_once_and_only_where_they_may_be_drained(
    openshift: OpenShiftApi, cluster: Cluster, tmp_path: Path
) -> None:
    refused, _output = tell(openshift, tmp_path, BY_TAG, BY_DIGEST)
    assert "docker.io/istio/pilot gets mirrors of tags" in refused["msg"], refused
    assert "image_prefetch_drain: true" in refused["msg"] and sets(cluster) == {}

    _result, foreseen = tell(openshift, tmp_path, BY_TAG, BY_DIGEST, image_prefetch_drain=True, options=("--check",))
    assert "ImageTagMirrorSet selfhosted-serverless" in foreseen and sets(cluster) == {}
    told, output = tell(openshift, tmp_path, BY_TAG, BY_DIGEST, BASE, image_prefetch_drain=True)
    assert "drains their nodes one after the other" in output and "no node is rebooted" in output
    assert sets(cluster) == OURS
    # Both sets may come to the operator at once, or one after the other.
    rolls = cluster.operator.rolls  # type: ignore[attr-defined]
    assert "rendered-worker-0" in told["ready"][0] and rolls in (1, 2)

    # Nothing changes, so nothing may be drained either
    _result, output = tell(openshift, tmp_path, BY_TAG, BY_DIGEST)
    assert "changed=0" in output and cluster.operator.rolls == rolls  # type: ignore[attr-defined]

    _result, output = tell(openshift, tmp_path, state="absent")
    assert "Remove them by a run with image_prefetch_drain: true" in " ".join(output.split())
    assert sets(cluster) == OURS
    tell(openshift, tmp_path, state="absent", image_prefetch_drain=True)
    assert sets(cluster) == {} and cluster.operator.rolls > rolls  # type: ignore[attr-defined]


def test_mirrors_of_digests_drain_nothing_and_those_of_others_stay(
    openshift: OpenShiftApi, cluster: Cluster, tmp_path: Path
) -> None:
    entry = {"source": "gcr.io/knative-releases", "mirrors": ["theirs.example/knative"]}
    theirs = {
        "apiVersion": API,
        "kind": KINDS[0],
        "metadata": {"name": "theirs"},
        "spec": {"imageDigestMirrors": [entry]},
    }
    version = cluster.apply(theirs, manager="someone")["metadata"]["resourceVersion"]
    _result, output = tell(openshift, tmp_path, BY_DIGEST)
    assert "without draining nodes" in output
    assert "ImageDigestMirrorSet theirs has mirrors of gcr.io/knative-releases" in " ".join(output.split())
    assert sets(cluster) == {
        "ImageDigestMirrorSet selfhosted-serverless": ["gcr.io/knative-releases/activator"],
        "ImageDigestMirrorSet theirs": ["gcr.io/knative-releases"],
    }
    tell(openshift, tmp_path, state="absent", image_prefetch_drain=True)
    left = cluster.get(API, KINDS[0], "theirs")
    assert left and left["metadata"]["resourceVersion"] == version and len(sets(cluster)) == 1


def test_what_the_operator_would_refuse_is_refused_before(
    openshift: OpenShiftApi, cluster: Cluster, tmp_path: Path
) -> None:
    entry = {"source": "docker.io/istio/pilot", "mirrors": ["theirs.example/pilot"]}
    cluster.apply(
        {"apiVersion": API, "kind": KINDS[0], "metadata": {"name": "theirs"}, "spec": {"imageDigestMirrors": [entry]}},
        manager="someone",
    )
    refused, _output = tell(openshift, tmp_path, BY_TAG, image_prefetch_drain=True)
    assert "ImageDigestMirrorSet theirs says AllowContactingSource" in refused["msg"]
    assert list(sets(cluster)) == ["ImageDigestMirrorSet theirs"]


def test_a_pool_that_failed_before_and_one_that_is_paused(
    openshift: OpenShiftApi, cluster: Cluster, tmp_path: Path
) -> None:
    broken = {
        "type": "Degraded",
        "status": "True",
        "reason": "",
        "message": "node a is stuck",
        "lastTransitionTime": None,
    }
    path = f"/apis/{MCP}/machineconfigpools/worker/status"
    merge = "application/merge-patch+json"
    cluster.transport.call("PATCH", path, body={"status": {"conditions": [broken]}}, content_type=merge)
    refused, _output = tell(openshift, tmp_path, BY_DIGEST)
    assert "MachineConfigPool worker is Degraded: node a is stuck" in refused["msg"] and sets(cluster) == {}
    pool(cluster, "rendered-worker-0", paused=True)
    _result, output = tell(openshift, tmp_path, BY_DIGEST)
    assert "MachineConfigPools are paused, so their nodes are told nothing: worker" in " ".join(output.split())


def test_a_hosted_control_plane_is_told_where_its_mirrors_stand(
    openshift: OpenShiftApi, cluster: Cluster, tmp_path: Path
) -> None:
    infrastructure(cluster, "External")
    _result, output = tell(openshift, tmp_path, BY_TAG)
    assert "spec.imageContentSources of its HostedCluster" in " ".join(output.split())
    assert sets(cluster) == {}


def test_old_policies_on_an_old_openshift(openshift: OpenShiftApi, cluster: Cluster, tmp_path: Path) -> None:
    kind = "ImageContentSourcePolicy"
    entry = {"source": "registry.example/a", "mirrors": ["m.example/a"]}
    old = {
        "apiVersion": "operator.openshift.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "old"},
        "spec": {"repositoryDigestMirrors": [entry]},
    }
    cluster.apply(old, manager="someone")
    path = f"/apis/{API}/clusterversions/version/status"
    merge = "application/merge-patch+json"
    before = cluster.get(API, "ClusterVersion", "version")
    assert before
    try:
        for version, is_refused in (("4.13.2", True), ("4.20.3", False)):
            desired = {"desired": {**before["status"]["desired"], "version": version}}
            cluster.transport.call("PATCH", path, body={"status": desired}, content_type=merge)
            result, _output = tell(openshift, tmp_path, BY_DIGEST)
            assert ("no mirror sets beside ImageContentSourcePolicies" in str(result.get("msg"))) is is_refused
            assert bool(sets(cluster)) is not is_refused
        assert cluster.get(old["apiVersion"], kind, "old")
    finally:
        cluster.delete(old["apiVersion"], kind, "old")
