"""What is found in pods, claims, controllers and revisions: recorded states, each with its cause and its patience."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait import claims, knative, pods, refusals
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.causes import (
    CAUSES,
    Finding,
    Patience,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.claims import Storage
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.events import Event, by_subject
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.mended import room_for
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.pods import Surroundings

HOPELESS, RECHECKED, LASTING = Patience.HOPELESS, Patience.RECHECKED, Patience.LASTING
PASSING, FINAL = Patience.PASSING, Patience.FINAL


def event(reason: str, message: str = "", last: str = "2026-01-01T00:00:10", container: str = "") -> Event:
    return Event(reason, message, last, True, f"spec.containers{{{container}}}" if container else "")


def pod(node: str = "n1", spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    placed = {"nodeName": node} if node else {}
    return {
        "metadata": {"namespace": "shop", "name": "web", "uid": "u"},
        "spec": {**placed, **(spec or {})},
        "status": status,
    }


def container(reason: str = "", message: str = "", ended: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}} if reason else {"running": {}}
    last = {"lastState": {"terminated": ended}} if ended else {}
    return {"name": "c", "image": "r.example/app:1", "ready": False, "state": state, **last, **more}


def causes(found: list[Finding]) -> list[tuple[str, Patience]]:
    return [(finding.cause, finding.patience) for finding in found]


def of_container(entry: dict[str, Any], *events: Event, words: str = "") -> Finding:
    (found,) = pods.findings(pod(containerStatuses=[entry]), Surroundings(list(events), pull_words={"c": words}))
    return found


def test_every_cause_has_advice_and_a_patience() -> None:
    assert all(cause.advice and isinstance(cause.patience, Patience) for cause in CAUSES.values())


def test_patience_in_seconds() -> None:
    assert HOPELESS.seconds(300) == 5.0 and FINAL.seconds(300) == 0.0 and PASSING.seconds(300) is None
    assert (LASTING.seconds(60), LASTING.seconds(300), LASTING.seconds(900)) == (60.0, 100.0, 300.0)


# --- containers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "message", "cause", "patience"),
    [
        ("CreateContainerConfigError", 'secret "db" not found', "object-missing", LASTING),
        ("CreateContainerConfigError", 'configmap "settings" not found', "object-missing", LASTING),
        ("CreateContainerConfigError", "couldn't find key url in Secret shop/db", "object-missing", LASTING),
        ("CreateContainerConfigError", "couldn't find key url in ConfigMap shop/x", "object-missing", LASTING),
        (
            "CreateContainerConfigError",
            "failed to sync secret cache: timed out waiting for the condition",
            "object-not-synced",
            PASSING,
        ),
        (
            "CreateContainerConfigError",
            'container has runAsNonRoot and image will run as root (pod: "web_shop(u)", container: c)',
            "cannot-start",
            HOPELESS,
        ),
        (
            "RunContainerError",
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
            'failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown',
            "cannot-start",
            HOPELESS,
        ),
        (
            "CreateContainerError",
            'failed to reserve container name "c_web_shop": name "c_web_shop" is reserved for "0123"',
            "runtime-busy",
            LASTING,
        ),
        ("CreateContainerError", "context deadline exceeded", "runtime-busy", LASTING),
    ],
)
def test_a_container_that_cannot_start(reason: str, message: str, cause: str, patience: Patience) -> None:
    found = of_container(container(reason, message))
    assert (found.cause, found.patience) == (cause, patience)
    assert message in found.what and "pod shop/web" in str(found)


def test_a_wrong_command_is_seen_through_its_back_off() -> None:
    message = 'failed to create containerd task: exec: "nope": executable file not found in $PATH: unknown'
    ended = {"exitCode": 128, "reason": "StartError", "message": message}
    found = of_container(container("CrashLoopBackOff", "back-off 10s restarting failed container", ended))
    assert found.cause == "cannot-start" and "executable file not found" in found.what


def test_restarts() -> None:
    ended = {"exitCode": 137, "reason": "OOMKilled"}
    found = of_container(container("CrashLoopBackOff", "back-off", ended, restartCount=4))
    assert "4 restarts, exit code 137 OOMKilled" in found.what and found.patience is FINAL
    assert found.log_of == ("shop", "web", "c")
    found = of_container(container("CrashLoopBackOff", "back-off", ended, restartCount=2))
    assert found.patience is PASSING
    first = {"name": "c", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    assert of_container(first).what == "container c has ended, exit code 3"


def test_init_containers_count() -> None:
    entry = container("ErrImagePull", "r.example/app:1: not found")
    (found,) = pods.findings(pod(initContainerStatuses=[entry]), Surroundings())
    assert found.cause == "image-refused"


def test_a_probe_that_never_succeeds_is_told_only() -> None:
    said = "Readiness probe failed: HTTP probe failed with statuscode: 500"
    found = of_container(container(), event("Unhealthy", said, container="c"))
    assert (found.cause, found.patience) == ("not-answering", PASSING) and said in found.what
    assert pods.findings(pod(containerStatuses=[container()]), Surroundings()) == []
    other = event("Unhealthy", said, container="sidecar")
    assert pods.findings(pod(containerStatuses=[container()]), Surroundings([other])) == []


def test_a_back_off_without_a_cause_remembers_it() -> None:
    entry = container("ImagePullBackOff", 'Back-off pulling image "r.example/app:1"')
    assert of_container(entry).cause == "image-unclear"
    found = of_container(entry, words="r.example/app:1: not found")
    assert found.cause == "image-refused" and "not found" in found.what


def test_a_pull_secret_that_is_not_there_is_named() -> None:
    said = "Unable to retrieve some image pull secrets (mine); attempting to pull the image may not succeed."
    entry = container("ErrImagePull", "unexpected status from HEAD request to https://r.example/v2/x: 401 Unauthorized")
    found = of_container(entry, event("FailedToRetrieveImagePullSecret", said))
    assert found.cause == "image-refused" and said in found.what


def test_pods_that_are_fine_or_going() -> None:
    bad = container("ErrImagePull", "not found")
    assert pods.findings(pod(phase="Succeeded", containerStatuses=[bad]), Surroundings()) == []
    going = pod(containerStatuses=[bad])
    going["metadata"]["deletionTimestamp"] = "now"
    assert pods.findings(going, Surroundings()) == []


# --- volumes ----------------------------------------------------------------------------------------------------

SETUP = 'MountVolume.SetUp failed for volume "v" : '
UNATTACHED = "Unable to attach or mount volumes: unmounted volumes=[v]: timed out waiting for the condition"
CREATING = container("ContainerCreating")


@pytest.mark.parametrize(
    ("events", "cause", "patience"),
    [
        ([event("FailedMount", SETUP + 'secret "tls" not found')], "object-missing", LASTING),
        ([event("FailedMount", SETUP + 'configmap "x" not found')], "object-missing", LASTING),
        ([event("FailedMount", SETUP + "references non-existent secret key: tls.key")], "object-missing", LASTING),
        (
            [event("FailedMount", UNATTACHED), event("FailedMount", SETUP + 'secret "x" not found')],
            "object-missing",
            LASTING,
        ),
        ([event("FailedMount", SETUP + "failed to sync secret cache: timed out")], "object-not-synced", PASSING),
        ([event("FailedMount", SETUP + 'object "shop"/"x" not registered')], "object-not-synced", PASSING),
        ([event("FailedMount", SETUP + "hostPath type check failed: /x is not a directory")], "mount-failed", LASTING),
        ([event("FailedAttachVolume", "Multi-Attach error for volume: already used")], "mount-failed", LASTING),
        ([event("FailedCreatePodSandBox", "plugin type=bridge failed: no IP addresses")], "sandbox-failed", LASTING),
    ],
)
def test_volumes_and_sandboxes(events: list[Event], cause: str, patience: Patience) -> None:
    found = pods.findings(pod(containerStatuses=[CREATING]), Surroundings(events))
    assert causes(found) == [(cause, patience)]


def test_an_old_event_about_a_volume_does_not_count_once_a_container_ran() -> None:
    events = [event("FailedMount", SETUP + 'secret "x" not found')]
    up = [{"type": "PodReadyToStartContainers", "status": "True"}]
    assert pods.findings(pod(containerStatuses=[CREATING], conditions=up), Surroundings(events)) == []
    assert pods.findings(pod(containerStatuses=[container()]), Surroundings(events)) == []


# --- scheduling -------------------------------------------------------------------------------------------------


def node(name: str = "n1", cpu: str = "2", taint: str = "") -> dict[str, Any]:
    taints = [{"key": taint, "effect": "NoSchedule"}] if taint else []
    return {
        "metadata": {"name": name},
        "spec": {"taints": taints},
        "status": {"allocatable": {"cpu": cpu, "memory": "4Gi"}},
    }


def unplaced(message: str, cpu: str = "1", reason: str = "Unschedulable", **spec: Any) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    wants = {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}], **spec}
    return pod(node="", spec=wants, phase="Pending", conditions=[condition])


def placement(message: str, cpu: str = "1", nodes: Any = None, **around: Any) -> tuple[str, Patience]:
    nodes = [node()] if nodes is None else nodes
    (found,) = pods.findings(unplaced(message, cpu), Surroundings(nodes=nodes, **around))
    assert message in found.what
    return found.cause, found.patience


PREEMPTION = ". preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
FULL = "0/1 nodes are available: 1 Insufficient cpu"
UNTOLERATED = "0/1 nodes are available: 1 node(s) had untolerated taint(s)"


@pytest.mark.parametrize(
    ("message", "cause", "patience"),
    [
        (FULL, "no-room", RECHECKED),
        ("0/1 nodes are available: 1 Too many pods", "no-room", RECHECKED),
        ("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector", "no-such-node", HOPELESS),
        ("0/1 nodes are available: 1 node(s) were unschedulable", "cordoned", PASSING),
        ("0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}", "tainted", RECHECKED),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }",
            "node-not-ready",
            PASSING,
        ),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unschedulable: }",
            "cordoned",
            PASSING,
        ),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.cilium.io/agent-not-ready: }",
            "node-not-ready",
            PASSING,
        ),
        (
            "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) had untolerated taint {a: b}",
            "cordoned",
            PASSING,
        ),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector",
            "no-room",
            RECHECKED,
        ),
        ("0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules", "not-beside-others", LASTING),
        (
            "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints",
            "not-beside-others",
            LASTING,
        ),
        ("0/1 nodes are available: 1 node(s) had volume node affinity conflict", "no-such-node", HOPELESS),
        ('persistentvolumeclaim "data" not found', "claim-missing", LASTING),
        ("0/1 nodes are available: 1 node(s) had a reason that nobody knows yet", "unschedulable", LASTING),
        ("no nodes available to schedule pods", "unschedulable", LASTING),
    ],
)
def test_the_scheduler_s_sentences(message: str, cause: str, patience: Patience) -> None:
    assert placement(message + PREEMPTION) == (cause, patience)


@pytest.mark.parametrize(
    ("taints", "cause"),
    [
        (["node.kubernetes.io/unschedulable"], "cordoned"),
        (["node.kubernetes.io/not-ready"], "node-not-ready"),
        (["dedicated"], "tainted"),
        (["dedicated", "node.kubernetes.io/unreachable"], "node-not-ready"),
    ],
)
def test_taints_that_the_sentence_does_not_name_are_read_from_the_nodes(taints: list[str], cause: str) -> None:
    nodes = [node(f"n{number}", taint=taint) for number, taint in enumerate(taints)]
    (found,) = pods.findings(unplaced(UNTOLERATED), Surroundings(nodes=nodes))
    assert found.cause == cause and any(taint in found.what for taint in taints)


def test_nodes_that_may_not_be_read_leave_it_open() -> None:
    assert pods.findings(unplaced(UNTOLERATED), Surroundings(nodes=None))[0].patience is LASTING
    assert pods.findings(unplaced(FULL), Surroundings(nodes=None))[0].cause == "no-room"


def test_a_request_that_no_node_could_ever_take() -> None:
    (found,) = pods.findings(unplaced(FULL, cpu="64"), Surroundings(nodes=[node(), node("n2", "3500m")], leaving=True))
    assert found.cause == "too-large" and "it asks for 64 cpu, and no node has more than 3500m" in found.what
    assert placement(FULL, cpu="1900m") == ("no-room", RECHECKED)


def test_a_full_node_with_a_pod_on_its_way_out() -> None:
    assert placement(FULL, leaving=True) == ("room-is-coming", PASSING)
    selector = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector"
    assert placement(selector, leaving=True) == ("no-such-node", HOPELESS)


def test_an_autoscaler_decides() -> None:
    adds, declines = (
        event("TriggeredScaleUp", "pod triggered scale-up: [{pool 1->2}]"),
        event("NotTriggerScaleUp", "no"),
    )
    assert placement(FULL, events=[adds]) == ("node-is-coming", PASSING)
    assert placement(FULL, cpu="64", events=[adds]) == ("node-is-coming", PASSING)
    assert placement(FULL, events=[declines]) == ("autoscaler-declined", HOPELESS)
    later = event("TriggeredScaleUp", "yes", "2026-01-01T00:00:20")
    assert placement(FULL, events=[declines, later]) == ("node-is-coming", PASSING)
    cordoned = "0/1 nodes are available: 1 node(s) were unschedulable"
    assert placement(cordoned, events=[declines]) == ("cordoned", PASSING)


def test_gates_and_absent_schedulers() -> None:
    assert pods.findings(unplaced("gated", reason="SchedulingGated"), Surroundings())[0].patience is PASSING
    alone = pod(node="", spec={"schedulerName": "mine"}, phase="Pending")
    (found,) = pods.findings(alone, Surroundings())
    assert found.patience is Patience.UNDERWAY and "the scheduler mine has not looked" in found.what


# --- claims -----------------------------------------------------------------------------------------------------


def storage_class(name: str, default: bool = False, provisioner: str = "disk.example") -> dict[str, Any]:
    annotations = {claims.DEFAULT_CLASS: "true"} if default else {}
    return {"metadata": {"name": name, "annotations": annotations}, "provisioner": provisioner}


def claim(phase: str = "Pending", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "data"}, "spec": spec, "status": {"phase": phase}}


FIRST = event("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
BROKEN = event("ProvisioningFailed", "failed to provision volume: quota of disks")
BY_HAND = storage_class("hand", provisioner=claims.NO_PROVISIONER)


@pytest.mark.parametrize(
    ("spec", "storage", "events", "cause", "patience"),
    [
        ({}, Storage([], []), [], "no-storage-class", HOPELESS),
        ({}, Storage([storage_class("x", default=True)], []), [], "claim-in-provision", PASSING),
        ({}, Storage(None, None), [], "claim-in-provision", PASSING),
        ({"storageClassName": "fast"}, Storage([], []), [], "storage-class-missing", HOPELESS),
        ({"storageClassName": "fast"}, Storage(None, None), [], "claim-in-provision", PASSING),
        ({"storageClassName": "fast"}, Storage([storage_class("fast")], []), [FIRST], "claim-in-provision", PASSING),
        ({"storageClassName": "fast"}, Storage([storage_class("fast")], []), [], "claim-in-provision", PASSING),
        ({"storageClassName": "fast"}, Storage([storage_class("fast")], []), [BROKEN], "provision-failed", LASTING),
        ({"storageClassName": "hand"}, Storage([BY_HAND], []), [FIRST], "claim-without-volume", LASTING),
        (
            {"storageClassName": "manual"},
            Storage([], [{"spec": {"storageClassName": "manual"}}]),
            [],
            "claim-without-volume",
            LASTING,
        ),
        ({"storageClassName": ""}, Storage([], []), [], "claim-without-volume", LASTING),
        ({"volumeName": "pv1"}, Storage([], []), [], "claim-without-volume", LASTING),
    ],
)
def test_claims(spec: dict, storage: Storage, events: list[Event], cause: str, patience: Patience) -> None:
    found = claims.unbound(claim(**spec), storage, events)
    assert found and (found.cause, found.patience) == (cause, patience)


def test_a_bound_claim_is_no_trouble() -> None:
    assert claims.unbound(claim("Bound"), Storage(), []) is None


def test_the_claim_decides_for_a_pod_that_waits_for_it() -> None:
    message = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    provisioning = Finding("claim-in-provision", "claim shop/data", "disk.example is making the volume")
    (found,) = pods.findings(unplaced(message), Surroundings(nodes=[node()], claims=[provisioning]))
    assert found.patience is PASSING and "claim shop/data: disk.example is making the volume" in found.what
    (found,) = pods.findings(unplaced(FULL), Surroundings(nodes=[node()], claims=[provisioning]))
    assert found.cause == "no-room"


# --- refused pods -----------------------------------------------------------------------------------------------

FORBIDDEN = 'pods "web-7d4b9c-" is forbidden: '


@pytest.mark.parametrize(
    ("message", "cause", "patience"),
    [
        (FORBIDDEN + "exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2", "over-quota", LASTING),
        (FORBIDDEN + "failed quota: q: must specify limits.cpu for: c", "quota-needs-requests", HOPELESS),
        (
            FORBIDDEN
            + 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must '
            "set securityContext.allowPrivilegeEscalation=false)",
            "pod-security",
            HOPELESS,
        ),
        (FORBIDDEN + "maximum memory usage per Container is 64Mi, but limit is 128Mi", "limit-range", HOPELESS),
        (FORBIDDEN + "[minimum cpu usage per Pod is 1, but request is 100m]", "limit-range", HOPELESS),
        (
            FORBIDDEN + "cpu max limit to request ratio per Container is 2, but provided ratio is 4.0",
            "limit-range",
            HOPELESS,
        ),
        ('admission webhook "policy.example.org" denied the request: no root', "webhook-denied", HOPELESS),
        (
            'Internal error occurred: failed calling webhook "x": failed to call webhook: Post "https://x.y.svc:443/m?'
            'timeout=10s": dial tcp 10.96.0.1:443: connect: connection refused',
            "webhook-away",
            PASSING,
        ),
        (
            'Internal error occurred: failed calling webhook "x": failed to call webhook: Post "https://x.y.svc/m": '
            'no endpoints available for service "x"',
            "webhook-away",
            PASSING,
        ),
        (
            'error looking up service account shop/web: serviceaccount "web" not found',
            "service-account-missing",
            LASTING,
        ),
        (FORBIDDEN + "no PriorityClass with name high was found", "pod-invalid", HOPELESS),
        ('Pod "web-0" is invalid: spec.containers[0].image: Required value', "pod-invalid", HOPELESS),
        (
            FORBIDDEN + "unable to create new content in namespace shop because it is being terminated",
            "namespace-terminating",
            HOPELESS,
        ),
        (FORBIDDEN + "something new", "pods-refused", LASTING),
    ],
)
def test_refused_pods(message: str, cause: str, patience: Patience) -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    owner = {
        "kind": "Deployment",
        "metadata": {"namespace": "shop", "name": "web"},
        "status": {"conditions": [condition]},
    }
    found = refusals.refused(owner, [], [])
    assert found and (found.cause, found.patience) == (cause, patience) and message in found.what


@pytest.mark.parametrize(
    ("kind", "spec", "status"),
    [
        ("StatefulSet", {"replicas": 2}, {"replicas": 0}),
        ("DaemonSet", {}, {"desiredNumberScheduled": 2, "currentNumberScheduled": 0}),
        ("Job", {}, {}),
        ("ReplicaSet", {"replicas": 1}, {"replicas": 0}),
    ],
)
def test_controllers_without_a_condition_tell_by_events(kind: str, spec: dict, status: dict) -> None:
    owner = {"kind": kind, "metadata": {"namespace": "shop", "name": "web"}, "spec": spec, "status": status}
    events = [event("FailedCreate", "create Pod web-0 failed error: exceeded quota: q")]
    found = refusals.refused(owner, [], events)
    assert found and found.cause == "over-quota" and f"{kind} shop/web" in str(found)
    younger = {"metadata": {"creationTimestamp": "2026-01-01T00:00:30Z"}}
    assert refusals.refused(owner, [younger], events) is None


@pytest.mark.parametrize(
    ("hard", "used", "room"),
    [
        ({"pods": "2", "limits.memory": "1Gi"}, {"pods": "2", "limits.memory": "0"}, False),
        ({"pods": "3", "limits.memory": "1Gi"}, {"pods": "2", "limits.memory": "512Mi"}, True),
        ({"pods": "3", "limits.memory": "1Gi"}, {"pods": "2", "limits.memory": "513Mi"}, False),
        ({"pods": "3"}, {"pods": "2"}, True),
    ],
)
def test_whether_a_quota_has_room_by_now(hard: dict, used: dict, room: bool) -> None:
    assert room_for("limits.memory=512Mi,pods=1", {"status": {"hard": hard, "used": used}}) is room


# --- Knative ----------------------------------------------------------------------------------------------------


def revision(reason: str, message: str, status: str = "False", kind: str = "ContainerHealthy") -> dict[str, Any]:
    conditions = [{"type": kind, "status": status, "reason": reason, "message": message}]
    return {
        "metadata": {"namespace": "shop", "name": "web-00001", "generation": 1},
        "status": {"observedGeneration": 1, "conditions": conditions},
    }


@pytest.mark.parametrize(
    ("reason", "message", "cause", "patience"),
    [
        (
            "ContainerMissing",
            'Unable to fetch image "r.example/app:1": failed to resolve image to digest: HEAD https://'
            "r.example/v2/app/manifests/1: unexpected status code 404 Not Found",
            "image-refused",
            HOPELESS,
        ),
        (
            "ContainerMissing",
            'Unable to fetch image "r.example/app:1": failed to resolve image to digest: Get "https://'
            'r.example/v2/": dial tcp: lookup r.example: no such host',
            "registry-away",
            PASSING,
        ),
        ("ErrImagePull", "r.example/app:1: not found", "image-refused", HOPELESS),
        ("ExitCode1", "Container failed with: boom", "ends-badly", PASSING),
        ("ProgressDeadlineExceeded", "Initial scale was never achieved", "revision-late", LASTING),
        ("FailedCreate", FORBIDDEN + "exceeded quota: q", "over-quota", LASTING),
        ("NotOwned", 'There is an existing Deployment "web" that we do not own.', "revision-failed", HOPELESS),
    ],
)
def test_revisions(reason: str, message: str, cause: str, patience: Patience) -> None:
    assert causes(knative.failed(revision(reason, message))) == [(cause, patience)]
    assert knative.failed(revision(reason, message, status="Unknown")) == []


def test_a_revision_whose_newest_change_was_not_seen_says_nothing() -> None:
    stale = revision("ContainerMissing", "not found")
    stale["metadata"]["generation"] = 2
    assert knative.failed(stale) == []


# --- events -----------------------------------------------------------------------------------------------------


def test_both_forms_of_events_the_newest_first() -> None:
    about = {"uid": "u", "fieldPath": "spec.containers{c}"}
    items = [
        {"involvedObject": about, "reason": "Old", "lastTimestamp": "2026-01-01T00:00:01Z", "type": "Warning"},
        {
            "regarding": about,
            "reason": "New",
            "eventTime": "2026-01-01T00:00:05.123456Z",
            "note": "n",
            "type": "Normal",
        },
        {"involvedObject": {}, "reason": "Nobody's"},
        {
            "involvedObject": about,
            "reason": "Series",
            "eventTime": "2026-01-01T00:00:00Z",
            "series": {"lastObservedTime": "2026-01-01T00:00:09.5Z"},
        },
    ]
    found = by_subject(items)["u"]
    assert [event.reason for event in found] == ["Series", "New", "Old"]
    assert found[1].container == "c" and not found[1].warning and found[2].warning


@pytest.mark.parametrize(("cause", "is_advised"), [("not-answering", False), ("revision-late", True)])
def test_what_may_pass_is_told_without_advice_at_first(cause: str, is_advised: bool) -> None:
    finding = Finding(cause, "pod shop/web-0", "not ready")
    assert (CAUSES[cause].advice in finding.in_short(with_advice=False)) is is_advised
    assert finding.in_short(with_advice=True) == str(finding)
