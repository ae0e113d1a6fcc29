"""A run's planning on OpenShift as discovery tells of it: a real API server behind a front that has all the rest."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.rendered import read_rendered
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.detection import choose_delivery
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import extract_references
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.lookup import find_labelled
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.existing import ExistingPolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.mirror_rollout import plan_rollout
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.scc import faults, pods_in
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_facts import cluster_facts
from openshift_api import OpenShiftApi
from plays import ROOT, play
from recorded_openshift import RecordedOpenShift, recorded
from releases import absent, config_map, deleted, deployment, document, kept, namespace, present
from standing import within

ROLES = ("metrics_server", "istio", "knative", "todo", "observability")
MIRRORS = {"docker.io": ["m.example/docker.io"], "gcr.io": ["m.example/gcr.io", "gcr.io"]}


@pytest.fixture(scope="module")
def front(openshift: OpenShiftApi) -> Iterator[RecordedOpenShift]:
    front = RecordedOpenShift(openshift)
    yield front
    front.stop()


@pytest.fixture
def cluster(front: RecordedOpenShift, tmp_path: Path) -> Cluster:
    front.write_kubeconfig(tmp_path / "recorded")
    return Cluster.connect("test", str(tmp_path / "recorded"))


def istioctl() -> dict[str, str]:
    """That of the lab, as istio_istioctl takes it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "bin")
    found = [path for path in cache.glob("istio-*/*/istioctl") if path.is_file()]
    if not found:
        pytest.fail("istioctl is needed and is not in the lab's cache; build it with: make lab")
    path = max(found, key=lambda one: one.stat().st_mtime)
    asked = [str(path), "version", "--remote=false", "--short"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return {"path": str(path), "version": told.rpartition(":")[2].strip()}


def node(name: str) -> dict[str, Any]:
    info = {
        "architecture": "amd64",
        "operatingSystem": "linux",
        "containerRuntimeVersion": "cri-o://1.33.5",
        "kubeletVersion": "v1.33.5",
        "osImage": "Red Hat Enterprise Linux CoreOS",
    }
    status = {"nodeInfo": info, "conditions": [{"type": "Ready", "status": "True"}]}
    labels = {"node.openshift.io/os_id": "rhel"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}


def test_what_is_recorded_is_discovered_in_two_requests(front: RecordedOpenShift, cluster: Cluster) -> None:
    before = len(front.front.requests)
    for api_version, resources in recorded().items():
        for entry in resources.values():
            found = cluster.discovery.find(api_version, entry["responseKind"]["kind"])
            assert found and found.namespaced is (entry["scope"] == "Namespaced"), (api_version, entry)
    assert [path for _method, path in front.front.requests[before:]] == ["/api", "/apis"]
    assert cluster.list("image.openshift.io/v1", "ImageStream", "default") == []
    assert cluster.get("template.openshift.io/v1", "Template", "none", "default") is None


def test_what_openshift_shows_twice_is_one_object(cluster: Cluster, name: str) -> None:
    """Projects are namespaces, and the roles of authorization.openshift.io are those of Kubernetes."""
    binding = document("rbac.authorization.k8s.io/v1", "RoleBinding", "ours")
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    subjects = [{"kind": "ServiceAccount", "name": "default", "namespace": name}]
    wanted = [namespace(name), config_map("ours", {}), {**binding, "roleRef": role, "subjects": subjects}]
    present(cluster, name, wanted)
    assert [
        one["kind"] for one in cluster.list("project.openshift.io/v1", "Project") if one["metadata"]["name"] == name
    ]
    assert cluster.list("authorization.openshift.io/v1", "RoleBinding", name)
    found, unreadable = find_labelled(cluster, name, Deadline(30))
    assert sorted(str(entry.ref) for entry in found) == [
        f"ConfigMap {name}/ours",
        f"Namespace {name}",
        f"RoleBinding {name}/ours",
    ]
    assert unreadable == []
    plan = absent(cluster, name)
    assert f"Namespace {name}" in deleted(plan) and kept(plan) == []
    assert cluster.get("v1", "Namespace", name) is None


def test_nodes_are_told_mirrors_by_objects_alone(cluster: Cluster) -> None:
    nodes = [node("master-0"), node("worker-0")]
    assert cluster_facts("v1.33.5", nodes).kind == "openshift"
    found = choose_delivery("auto", [], nodes, lambda program: True, "/certs")
    assert (found.way, found.nodes) == ("mirror_sets", ())
    images = ["docker.io/istio/pilot:1.30.0", "gcr.io/knative-releases/a@sha256:" + "a" * 64]
    rollout = plan_rollout(cluster, ImagePolicy.from_config({"mirrors": MIRRORS}), images, True, Deadline(30))
    outcome = present(cluster, "image-mirrors", rollout.definitions, check_mode=True)
    assert sorted(str(step.ref) for step in outcome.plan.steps if step.ref.group == "config.openshift.io") == [
        "ImageDigestMirrorSet selfhosted-serverless",
        "ImageTagMirrorSet selfhosted-serverless",
    ]


def test_metrics_of_openshift_are_left_alone(cluster: Cluster, name: str) -> None:
    """Its monitoring serves them; here an API service that the API server itself calls available stands for it."""
    variables = yaml.safe_load((ROOT / "roles/metrics_server/vars/main.yml").read_text())
    existing = variables["__metrics_server_existing"]
    api = {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100}
    service = document("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io", spec=api)
    cluster.apply(service, manager="cluster-monitoring-operator")
    try:
        policy = ExistingPolicy("auto", existing["marks"], existing["serves"], role="metrics_server")
        deadline = Deadline(30)
        ready: list[Any] = []
        while not ready and not deadline.passed:
            live = cluster.get(service["apiVersion"], "APIService", service["metadata"]["name"]) or {}
            ready = [one for one in (live.get("status") or {}).get("conditions") or [] if one["status"] == "True"]
        wanted = [within(deployment("metrics-server"), "kube-system"), service]
        outcome = present(cluster, name, wanted, check_mode=True, existing=policy)
        assert outcome.left and not outcome.plan.changes
        assert kept(outcome.plan) == ["APIService v1beta1.metrics.k8s.io"]
    finally:
        cluster.delete(service["apiVersion"], "APIService", service["metadata"]["name"])


def test_all_roles_come_to_a_plan_that_restricted_v2_admits(
    front: RecordedOpenShift, cluster: Cluster, tmp_path: Path
) -> None:
    """Rendered by the roles for this cluster; each pod is held against the constraints that every user has."""
    call = cluster.transport.call
    call("POST", "/api/v1/nodes", body=node("worker-0"))
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    storage = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "csi.example"}
    cluster.apply({**storage, "metadata": {"name": "default", "annotations": default}})
    work = tmp_path / "work"
    variables = {
        "serverless_context": "test",
        "serverless_kubeconfig": str(tmp_path / "recorded"),
        "serverless_work_dir": str(work),
        "istio_istioctl": istioctl(),
        "todo_image": "registry.example/todo/app:1",
        "observability_state": "present",
    }
    tasks: list[dict[str, Any]] = [{"selfhosted.serverless.release_set": {}, "register": "__serverless_release"}]
    for role in ROLES:
        named = {"name": f"selfhosted.serverless.{role}", "tasks_from": "manifests"}
        tasks.append({"ansible.builtin.include_role": named})
    releases = f"{{{{ {' + '.join(f'__{role}_rendered.releases' for role in ROLES)} }}}}"
    applied = {key: f"{{{{ item.{key} | default(omit) }}}}" for key in ("name", "manifests", "existing")}
    tasks.append(
        {"selfhosted.serverless.release": applied, "loop": releases, "loop_control": {"label": "{{ item.name }}"}}
    )
    tasks.append({"selfhosted.serverless.site_check": {"releases": releases}})
    result, output = play(tmp_path, [{**task, "vars": variables} for task in tasks], "-v", "--check")
    assert result.get("documents", 0) > 100, output[-3000:]
    for name in ("metrics-server", "istio", "knative-serving", "knative-eventing", "todo", "observability"):
        assert f"plan of release '{name}'" in output

    documents = [one for file in sorted(work.glob("*.yaml")) for one in read_rendered(str(file))]
    refused, seen = [], set()
    for one in documents:
        for pod in pods_in(one):
            metadata = one["metadata"]
            own = metadata.get("name") or metadata["generateName"]  # as of Knative's jobs
            name = f"{one['kind']} {metadata.get('namespace')}/{own}"
            seen.add(name)
            # OpenShift's documentation: pods in its default namespaces, as metrics-server, meet no constraints.
            if metadata.get("namespace") != "kube-system":
                refused += [f"{name}: {fault}" for fault in faults(pod)]
    assert {
        "Deployment istio-system/istiod",
        "Deployment istio-system/istio-ingressgateway",
        "Deployment istio-system/prometheus",
        "Deployment istio-system/kiali",
        "Deployment knative-serving/activator",
        "Deployment knative-eventing/eventing-controller",
        "StatefulSet todo/database",
        "Service todo/web",
    } <= seen
    assert refused == []

    images = [found.reference for found in extract_references(documents)]
    policy = ImagePolicy.from_config(
        {
            "mirrors": {
                **MIRRORS,
                **{host: [host] for host in ("quay.io", "registry.k8s.io", "registry.example", "ghcr.io")},
            }
        }
    )
    rollout = plan_rollout(cluster, policy, images, True, Deadline(30))
    sources = {one["kind"]: next(iter(one["spec"].values())) for one in rollout.definitions}
    assert any("istio/proxyv2" in entry["source"] for entry in sources["ImageTagMirrorSet"])
    assert any("knative-releases" in entry["source"] for entry in sources["ImageDigestMirrorSet"])
