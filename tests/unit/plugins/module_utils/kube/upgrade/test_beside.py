"""A new control plane beside the former one: what changes last, what stays and how long, whose pods are restarted."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import WaitError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.upgrade.restarting import (
    ANNOTATION,
    keeps_serving,
    restart,
)
from releases import config_map, deleted, deployment, document, names, namespace, present
from standing import inventory_of, until, within

Document = dict[str, Any]


def plane(name: str, revision: str) -> list[Document]:
    """A control plane, the proxy that it serves, and what leads to it."""
    proxy = deployment("proxy", replicas=0, image=f"example.org/proxy:{revision}")
    return [
        namespace(name),
        deployment(f"plane-{revision}", replicas=0),
        config_map(f"settings-{revision}", {"x": revision}),
        proxy,
        config_map("tag", {"leads-to": revision}),
    ]


LAST = [{"kind": "Deployment", "name": "proxy"}, {"kind": "ConfigMap", "name": "tag"}]
KEEP = [{"kind": "Deployment", "name": "plane-*"}, {"kind": "ConfigMap", "name": "settings-*"}]
RULE = {"api_version": "v1", "kind": "Pod", "label_selector": "uses=plane-1", "what": "its proxy is of plane-1"}


def pod(name: str, user: str, **metadata: Any) -> Document:
    item = document("v1", "Pod", user, spec={"containers": [{"name": "main", "image": "example.org/app:1"}]})
    return within(item, name, labels={"uses": "plane-1"}, **metadata)


def test_what_leads_to_the_new_one_changes_when_it_is_rolled_out(cluster: Cluster, name: str) -> None:
    present(cluster, name, plane(name, "1"), last=LAST, version="1")
    broken = plane(name, "2")
    broken[1]["spec"]["replicas"] = 1  # no kubelet: its pod never gets ready
    with pytest.raises(WaitError, match=f"Deployment {name}/plane-2: rollout"):
        present(cluster, name, broken, last=LAST, version="1", keep=KEEP, seconds=15)
    assert cluster.get("v1", "ConfigMap", "tag", name)["data"] == {"leads-to": "1"}
    assert "proxy:1" in str(cluster.get("apps/v1", "Deployment", "proxy", name)["spec"])
    assert cluster.get("apps/v1", "Deployment", "plane-2", name)
    present(cluster, name, plane(name, "2"), last=LAST, version="1", keep=KEEP)
    assert cluster.get("v1", "ConfigMap", "tag", name)["data"] == {"leads-to": "2"}
    assert "proxy:2" in str(cluster.get("apps/v1", "Deployment", "proxy", name)["spec"])


def test_a_first_installation_waits_for_nothing(cluster: Cluster, name: str) -> None:
    first = plane(name, "1")
    first[1]["spec"]["replicas"] = 1
    assert len(present(cluster, name, first, last=LAST, seconds=20).created) == 5


def test_the_former_one_stays_as_long_as_it_is_used(cluster: Cluster, name: str) -> None:
    present(cluster, name, plane(name, "1"))
    kept = [f"ConfigMap {name}/settings-1", f"Deployment {name}/plane-1"]
    for changed in (True, False):
        outcome = present(cluster, name, plane(name, "2"), keep=KEEP)
        assert outcome.changed is changed and names(outcome.kept) == kept
    user = cluster.create(pod(name, "user"))
    rules = [{**RULE, "namespace": name}]
    for check_mode in (True, False):
        outcome = present(cluster, name, plane(name, "2"), check_mode, keep=KEEP, keep_while=rules)
        assert not outcome.changed and names(outcome.kept) == kept
        [told] = outcome.warnings
        assert told == (
            f"Deployment {name}/plane-1 stays, because it is used: Pod {name}/user (its proxy is of plane-1)"
        )
    assert f"Deployment {name} plane-1" in " ".join(entry.to_line() for entry in inventory_of(cluster, name).entries)
    cluster.delete("v1", "Pod", user["metadata"]["name"], name)
    until(lambda: cluster.get("v1", "Pod", "user", name) is None)
    outcome = present(cluster, name, plane(name, "2"), keep=KEEP, keep_while=rules)
    assert names(outcome.deleted) == kept
    assert not present(cluster, name, plane(name, "2"), keep=KEEP, keep_while=rules).changed


FITS = "metadata.labels.app && metadata.namespace == '{}'"


def test_only_workloads_of_ours_that_keep_serving_are_restarted(cluster: Cluster, name: str) -> None:
    stopping = deployment("recreated", replicas=1)
    stopping["spec"]["strategy"] = {"type": "Recreate"}
    present(cluster, name, [namespace(name), deployment("rolling", replicas=1), stopping])
    cluster.create(within(deployment("theirs", replicas=1), name), manager="someone")
    cluster.create(within(pod(name, "bare"), name, labels={"app": "bare"}))
    until(lambda: len(cluster.list("v1", "Pod", name)) == 4)
    fits = FITS.format(name)
    planned = restart(cluster, fits, "rolling", True, Deadline(20), lambda line: None)
    assert names(planned.done) == [f"Deployment {name}/rolling"]
    reasons = {ref.name.rpartition("-")[0].rpartition("-")[0] or ref.name: why for ref, why in planned.left.items()}
    assert reasons == {
        "recreated": "its Deployment would not serve while it restarts",
        "theirs": "its Deployment is not ours to restart",
        "bare": "nothing makes it anew",
    }
    assert not restart(cluster, fits, "none", False, Deadline(20), lambda line: None).done
    assert ANNOTATION not in str(cluster.get("apps/v1", "Deployment", "rolling", name)["spec"])
    started = time.monotonic()
    with pytest.raises(WaitError, match=f"Deployment {name}/recreated: rollout"):
        # No kubelet: the new pod never gets ready, and the others are not gone on with
        restart(cluster, fits, "all", False, Deadline(4), lambda line: None)
    assert time.monotonic() - started < 15
    template = cluster.get("apps/v1", "Deployment", "recreated", name)["spec"]["template"]
    assert ANNOTATION in template["metadata"]["annotations"]
    # What we restarted is still what we applied
    assert not present(cluster, name, [namespace(name), deployment("rolling", replicas=1), stopping]).changed
    assert deleted(present(cluster, name, [namespace(name)]).plan)


@pytest.mark.parametrize(("spec", "serves"), [
    ({"replicas": 1}, True),
    ({"replicas": 4}, False),
    ({"replicas": 3, "strategy": {"rollingUpdate": {"maxUnavailable": "25%"}}}, True),
    ({"replicas": 4, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}}, True),
    ({"replicas": 1, "strategy": {"rollingUpdate": {"maxUnavailable": 1}}}, False),
    ({"replicas": 1, "strategy": {"type": "Recreate"}}, False),
])  # fmt: skip
def test_who_serves_all_the_while(spec: dict[str, Any], serves: bool) -> None:
    assert keeps_serving({"kind": "Deployment", "spec": spec}) is serves
    assert keeps_serving({"kind": "StatefulSet", "spec": spec}) is False
