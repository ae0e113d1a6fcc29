"""The site from other sources than the mirror that it was stocked from: a synced registry, and a bundle.

Each run begins on an empty cluster and a node without its images, and ends with an uninstall. The tests build on each
other, in their order.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..conftest import until
from .conftest import HOSTS, Lab, changed, knative, rows

# Planned, but pulled only when somebody makes an object of that kind
ON_DEMAND = {
    "PingSource": knative("eventing", "mtping"),
    "ApiServerSource": knative("eventing", "apiserver_receive_adapter"),
    "IntegrationSink, with tokens of OIDC": knative("eventing", "auth_proxy"),
}
SOURCES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: image-test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default, namespace: default}]
---
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata: {name: image-test, namespace: default}
spec: {schedule: "0 0 1 1 *", sink: {uri: "http://nowhere.default.svc"}}
---
apiVersion: sources.knative.dev/v1
kind: ApiServerSource
metadata: {name: image-test, namespace: default}
spec:
  serviceAccountName: default
  resources: [{apiVersion: v1, kind: Event}]
  sink: {uri: "http://nowhere.default.svc"}
---
apiVersion: sinks.knative.dev/v1alpha1
kind: IntegrationSink
metadata: {name: image-test, namespace: default}
spec: {log: {}}
"""
OIDC = '{"data": {"authentication-oidc": "enabled"}}'


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundle") / "site.tar"


def answers(lab: Lab) -> bool:
    return lab.site.request("/api/user").status == 200


def test_a_sync_copies_what_is_missing_and_then_nothing(lab: Lab) -> None:
    target = f"{lab.private}/mirror"
    few = {"image_prefetch_parallel": 3, "image_prefetch_parallel_per_host": 2}
    first = lab.images("sync", image_prefetch_sync_to=target, **few)
    assert changed(first) >= 1
    for host in HOSTS:
        assert f"{host}: [{target}/{host}]" in first.replace('"', "")
    assert changed(lab.images("sync", image_prefetch_sync_to=target)) == 0


def test_a_bundle_is_written_once(lab: Lab, bundle: Path) -> None:
    first = lab.images("bundle", image_prefetch_bundle=str(bundle))
    assert changed(first) >= 1
    found = re.search(r'todo_image: "?([^\s"]+@sha256:[0-9a-f]{64})', first)
    assert found, first[-3000:]
    lab.told["todo_image"] = found[1]
    assert bundle.stat().st_size > 50e6
    assert changed(lab.images("bundle", image_prefetch_bundle=str(bundle))) == 0


def test_a_site_pulls_what_the_list_says_and_nothing_else(lab: Lab) -> None:
    """From the synced registry alone, on an empty node that is only told the mirrors: so the kubelet pulls all."""
    lab.empty_node()
    since, target = lab.size("registry"), f"{lab.private}/mirror"
    with lab.without("mirror"):
        output = lab.run("site.yml", image_prefetch_pull=False, **lab.policy(target))
        until("the application answers", lambda: answers(lab), 60)
        listed = set(rows(output))
        base = {"docker.io/library/python:3.11-slim-bookworm"}  # checked for the build, for no node
        assert len(listed) > 15
        assert pulled(lab, since) == listed - base - set(ON_DEMAND.values())
        lab.site.kubectl("patch", "configmap", "-n", "knative-eventing", "config-features", "--type=merge", "-p", OIDC)
        lab.site.kubectl("apply", "-f", "-", given=SOURCES)
        until("the images of sources are pulled", lambda: pulled(lab, since) == listed - base, 120)
        lab.site.kubectl("delete", "-f", "-", given=SOURCES)
    lab.run("playbooks/uninstall.yml")
    lab.empty_node()


def pulled(lab: Lab, since: int) -> set[str]:
    """What containerd pulled from the synced registry, by the original names; not what the run itself built."""
    names = lab.pulled("registry", since)
    return {name.removeprefix("mirror/") for name in names if name.startswith("mirror/")}


def test_the_site_from_the_bundle_with_no_registry(lab: Lab, bundle: Path) -> None:
    since = {program: lab.size(program) for program in ("mirror", "registry")}
    with lab.without("mirror", "registry"):
        lab.run("site.yml", image_prefetch_bundle=str(bundle), **lab.told)
        until("the application answers", lambda: answers(lab), 60)
    assert not [program for program, size in since.items() if lab.pulled(program, size)]
    lab.run("playbooks/uninstall.yml", image_prefetch_bundle=str(bundle), **lab.told)
    # The container of a pod that is gone may hold its image for a while; the record keeps it until then.
    until("nothing is left on the node", lambda: lab.images("remove") and not lab.on_node(), 120)
    assert "registry.k8s.io/pause" in lab.ctr("images", "ls", "-q")
    assert not [path for path in lab.certs.rglob("*") if path.is_file()]
