"""Journals as runs of ansible-playbook leave them, written with the journal's own code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import Now, Software, build
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.journal import (
    BEGIN,
    END,
    PLAY,
    Journal,
    read_journals,
)

BEGAN = 1_790_000_000.0  # seconds since 1970
ZERO = 5000.0  # the journal's clock at the begin
SOFTWARE = Software("1.0.0", "2.19.14", "3.11.2")


class Host:
    """Notes the run of one host; `step` adds one action after the other, from `start` for so many seconds."""

    def __init__(self, directory: Path, name: str = "lab", **head: Any) -> None:
        self.journal = Journal(directory, name)
        self.steps = 0
        first = {"event": PLAY, "at": ZERO, "wall": BEGAN, "host": name, "play": "Make a platform", "check": False}
        self.journal.append({**first, "strategy": "linear", "directory": "", **head})

    def begin(self, start: float, name: str = "Apply it", **more: Any) -> str:
        self.steps += 1
        step = f"1-{self.steps}"
        role = more.pop("role", "istio")
        known = {"name": name, "role": role, "within": role, "action": "release", "task": name}
        self.journal.append({"event": BEGIN, "at": ZERO + start, "step": step, **known, **more})
        return step

    def end(self, step: str, end: float, outcome: str = "ok", **more: Any) -> None:
        self.journal.append({"event": END, "at": ZERO + end, "step": step, "outcome": outcome, **more})

    def step(self, start: float, seconds: float, name: str = "Apply it", outcome: str = "ok", **more: Any) -> None:
        ending = {key: more.pop(key) for key in ("error", "warnings", "waited", "notes") if key in more}
        self.end(self.begin(start, name, **more), start + seconds, outcome, **ending)


def report(directory: Path, now: float = 100.0, over: bool = True) -> dict[str, Any]:
    """The document of all journals in a folder, `now` seconds after the begin."""
    return build(read_journals(directory), SOFTWARE, Now(BEGAN + now, ZERO + now), over)


def site(**parts: Any) -> dict[str, Any]:
    """What the action site_report notes."""
    known = {
        "directory": "",
        "context": "lab",
        "cluster": {"version": "v1.36.3", "kind": "kubernetes", "nodes": 1},
        "releases": [{"name": "istio", "version": "1.30.5", "objects": 39}],
        "images": [],
        "addresses": {
            "gateway": "127.0.0.1:30080",
            "hosts": ["web.todo.example.com"],
            "at_nodes": [],
            "urls": ["http://web.todo.example.com:30080/"],
            "how": ["curl -H 'Host: web.todo.example.com' http://127.0.0.1:30080/"],
        },
        "facts": [],
        "commands": {"verify": ["ansible-playbook playbooks/verify.yml"], "remove": ["ansible-playbook remove.yml"]},
    }
    return {"site": {**known, **parts}}


def change(release: str = "istio", **counts: int) -> dict[str, Any]:
    """What a release notes of its plan: so many steps of each action."""
    names = {"given_back": "give back"}
    return {
        "release": release,
        "version": "1.30.5",
        "left": False,
        "counts": {names.get(action, action): number for action, number in counts.items()},
        "objects": [{"action": "create", "object": "Deployment istio-system/istiod", "reason": "it is not there"}],
        "more": 0,
    }


def planned(image: str, place: str, digest: str = "sha256:" + "a" * 64, size: int = 42_000_000) -> dict[str, Any]:
    """A row of an image plan."""
    found = f"{place}/{image.partition('/')[2]}"
    row = {"image": image, "delivered": image, "from": found, "rule": f"mirror {place}", "check_only": False}
    return {**row, "digest": digest, "size": size}


# A site's steps: name, role, seconds, whether it only waits
SITE_STEPS = (
    ("Check the inventory and reach the cluster", "preflight", 0.4, False),
    ("Choose the releases", "", 0.1, False),
    ("Look whether the registry's password can be had", "registry_secret", 0.02, False),
    ("Look for the application's image, or for what it is built of", "todo", 0.6, False),
    ("Render the manifests of metrics-server", "metrics_server", 0.3, False),
    ("Render the manifests of Istio", "istio", 3.9, False),
    ("Render the manifests of Knative", "knative", 1.2, False),
    ("Ask for every image", "image_prefetch", 4.1, False),
    ("Deliver the images to the nodes", "image_prefetch", 58.0, False),
    ("Apply the secret", "registry_secret", 0.4, False),
    ("Apply metrics-server", "metrics_server", 0.9, False),
    ("Wait until metrics-server answers for its API, and complete an upgrade or go back", "metrics_server", 21.0, True),
    ("Wait until every node has its figures", "metrics_server", 0.3, True),
    ("Apply Istio", "istio", 4.2, False),
    ("Wait until the control plane, the injector and the gateway are ready", "istio", 17.0, True),
    ("Apply Knative Serving", "knative", 9.1, False),
    ("Apply Knative Eventing", "knative", 7.7, False),
    ("Wait until Knative is ready, and complete its upgrade or go back", "knative", 34.0, True),
    ("Build and push the application", "todo", 12.0, False),
    ("Apply the to-do application", "todo", 2.2, False),
    ("Wait until it answers", "todo", 28.0, True),
)
REGISTRY = "mirror.registry.example:5000"
IMAGES = (
    "docker.io/istio/pilot:1.30.5",
    "docker.io/istio/proxyv2:1.30.5",
    "gcr.io/knative-releases/knative.dev/serving/cmd/activator@sha256:" + "4f" * 32,
    "gcr.io/knative-releases/knative.dev/eventing/cmd/in_memory/channel_dispatcher@sha256:" + "7b" * 32,
    "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
)


def site_run(directory: Path, name: str = "lab", pace: float = 1.0, fails: bool = False, **head: Any) -> None:
    """The run of a whole site on one host, `pace` times as long as it mostly takes; or one that fails at Knative."""
    host, at = Host(directory, name, play="Turn every context into a serverless platform", **head), 0.0
    cluster = {"version": "v1.36.3", "kind": "kubernetes", "nodes": 3}
    versions = {"istio": "1.30.5", "knative_serving": "1.22.1", "knative_eventing": "1.22.2", "metrics_server": "0.9.0"}
    told: dict[str, dict[str, Any]] = {
        "Check the inventory and reach the cluster": {"context": name, "cluster": cluster},
        "Choose the releases": {"release_set": {"name": "knative-1.22", "versions": versions, "upgrades": {}}},
        "Ask for every image": {"images": {"rows": [planned(image, REGISTRY) for image in IMAGES]}},
        "Apply metrics-server": {"changes": [change("metrics-server", create=9)]},
        "Apply Istio": {"changes": [change("istio", create=38, adopt=1, keep=4)]},
        "Apply Knative Serving": {"changes": [change("knative-serving", create=71, change=2, delete=1)]},
        "Apply Knative Eventing": {"changes": [change("knative-eventing", create=64)]},
        "Apply the to-do application": {"changes": [change("todo", create=21, given_back=1)]},
    }
    doubt = ["node lab: its containerd does not read the mirrors of registry.k8s.io", "Set config_path in config.toml."]
    for task, role, seconds, waits in SITE_STEPS:
        within = "image_prefetch" if task.startswith("Render") else role
        more: dict[str, Any] = {
            "within": within,
            "waited": seconds * pace if waits else 0.0,
            "notes": told.get(task, {}),
        }
        if task == "Deliver the images to the nodes":
            more["warnings"] = [doubt]
        if fails and task.startswith("Wait until Knative"):
            why = (
                f"context '{name}': Deployment knative-serving/activator cannot come true: container activator: "
                "the image cannot be pulled: not found\nIt is named in the manifests of Knative Serving 1.22.1."
            )
            host.step(at, seconds * pace, task, "failed", role=role, **more, error=why)
            return
        host.step(at, seconds * pace, task, "changed" if "Apply" in task else "ok", role=role, **more)
        at += seconds * pace + 0.03
    running = [
        {"image": image, "from": f"mirror {REGISTRY}", "observed": False, "digest": "", "size": None}
        for image in IMAGES
    ]
    running[0] |= {"from": REGISTRY, "observed": True}
    facts = [
        {"name": "nodes", "ok": True, "text": "3 of 3 nodes are Ready", "figures": {"ready": 3}},
        {"name": "gateway", "ok": True, "text": "http://127.0.0.1:30080 answers", "figures": {"ms": 4.2}},
        {
            "name": "event",
            "ok": False,
            "text": "no event came back within 10 s",
            "figures": {"seconds": 10},
            "cause": "Deployment knative-eventing/imc-dispatcher has no ready pod",
            "remedy": "See why with: kubectl -n knative-eventing describe pod -l messaging.knative.dev/role=dispatcher",
        },
        {"name": "topology", "ok": None, "text": "Kiali is not installed"},
    ]
    releases = [
        {"name": release, "version": "1.22.1", "objects": 71} for release in ("istio", "knative-serving", "todo")
    ]
    arn = f"arn:aws:eks:eu-west-1:1:cluster/{name}"
    site_notes = site(context=arn, cluster=cluster, images=running, facts=facts, releases=releases)
    host.step(at, 0.5, "Report what stands on the cluster", role="report", notes=site_notes)
