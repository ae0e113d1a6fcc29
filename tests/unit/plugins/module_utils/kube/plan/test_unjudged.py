"""Check mode beside policies of others: what cannot be judged is said, and what is not permitted forbids the run."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.transport import Transport
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError, ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import Holder, RunLock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Plan
from api_server import ApiServer
from fault_proxy import FaultProxy
from releases import absent, config_map, document, names, namespace, present
from standing import stand, until, within

WEBHOOK = ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration")
POLICY = ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")
RULES = "rbac.authorization.k8s.io/v1"


@pytest.fixture
def blocked(cluster: Cluster, name: str) -> Iterator[None]:
    """A webhook of another product on all that has to do with the test; its server is away."""
    only = f"(request.namespace + '/' + request.name).contains('{name}')"
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"], "scope": "*"}
    hook = {
        "name": f"check.{name}.example.org",
        "clientConfig": {"service": {"name": "away", "namespace": "default"}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "matchConditions": [{"name": "only", "expression": only}],
        "rules": [everything],
    }

    def block(url: str = "") -> None:
        if url:
            hook["clientConfig"] = {"url": url}
            hook["timeoutSeconds"] = 4
        cluster.apply(document(*WEBHOOK, name, webhooks=[hook]), manager="other")
        probe = within(config_map("probe", {}), "default", name=f"probe-{name}")
        until(lambda: _refused(cluster, probe), 40)

    yield block
    cluster.delete(*WEBHOOK, name)


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of a server that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(200)
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"


def _refused(cluster: Cluster, item: dict[str, Any]) -> bool:
    try:
        cluster.apply(item, dry_run=True, retry_if=lambda error: False)
    except KubeError as error:
        return "failed calling webhook" in str(error)
    return False


def unjudged(plan: Plan) -> set[str]:
    words = "cannot be judged before the run: a webhook does not answer"
    return {str(step.ref) for step in plan.steps if words in step.reason}


def test_a_webhook_that_is_away_leaves_every_change_unjudged(cluster: Cluster, name: str, blocked: Any) -> None:
    theirs = within(config_map("adopted", {"y": "1"}), name)
    present(cluster, name, [namespace(name), config_map("change", {"x": "1"}), config_map("leaves", {})])
    cluster.apply(theirs, manager="someone")
    blocked()
    wanted = [namespace(name), config_map("change", {"x": "2"}), config_map("new", {}), config_map("adopted", {})]
    plan = present(cluster, name, wanted, check_mode=True).plan
    assert unjudged(plan) == {f"ConfigMap {name}/{one}" for one in ("change", "new", "adopted", "leaves")}
    started = time.monotonic()
    plan = absent(cluster, name, check_mode=True)
    assert unjudged(plan) == {str(step.ref) for step in plan.steps} and len(plan.steps) == 3
    assert time.monotonic() - started < 10, "nothing is tried again for a rehearsal"


def test_a_webhook_that_hangs_is_waited_for_once(cluster: Cluster, name: str, blocked: Any, server: str) -> None:
    """Its backend is away in the other way: it takes connections, and the API server waits for its timeout."""
    contents = [config_map(f"c{number}", {}) for number in range(30)]
    present(cluster, name, [namespace(name), *contents])
    blocked(server)
    wanted = [namespace(name), *(config_map(f"d{number}", {}) for number in range(30))]
    told: list[str] = []
    cluster.transport = Transport(cluster.transport.connection, lambda message, _reason: told.append(message))
    for plan in (present(cluster, name, wanted, check_mode=True).plan, absent(cluster, name, check_mode=True)):
        assert len(unjudged(plan)) >= 31
    # Rehearsals go eight at a time: 4 waits of 4 s each would be needed for 31 objects, twice.
    assert any("a webhook hangs" in line and "failed calling webhook" in line for line in told)
    assert len([path for path in told if "a webhook hangs" in path]) <= 24


def test_an_object_of_a_missing_namespace_is_not_called_fine(cluster: Cluster, name: str, blocked: Any) -> None:
    documents = [namespace(name), config_map("a", {})]
    plan = present(cluster, name, documents, check_mode=True).plan
    assert [step.reason for step in plan.steps if step.ref.kind == "ConfigMap"] == [
        f"it is not there; cannot be judged before the run: its namespace {name} is not there yet"
    ]
    blocked()
    plan = present(cluster, name, documents, check_mode=True).plan
    assert unjudged(plan) == {f"Namespace {name}"}


def test_a_namespace_that_is_given_back_is_rehearsed_too(cluster: Cluster, name: str, blocked: Any) -> None:
    stand(cluster, name, [namespace(name)])
    cluster.apply(within(config_map("theirs", {}), name), manager="someone")
    blocked()
    assert unjudged(absent(cluster, name, check_mode=True)) == {f"Namespace {name}"}


@pytest.fixture
def jane(cluster: Cluster, api_server: ApiServer, name: str, tmp_path: Any) -> Iterator[Cluster]:
    """A user who may read all, create and change ConfigMaps and namespaces, and delete nothing but namespaces."""
    rules = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["configmaps", "namespaces"], "verbs": ["create", "patch"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["delete"]},
    ]
    cluster.apply(document(RULES, "ClusterRole", name, rules=rules), manager="test")
    subjects = [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    binding = document(RULES, "ClusterRoleBinding", name, subjects=subjects, roleRef=role)
    cluster.apply(binding, manager="test")
    user = Cluster.connect("test", str(_kubeconfig_of_jane(api_server, tmp_path)))
    until(lambda: _may(user, name))
    yield user
    cluster.delete(RULES, "ClusterRoleBinding", name)
    cluster.delete(RULES, "ClusterRole", name)


def _kubeconfig_of_jane(api_server: ApiServer, directory: Any) -> Any:
    path = directory / "jane"
    api_server.write_kubeconfig(path, api_server.url)
    config = yaml.safe_load(path.read_text())
    config["users"][0]["user"] = {"token": api_server.token}
    path.write_text(yaml.safe_dump(config))
    return path


def _may(user: Cluster, name: str) -> bool:
    try:
        user.apply(namespace(name), dry_run=True, retry_if=lambda error: False)
        return True
    except KubeError:
        return False


def test_what_the_user_may_not_do_is_told_in_check_mode(cluster: Cluster, jane: Cluster, name: str) -> None:
    """Beside and in a namespace that is not there yet."""
    secret = document("v1", "Secret", "s", data={})
    for there in (False, True):
        if there:
            cluster.apply(namespace(name), manager="someone")
        for check_mode in (True, False):
            with pytest.raises(ReleaseError) as refused:
                present(jane, name, [namespace(name), config_map("a", {}), secret], check_mode)
            told = str(refused.value)
            assert f'Secret {name}/s: secrets "s" is forbidden: User "jane" cannot' in told
            assert "lacks that permission" in told and f"ConfigMap {name}/a" not in told


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_the_user_may_not_delete_is_told_before_the_first_write(
    cluster: Cluster, jane: Cluster, name: str, check_mode: bool
) -> None:
    present(cluster, name, [namespace(name), config_map("a", {}), config_map("b", {})])
    with pytest.raises(ReleaseError) as refused:
        absent(jane, name, check_mode=check_mode)
    told = str(refused.value)
    assert "nothing was changed" in told
    assert all(f"ConfigMap {name}/{one}: configmaps" in told and "cannot delete" in told for one in "ab")
    with pytest.raises(ReleaseError, match=rf"ConfigMap {name}/b: .*cannot delete"):
        present(jane, name, [namespace(name), config_map("a", {})], check_mode)
    assert cluster.get("v1", "ConfigMap", "a", name) and cluster.get("v1", "ConfigMap", "b", name)


@pytest.fixture
def policy(cluster: Cluster, name: str) -> Iterator[Any]:
    """Gives a function that has a ValidatingAdmissionPolicy deny an operation on ConfigMaps in a namespace."""

    def deny(operation: str, where: str) -> None:
        rules = [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": [operation]}]
        spec = {
            "matchConstraints": {"resourceRules": rules},
            "validations": [{"expression": "false", "message": "not here"}],
        }
        only = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": where}}}
        bound = {"policyName": name, "validationActions": ["Deny"], "matchResources": only}
        cluster.apply(document(*POLICY, name, spec=spec), manager="other")
        cluster.apply(document(POLICY[0], f"{POLICY[1]}Binding", name, spec=bound), manager="other")
        until(lambda: _denied(cluster, operation, where), 40)

    yield deny
    cluster.delete(POLICY[0], f"{POLICY[1]}Binding", name)
    cluster.delete(*POLICY, name)


def _denied(cluster: Cluster, operation: str, where: str) -> bool:
    try:
        if operation == "DELETE":
            cluster.delete("v1", "ConfigMap", "kube-root-ca.crt", where, dry_run=True, retry_if=lambda error: False)
        else:
            cluster.create(within(config_map("probe", {}), where), dry_run=True, retry_if=lambda error: False)
    except KubeError as error:
        return "not here" in str(error)
    return False


def test_what_a_policy_denies_is_told_before_the_first_write(cluster: Cluster, name: str, policy: Any) -> None:
    """Its denials are 422 Invalid where it says nothing else."""
    documents = [namespace(name), config_map("a", {}), document("v1", "Service", "s", spec={"ports": [{"port": 80}]})]
    present(cluster, name, documents)
    until(lambda: cluster.get("v1", "ConfigMap", "kube-root-ca.crt", name))
    policy("DELETE", name)
    for check_mode in (True, False):
        with pytest.raises(ReleaseError, match=rf"nothing was changed:\n- ConfigMap {name}/a: .*not here.*A policy of"):
            absent(cluster, name, check_mode=check_mode)
    assert cluster.get("v1", "Service", "s", name)


def test_a_policy_of_the_rehearsals_place_says_nothing(cluster: Cluster, name: str, policy: Any) -> None:
    """Many clusters forbid things in the namespace default."""
    policy("CREATE", "default")
    assert names(present(cluster, name, [namespace(name), config_map("a", {})]).created)[0] == f"ConfigMap {name}/a"


def test_what_a_run_may_not_write_for_itself_is_told_before_the_first_write(
    cluster: Cluster, jane: Cluster, name: str
) -> None:
    """Jane may take no lease, and delete no inventory, but the namespace that is all of the release."""
    present(cluster, name, [namespace(name)])
    lock = RunLock(jane, "kube-system", Holder.of_process(os.getpid()), 1, lambda message: None)
    for check_mode in (True, False):
        with pytest.raises(ReleaseError) as refused:
            absent(jane, name, check_mode=check_mode, lock=lock)
        told = str(refused.value)
        assert "nothing was changed" in told and f"- ConfigMap kube-system/release-{name}: " in told
        assert "- Lease kube-system/selfhosted-serverless: " in told
        with pytest.raises(ReleaseError, match=r"nothing was changed:\n- Lease kube-system/selfhosted-serverless"):
            present(jane, name, [namespace(name), config_map("a", {})], check_mode, lock=lock)
    assert "deletionTimestamp" not in cluster.get("v1", "Namespace", name)["metadata"]


def test_a_rehearsal_deletes_nothing(cluster: Cluster, proxied: Cluster, fault_proxy: FaultProxy, name: str) -> None:
    present(cluster, name, [namespace(name), config_map("a", {})])
    absent(proxied, name, check_mode=True)
    asked = [path for method, path in fault_proxy.requests if method == "DELETE"]
    assert len(asked) == 3 and all("dryRun=All" in path for path in asked)
    assert cluster.get("v1", "ConfigMap", "a", name)["metadata"].get("deletionTimestamp") is None
