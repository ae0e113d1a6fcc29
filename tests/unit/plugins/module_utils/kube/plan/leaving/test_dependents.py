"""What would break without a release although it is no object of its kinds."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from fault_proxy import FaultProxy
from releases import absent, config_map, deleted, document, namespace, rehearsed, removing, returned
from standing import live, stand, within


def rules(name: str) -> list[dict]:
    asking = {"api_version": "v1", "kind": "Namespace", "label_selector": f"inject-{name}=enabled"}
    sidecar = {"api_version": "v1", "kind": "Pod", "expression": "spec.containers[?name=='side-proxy']"}
    return [
        {**asking, "what": "it asks for sidecars"},
        {**sidecar, "namespace": f"{name}*", "what": "it runs with a sidecar"},
    ]


def asking(name: str, home: str) -> dict:
    item = namespace(home)
    item["metadata"]["labels"] = {f"inject-{name}": "enabled"}
    return item


def pod(home: str, container: str = "side-proxy") -> dict:
    spec = {"containers": [{"name": container, "image": "example.org/proxy:1"}]}
    return within(document("v1", "Pod", "app", spec=spec), home)


def test_what_asks_for_the_release_forbids_its_removal(proxied: Cluster, fault_proxy: FaultProxy, name: str) -> None:
    proxied.apply(asking(name, name), manager="someone")
    stand(proxied, name, [within(config_map(f"a-{name}", {}), "default")])
    fault_proxy.requests.clear()
    with pytest.raises(ReleaseError) as refused:
        absent(proxied, name, dependents=rules(name))
    assert f"Namespace {name}: it asks for sidecars" in str(refused.value) and "_purge: true" in str(refused.value)
    assert not fault_proxy.writes
    plan = absent(proxied, name, dependents=rules(name), purge=True)
    assert plan.warnings == [f"Namespace {name}: it asks for sidecars"] and deleted(plan)
    assert live(proxied, namespace(name)), "purge takes objects of the release's kinds, and no namespaces"


def test_pods_that_run_with_a_sidecar_forbid_it_too(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    cluster.apply(pod(name), manager="someone")
    stand(cluster, name, [within(config_map(f"a-{name}", {}), "default")])
    with pytest.raises(ReleaseError, match=f"Pod {name}/app: it runs with a sidecar"):
        absent(cluster, name, dependents=rules(name))
    cluster.delete("v1", "Pod", "app", name)
    cluster.apply(pod(name, "main"), manager="someone")
    assert absent(cluster, name, dependents=rules(name)).changes


def test_namespaces_that_are_given_back_do_not_forbid_it(cluster: Cluster, name: str) -> None:
    """Their label goes by this very removal; the pods in them are named, as they run on with what they have."""
    cluster.apply(namespace(name), manager="someone")
    stand(cluster, name, [asking(name, name)])
    cluster.apply(pod(name), manager="someone")
    plan = absent(cluster, name, dependents=rules(name))
    assert returned(plan) == [f"Namespace {name}"]
    assert plan.warnings == [f"Pod {name}/app: it runs with a sidecar"]
    assert f"inject-{name}" not in cluster.get("v1", "Namespace", name)["metadata"]["labels"]


def test_what_goes_itself_is_no_dependent(cluster: Cluster, name: str) -> None:
    stand(cluster, name, [asking(name, name), pod(name)])
    plan = absent(cluster, name, dependents=rules(name), check_mode=True)
    assert deleted(plan) == [f"Namespace {name}", f"Pod {name}/app"] and not plan.warnings
    other = f"{name}-2"
    stand(cluster, other, [asking(name, f"{name}-home"), within(config_map("b", {}), f"{name}-home")])
    assert rehearsed(cluster, removing(other), removing(name, dependents=rules(name)))[1].changes
    with pytest.raises(ReleaseError, match=f"Namespace {name}-home"):
        absent(cluster, name, dependents=rules(name), check_mode=True)


def test_a_rule_may_warn_alone(cluster: Cluster, name: str) -> None:
    cluster.apply(asking(name, name), manager="someone")
    stand(cluster, name, [within(config_map(f"a-{name}", {}), "default")])
    gentle = [{**rules(name)[0], "blocks": False}]
    plan = absent(cluster, name, dependents=gentle)
    assert plan.warnings == [f"Namespace {name}: it asks for sidecars"] and deleted(plan)


def test_an_expression_that_is_none_is_an_error(cluster: Cluster, name: str) -> None:
    stand(cluster, name, [within(config_map(f"a-{name}", {}), "default")])
    with pytest.raises(ReleaseError, match="no valid JMESPath"):
        absent(cluster, name, dependents=[{**rules(name)[0], "expression": "["}])
    absent(cluster, name)
