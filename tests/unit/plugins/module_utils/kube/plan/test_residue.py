"""What controllers left behind: only where ours made it, and nobody else serves it."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from releases import config_map, deployment, namespace
from standing import deleted, leave, live, stand, within

LABELS = {"istio.io/config": "true"}


def rule(name: str, **more: object) -> dict:
    found = {"api_version": "v1", "kind": "ConfigMap", "name": f"root-{name}", "label_selector": "istio.io/config=true"}
    return {**found, "managers": ["pilot-discovery"], **more}


def root(name: str, home: str, labels: dict[str, str] | None = None) -> dict:
    return within(config_map(f"root-{name}", {"root-cert.pem": "x"}), home, labels=LABELS if labels is None else labels)


def test_only_what_the_controller_alone_has_written_goes(cluster: Cluster, name: str) -> None:
    homes = [f"{name}-{kind}" for kind in ("ours", "byhand", "edited", "bare")]
    for home in homes:
        cluster.apply(namespace(home), manager="someone")
    ours, by_hand, edited, bare = (root(name, home) for home in homes)
    bare["metadata"]["labels"] = {}
    for item, manager in ((ours, "pilot-discovery"), (by_hand, "someone"), (bare, "pilot-discovery")):
        cluster.apply(item, manager=manager)
    cluster.apply(edited, manager="pilot-discovery")
    cluster.apply({**edited, "data": {"more": "mine"}}, manager="someone")
    stand(cluster, name, [within(config_map(f"a-{name}", {}), homes[0])])
    for check_mode in (True, False):
        plan = leave(cluster, name, residue=[rule(name)], check_mode=check_mode)
        assert deleted(plan) == [f"ConfigMap {homes[0]}/a-{name}", f"ConfigMap {homes[0]}/root-{name}"]
    assert live(cluster, ours) is None
    assert all(live(cluster, item) for item in (by_hand, edited, bare))


def test_where_the_release_never_was_nothing_is_touched(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    cluster.apply(root(name, name), manager="pilot-discovery")
    assert not leave(cluster, name, residue=[rule(name)]).steps
    assert live(cluster, root(name, name))


def test_what_another_installation_serves_stays(cluster: Cluster, name: str) -> None:
    """Of two control planes the one that stays goes on keeping the objects."""
    cluster.apply(namespace(name), manager="someone")
    cluster.apply(root(name, name), manager="pilot-discovery")
    istiod = deployment("istiod", replicas=0)
    istiod["metadata"]["labels"] = {"app": f"istiod-{name}"}
    other = deployment("istiod-canary", replicas=0)
    other["metadata"]["labels"] = {"app": f"istiod-{name}"}
    stand(cluster, name, [within(istiod, name)])
    cluster.apply(within(other, name, labels={"app": f"istiod-{name}"}), manager="helm")
    unless = {"api_version": "apps/v1", "kind": "Deployment", "label_selector": f"app=istiod-{name}"}
    rules = [rule(name, unless=unless)]
    assert deleted(leave(cluster, name, residue=rules, check_mode=True)) == [f"Deployment {name}/istiod"]
    cluster.delete("apps/v1", "Deployment", "istiod-canary", name)
    assert f"ConfigMap {name}/root-{name}" in deleted(leave(cluster, name, residue=rules))


def test_a_rule_that_would_take_everything_is_refused(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    stand(cluster, name, [within(config_map("a", {}), name)])
    with pytest.raises(ReleaseError, match="needs a name or a label_selector"):
        leave(cluster, name, residue=[{"api_version": "v1", "kind": "ConfigMap"}])
    leave(cluster, name)
