"""Upgrades on a real API server: complete with their jobs, or back to exactly what stood before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError, ReleaseError, WaitError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.upgrade.going_back import ways_back
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.upgrade.settling import (
    Jobs,
    Settling,
    settle,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from releases import absent, config_map, definition, deployment, document, namespace, present, secret
from standing import inventory_of, live, within

Document = dict[str, Any]


def old(name: str) -> list[Document]:
    workload = deployment("app", replicas=1, image="example.org/app:1")
    # What charts write and the server does not store: it is ours to say all the same
    template = workload["spec"]["template"]["spec"]
    template["containers"][0]["env"] = [{"name": "EMPTY", "value": ""}]
    template["affinity"] = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": None}}
    settings = config_map("settings", {"queue-image": "queue:1", "same": "yes", "gone": "with 2"})
    settings["metadata"]["annotations"] = None
    return [
        namespace(name),
        settings,
        config_map("only-before", {"x": "1"}),
        workload,
        secret("keys", {"password": "canary"}),
        _definition(name, ["v1alpha1"]),
    ]


def new(name: str, ready: bool = True) -> list[Document]:
    workload = deployment("app", replicas=1, image="example.org/app:2")
    workload["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "NEW", "value": "1"}]
    return [
        namespace(name),
        config_map("settings", {"queue-image": "queue:2", "same": "yes", "phase": "open" if ready else "shut"}),
        config_map("only-after", {"x": "2"}),
        workload,
        secret("keys", {"password": "canary"}),
        _definition(name, ["v1alpha1", "v1"]),
    ]


def _definition(name: str, versions: list[str]) -> Document:
    """The CRD of Widgets with these versions, of which the last one is written."""
    item = definition(f"{name}.example", "Widget")
    [form] = item["spec"]["versions"]
    item["spec"]["versions"] = [{**form, "name": one, "storage": one == versions[-1]} for one in versions]
    return item


def ready_when_open(name: str) -> list[Target]:
    return [Target("v1", "ConfigMap", name, "settings", expression="data.phase == 'open'")]


def upgrade(cluster: Cluster, name: str, documents: list[Document], version: str) -> Any:
    return present(cluster, name, documents, version=version, upgrade=True)


def settled(cluster: Cluster, name: str, seconds: float = 20, **options: Any) -> list[str]:
    told: list[str] = []
    settling = Settling([name], seconds=seconds, **options)
    return settle(cluster, ready_when_open(name), settling, told.append)


def stored(cluster: Cluster, name: str) -> dict[str, Any]:
    """What every object of the test is, without what changes by itself."""
    found = {}
    for item in [*old(name), *new(name)]:
        there = live(cluster, item if item["kind"] in ("Namespace", "CustomResourceDefinition") else within(item, name))
        if there:
            metadata = {key: value for key, value in there["metadata"].items() if key in ("labels", "annotations")}
            metadata.get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
            metadata = {key: value for key, value in metadata.items() if value}
            content = {key: value for key, value in there.items() if key not in ("metadata", "status")}
            found[f"{item['kind']} {item['metadata']['name']}"] = {**content, "metadata": metadata}
    return found


def kept(cluster: Cluster, name: str) -> Document | None:
    return cluster.get("v1", "ConfigMap", f"former-{name}", "kube-system")


def test_a_first_installation_is_no_upgrade(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, new(name), "1.1.0")
    assert settled(cluster, name) == []
    assert inventory_of(cluster, name).former == "" and kept(cluster, name) is None


def test_an_upgrade_is_complete_when_it_is_ready(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, old(name), "1.1.0")
    upgrade(cluster, name, new(name), "1.2.0")
    inventory = inventory_of(cluster, name)
    assert (inventory.version, inventory.former, inventory.before) == ("1.2.0", "1.1.0", "1.1.0")
    assert "canary" not in str(kept(cluster, name)), "no value of a secret is kept elsewhere"
    assert settled(cluster, name) == [f"{name} is upgraded from 1.1.0 to 1.2.0"]
    assert inventory_of(cluster, name).before == "" and kept(cluster, name) is None
    assert not upgrade(cluster, name, new(name), "1.2.0").changed
    assert settled(cluster, name) == []


def test_an_upgrade_that_does_not_get_ready_goes_back_to_exactly_what_was(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, old(name), "1.1.0")
    before = stored(cluster, name)
    upgrade(cluster, name, new(name, ready=False), "1.2.0")
    assert stored(cluster, name) != before
    with pytest.raises(ReleaseError) as failed, _rollouts(cluster, name):
        settled(cluster, name, seconds=10)
    said = str(failed.value)
    assert f"ConfigMap {name}/settings" in said and "is False" in said, "why"
    assert f"The upgrade was taken back ({name} from 1.2.0 to 1.1.0), and what stood before is ready again" in said
    # The Widgets' CRD was written in a newer version: the server would refuse to forget it
    assert f"widgets.{name}.example, in which objects are stored as v1 by now" in said
    after = stored(cluster, name)
    crd = f"CustomResourceDefinition widgets.{name}.example"
    assert {key: value for key, value in after.items() if key != crd} == {
        key: value for key, value in before.items() if key != crd
    }
    inventory = inventory_of(cluster, name)
    assert (inventory.version, inventory.before) == ("1.1.0", "") and kept(cluster, name) is None
    # What goes on with the release of before finds it in order, but for the definition
    outcome = upgrade(cluster, name, [*old(name)[:-1], new(name)[-1]], "1.1.0")
    assert not outcome.changed, outcome.configured


def test_what_does_not_go_back_is_told_before(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, old(name), "1.1.0")
    outcome = present(cluster, name, new(name), check_mode=True, version="1.2.0", upgrade=True)
    [told] = [warning for warning in outcome.warnings if "goes back to" in warning]
    assert (
        f"where 1.2.0 does not get ready, it goes back to 1.1.0, all but this: CustomResourceDefinition widgets.{name}"
        in told
    )
    assert "writes its objects as v1, which 1.1.0 does not know" in told


def test_without_rollback_it_stays_and_the_next_run_goes_on_or_back(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, old(name), "1.1.0")
    upgrade(cluster, name, new(name, ready=False), "1.2.0")
    with pytest.raises(ReleaseError, match="is not taken back .*serverless_upgrade_rollback is false"):
        settled(cluster, name, seconds=2, rollback=False)
    assert inventory_of(cluster, name).before == "1.1.0" and kept(cluster, name)
    # On: another run of the same version is not a new upgrade, and its kept documents are still those of 1.1.0
    upgrade(cluster, name, new(name), "1.2.0")
    assert settled(cluster, name) == [f"{name} is upgraded from 1.1.0 to 1.2.0"]
    # Back, by the documents of before
    upgrade(cluster, name, new(name, ready=False), "1.3.0")
    upgrade(cluster, name, new(name), "1.2.0")
    assert inventory_of(cluster, name).before == "" and kept(cluster, name) is None
    assert settled(cluster, name) == []


def test_a_wait_without_an_upgrade_fails_as_before(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, new(name, ready=False), "1.2.0")
    with pytest.raises(WaitError, match="not fulfilled after 2 s"):
        settled(cluster, name, seconds=2)


def test_a_removal_takes_along_what_was_kept(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, old(name), "1.1.0")
    upgrade(cluster, name, new(name, ready=False), "1.2.0")
    assert kept(cluster, name)
    absent(cluster, name)
    assert kept(cluster, name) is None and inventory_of(cluster, name) is None


def test_releases_of_one_upgrade_go_back_together(cluster: Cluster, name: str) -> None:
    second = f"{name}-b"
    upgrade(cluster, name, old(name), "1.1.0")
    upgrade(cluster, second, [namespace(second), config_map("b", {"x": "1"})], "2.1.0")
    upgrade(cluster, name, new(name, ready=False), "1.2.0")
    upgrade(cluster, second, [namespace(second), config_map("b", {"x": "2"})], "2.2.0")
    ways = ways_back(cluster, [name, second, "never-there"], "kube-system", Deadline(10))
    assert [str(way) for way in ways] == [f"{second} from 2.2.0 to 2.1.0", f"{name} from 1.2.0 to 1.1.0"]
    with pytest.raises(ReleaseError, match="taken back"), _rollouts(cluster, name):
        settle(cluster, ready_when_open(name), Settling([name, second], seconds=6), lambda line: None)
    assert cluster.get("v1", "ConfigMap", "b", second)["data"] == {"x": "1"}
    assert cluster.get("v1", "ConfigMap", "settings", name)["data"]["queue-image"] == "queue:1"


def job(*args: str) -> Document:
    """As Knative releases them: of a generated name."""
    container = {"name": "migrate", "image": "example.org/migrate:1", "args": list(args)}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    item = document("batch/v1", "Job", "", spec={"backoffLimit": 0, "template": template})
    item["metadata"] = {"generateName": "migration-"}
    return item


def within_generated(item: Document, name: str) -> Document:
    return {**item, "metadata": {**item["metadata"], "namespace": name}}


def test_the_jobs_of_an_upgrade_run_once_after_it_is_ready(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, old(name), "1.1.0")
    assert settled_with_jobs(cluster, name, "1.1.0") == [], "none after a first installation"
    upgrade(cluster, name, new(name), "1.2.0")
    with _pods_end(cluster, name, "Succeeded") as ended:
        done = settled_with_jobs(cluster, name, "1.2.0")
    assert done[0].startswith("migration-1.2.0 ended well in ")
    assert done[1] == f"{name} is upgraded from 1.1.0 to 1.2.0"
    assert len(ended) == 1
    assert cluster.list("batch/v1", "Job", name) == [], "nothing of them is left"
    assert inventory_of(cluster, f"{name}-jobs") is None
    assert settled_with_jobs(cluster, name, "1.2.0") == []


def test_a_job_that_fails_is_told_and_tried_again(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, old(name), "1.1.0")
    upgrade(cluster, name, new(name), "1.2.0")
    with _pods_end(cluster, name, "Failed"), pytest.raises(ReleaseError) as failed:
        settled_with_jobs(cluster, name, "1.2.0")
    said = str(failed.value)
    assert f"'{name}' 1.2.0 is ready, and a job that belongs to its upgrade did not end well" in said
    assert "the job failed" in said and "Nothing is taken back" in said
    assert inventory_of(cluster, name).before == "1.1.0"
    upgrade(cluster, name, new(name), "1.2.0")
    with _pods_end(cluster, name, "Succeeded"):
        assert settled_with_jobs(cluster, name, "1.2.0")[-1] == f"{name} is upgraded from 1.1.0 to 1.2.0"


def test_a_migration_that_is_due_runs_without_an_upgrade(cluster: Cluster, name: str) -> None:
    crd = f"widgets.{name}.example"
    upgrade(cluster, name, new(name), "1.2.0")
    assert settled_with_jobs(cluster, name, "1.2.0", "other.example", unmigrated=(crd,)) == [], "no job is for it"
    with _pods_end(cluster, name, "Succeeded"):
        done = settled_with_jobs(cluster, name, "1.2.0", crd, unmigrated=(crd,))
    assert len(done) == 1 and done[0].startswith("migration-1.2.0 ended well")


def settled_with_jobs(
    cluster: Cluster, name: str, version: str, *args: str, unmigrated: tuple[str, ...] = ()
) -> list[str]:
    of_release = Jobs(name, version, [within_generated(job(*args), name)], unmigrated)
    return settle(cluster, [], Settling([name], [of_release], seconds=30), lambda line: None)


@contextmanager
def _meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Does something again and again at the side of a test."""
    end = threading.Event()

    def loop() -> None:
        while not end.wait(0.2):
            with suppress(ApiError):  # a pod that is gone by now; the others come with the next turn
                work()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join(10)


