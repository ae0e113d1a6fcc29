"""What somebody else does between the plan of a run and its first write."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.secrets import secret_document
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import Holder, RunLock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from fault_proxy import Fault, FaultProxy
from releases import absent, config_map, deleted, deployment, document, names, namespace, present, returned
from standing import live, until, within

Document = dict[str, Any]


def at_the_last_moment(cluster: Cluster, act: Callable[[], object]) -> RunLock:
    """The lock of a run; `act` is done when the run has its plan, and takes the lock."""

    class Late(RunLock):
        @contextmanager
        def held(self) -> Iterator[bool]:
            with super().held() as waited:
                act()
                yield waited

    return Late(cluster, "kube-system", Holder.of_process(os.getpid()), 10, lambda message: None)


@pytest.fixture
def race(cluster: Cluster) -> Iterator[Callable[..., Any]]:
    """Apply a release as `present` does, with something done between its plan and its first write."""
    locks = []

    def run(act: Callable[[], object], release: str, documents: list[Document], **options: Any) -> Any:
        locks.append(at_the_last_moment(cluster, act))
        return present(cluster, release, documents, lock=locks[-1], **options)

    yield run
    for lock in locks:
        lock.give_up(Deadline(10))


def test_what_somebody_makes_is_adopted(cluster: Cluster, name: str, race: Callable[..., Any]) -> None:
    theirs = within(config_map("b", {"mine": "2"}), name)

    def make() -> None:
        made = datetime.fromisoformat(cluster.apply(theirs, manager="someone")["metadata"]["creationTimestamp"])
        until(lambda: (datetime.now(UTC) - made).total_seconds() > 1)

    present(cluster, name, [namespace(name)])
    documents = [namespace(name), config_map("a", {}), config_map("b", {"x": "1"})]
    outcome = race(make, name, documents)
    assert names(outcome.created) == [f"ConfigMap {name}/a"] and names(outcome.configured) == [f"ConfigMap {name}/b"]
    assert not present(cluster, name, documents).changed
    plan = absent(cluster, name)
    assert f"ConfigMap {name}/b" in returned(plan) and deleted(plan) == [f"ConfigMap {name}/a"]
    assert live(cluster, theirs)["data"] == {"mine": "2"}


def with_cpu(amount: str) -> Document:
    workload = deployment("app", replicas=1)
    workload["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": amount}}
    return workload


def cpu_of(cluster: Cluster, name: str) -> str:
    found = cluster.get("apps/v1", "Deployment", "app", name)
    return found["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"]


def test_the_same_value_in_other_words_stays_theirs(cluster: Cluster, name: str, race: Callable[..., Any]) -> None:
    present(cluster, name, [namespace(name), with_cpu("1000m")])

    def write() -> None:
        cluster.apply(within(with_cpu("1"), name), manager="someone", force=True)

    labelled = {**with_cpu("1000m"), "metadata": {"name": "app", "labels": {"new": "label"}}}
    outcome = race(write, name, [namespace(name), labelled])
    assert names(outcome.configured) == [f"Deployment {name}/app"]
    stored = cluster.get("apps/v1", "Deployment", "app", name)
    assert stored["metadata"]["labels"]["new"] == "label" and cpu_of(cluster, name) == "1"


def test_another_value_is_not_overruled(cluster: Cluster, name: str, race: Callable[..., Any]) -> None:
    present(cluster, name, [namespace(name), with_cpu("1")])

    def write() -> None:
        cluster.apply(within(with_cpu("2"), name), manager="someone", force=True)

    wanted = [namespace(name), with_cpu("3")]
    with pytest.raises(ReleaseError, match=r"limits\.cpu is set by someone.*todo_force_conflicts: true"):
        race(write, name, wanted, role="todo")
    assert cpu_of(cluster, name) == "2"
    assert present(cluster, name, wanted, force_conflicts=True).changed
    assert cpu_of(cluster, name) == "3"


PASSWORD = {"name": "database", "keys": {"password": {"generate": 32}}}


def generated(name: str) -> dict[str, Any]:
    return {"generated": {ObjectRef("v1", "Secret", name, "database"): frozenset({"password"})}}


def made(cluster: Cluster, name: str) -> list[Document]:
    return [namespace(name), secret_document(cluster, PASSWORD, name, Deadline(10))]


def stored(cluster: Cluster, name: str) -> str:
    return cluster.get("v1", "Secret", "database", name)["data"]["password"]


def test_two_runs_at_once_have_one_password(cluster: Cluster, name: str) -> None:
    """Both have made one when the first takes the lock: the second waits, and then the database has the first one's."""
    first, second = made(cluster, name), made(cluster, name)
    mine = RunLock(cluster, "kube-system", Holder("ann", "elsewhere", 1, "1"), 10, lambda message: None)
    with mine.held():
        told = threading.Event()
        theirs = RunLock(cluster, "kube-system", Holder("bob", "elsewhere", 2, "2"), 30, lambda message: told.set())
        options: dict[str, Any] = {"lock": theirs, **generated(name)}
        waiting = threading.Thread(target=present, args=(cluster, name, second), kwargs=options)
        waiting.start()
        assert told.wait(20)
        present(cluster, name, first, **generated(name))
        password = stored(cluster, name)
    mine.give_up(Deadline(10))
    waiting.join(60)
    theirs.give_up(Deadline(10))
    assert not waiting.is_alive()
    assert stored(cluster, name) == password == first[1]["data"]["password"]


def test_a_password_that_is_there_before_ours_is_not_overwritten(
    cluster: Cluster, name: str, race: Callable[..., Any]
) -> None:
    documents, theirs = made(cluster, name), within(document("v1", "Secret", "database", stringData={"a": "b"}), name)
    present(cluster, name, [namespace(name)])
    with pytest.raises(ReleaseError, match=rf'Secret {name}/database: .*"database" already exists'):
        race(lambda: cluster.create(theirs, manager="someone"), name, documents, **generated(name))
    assert list(live(cluster, theirs)["data"]) == ["a"]


def test_a_password_whose_answer_was_lost_is_ours(
    cluster: Cluster, proxied: Cluster, fault_proxy: FaultProxy, name: str
) -> None:
    documents = made(cluster, name)
    present(cluster, name, [namespace(name)])
    fault_proxy.faults.append(Fault("POST", r"/secrets\?(?!.*dryRun)", "lost-reply"))
    outcome = present(proxied, name, documents, **generated(name))
    assert names(outcome.created) == [f"Secret {name}/database"] and not fault_proxy.faults[0].times
    assert stored(cluster, name) == documents[1]["data"]["password"]