@contextmanager
def _pods_end(cluster: Cluster, name: str, phase: str) -> Iterator[list[str]]:
    """What a kubelet says of pods that run to their end: the job controller itself judges the jobs."""
    ended: list[str] = []

    def end_them() -> None:
        for pod in cluster.list("v1", "Pod", name, "job-name"):
            if (pod.get("status") or {}).get("phase") == "Pending":
                _patch_status(cluster, pod, {"phase": phase})
                ended.append(pod["metadata"]["name"])

    with _meanwhile(end_them):
        yield ended


@contextmanager
def _rollouts(cluster: Cluster, name: str) -> Iterator[None]:
    """What a kubelet says of pods that are ready: the controllers themselves count them."""

    def ready() -> None:
        for pod in cluster.list("v1", "Pod", name):
            if (pod.get("status") or {}).get("phase") == "Pending":
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                condition = {"type": "Ready", "status": "True", "lastTransitionTime": now}
                _patch_status(cluster, pod, {"phase": "Running", "conditions": [condition]})

    with _meanwhile(ready):
        yield


def _patch_status(cluster: Cluster, pod: Document, status: Document) -> None:
    metadata = pod["metadata"]
    path = cluster.resource("v1", "Pod").path(metadata["namespace"], metadata["name"]) + "/status"
    cluster.transport.call("PATCH", path, body={"status": status}, content_type="application/merge-patch+json")


def test_a_removal_takes_along_the_jobs_of_a_run_that_broke_off(cluster: Cluster, name: str) -> None:
    upgrade(cluster, name, new(name), "1.2.0")
    named = Jobs(name, "1.2.0", [within_generated(job(), name)]).named()
    present(cluster, f"{name}-jobs", named, version="1.2.0")
    assert [item["metadata"]["name"] for item in cluster.list("batch/v1", "Job", name)] == ["migration-1.2.0"]
    plan = absent(cluster, name)
    assert plan.release == name
    assert inventory_of(cluster, f"{name}-jobs") is None and inventory_of(cluster, name) is None
    assert cluster.get("v1", "Namespace", name) is None
