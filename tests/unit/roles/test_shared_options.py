"""Options that several roles have, each flipped on a real API server: whose objects and values these are, and how long
is waited.

All roles run side by side in one play, on a host for each value.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).resolve().parent
PLUGINS = HERE.parent / "plugins"
SUPPORT = [PLUGINS / "module_utils" / part / "support" for part in ("images", "content")]
sys.path[:0] = [str(folder) for folder in (HERE / "support", PLUGINS / "support", *SUPPORT)]

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster  # noqa: E402
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import read_releases  # noqa: E402
from api_server import ApiServer, running_api_server  # noqa: E402
from layered_image import ARCHITECTURE, layer, push  # noqa: E402
from module_proxy import ModuleProxy, module_zip  # noqa: E402
from registry_process import RegistryProcess  # noqa: E402
from releases import config_map, deployment, document, namespace  # noqa: E402
from role_hosts import Ended, run_roles  # noqa: E402
from standing import drop_finalizers, stand, within  # noqa: E402

SOMEBODY = "somebody"


@dataclass(frozen=True)
class Case:
    """A release that stands, what somebody made of one of its objects, where that stands, and options of the role."""

    release: str
    stands: list[dict[str, Any]]
    changed: dict[str, Any]
    pointer: str
    options: dict[str, Any] = field(default_factory=dict)


def istioctl() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "bin")
    found = [path for path in cache.glob("istio-*/*/istioctl") if path.is_file()]
    assert found, "istioctl is needed and is not in the lab's cache; build it with: make lab"
    return max(found, key=lambda path: path.stat().st_mtime)


def pinned(file: Path, *documents: dict[str, Any]) -> dict[str, str]:
    """Content of an inventory: a file on the controller with its checksum."""
    file.write_text(yaml.safe_dump_all(documents))
    return {"path": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def labelled(name: str, level: str) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/warn": level}
    return {**namespace(name), "metadata": {"name": name, "labels": labels}}


def pull_secret(server: str) -> dict[str, Any]:
    stored = document("v1", "Secret", "registry", type="kubernetes.io/dockerconfigjson")
    config = base64.b64encode(json.dumps({"auths": {server: {}}}).encode()).decode()
    return {**within(stored, "home"), "data": {".dockerconfigjson": config}}


def puller(most: str) -> dict[str, Any]:
    """A part of the DaemonSet that has the kubelets pull: it is rolled on `most` nodes at a time."""
    one = within(deployment("image-prefetch-0"), "image-prefetch")
    labels = {"app": "image-prefetch", "part": "image-prefetch-0"}
    template = {**one["spec"]["template"], "metadata": {"labels": labels}}
    strategy = {"rollingUpdate": {"maxUnavailable": most}}
    spec = {"selector": {"matchLabels": labels}, "updateStrategy": strategy, "template": template}
    return {**one, "kind": "DaemonSet", "spec": spec}


def job(name: str, home: str) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "a.example/job:1"}]}
    return within(document("batch/v1", "Job", name, spec={"template": {"spec": pod}}), home)


def cases(folder: Path, pause: str, proxy: str) -> dict[str, Case]:
    """By role. `pause` is an image that can be had, `proxy` a module proxy with Istio's addons."""
    settings = within(config_map("settings", {"a": "1"}), "kube-system")
    server = within(deployment("metrics-server"), "kube-system")
    server["spec"]["template"]["spec"]["containers"][0] |= {"name": "metrics-server", "args": ["--secure-port=10250"]}
    domains = [
        within(config_map(f"config-{part}", {}), "knative-serving") for part in ("domain", "network", "deployment")
    ]
    knative = [namespace("knative-serving"), *domains]
    domain, mesh = ({**within(config_map(name, {key: ""}), home)} for name, key, home in (
        ("config-domain", "example.com", "knative-serving"), ("istio", "mesh", "istio-system"),
    ))  # fmt: skip

    prometheus = within(config_map("prometheus", {"prometheus.yml": ""}), "istio-system")

    def by_somebody(item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "data": dict.fromkeys(item["data"], "by somebody")}

    return {
        "metrics_server": Case(
            "metrics-server", [settings], by_somebody(settings), "/data",
            {"metrics_server_content": [pinned(folder / "metrics.yaml", settings, server)]},
        ),
        "istio": Case(
            "istio", [namespace("istio-system"), mesh], by_somebody(mesh), "/data/mesh",
            {"istio_istioctl": {"path": str(istioctl()), "version": "1.30.5"}, "istio_version": "1.30.5"},
        ),
        "knative": Case(
            "knative-serving", [namespace("knative-serving"), domain], by_somebody(domain), "/data",
            {
                "knative_serving_content": [pinned(folder / "knative.yaml", *knative)],
                "knative_serving_jobs_content": [pinned(folder / "jobs.yaml", job("migrate", "knative-serving"))],
                "knative_eventing": False,
            },
        ),
        "registry_secret": Case(
            "registry-secret", [namespace("home"), pull_secret("a.example")], pull_secret("b.example"), "/data",
            {
                "registry_secret_namespaces": ["home"],
                "serverless_registry": "registry.example",
                "serverless_registry_username": "puller",
                "serverless_registry_password": {"value": "only-for-tests"},
            },
        ),
        "todo": Case(
            "todo", [labelled("todo", "restricted")], labelled("todo", "baseline"), "/metadata/labels",
            {"todo_image": "a.example/app:1", "todo_variant": "kubernetes"},
        ),
        "observability": Case(
            "observability",
            [namespace("istio-system"), prometheus],
            by_somebody(prometheus),
            "/data",
            {
                "observability_state": "present",
                "serverless_content_places": ["go_module"],
                "serverless_go_proxy": proxy,
            },
        ),
        "image_prefetch": Case(
            "image-prefetch", [namespace("image-prefetch"), puller("100%")], puller("50%"), "/spec/updateStrategy",
            {
                "image_prefetch_components": [],
                "image_prefetch_delivery": "prepull",
                "image_prefetch_prepull_image": pause,
                "image_prefetch_lock": "",
                "serverless_images": {"registries": {pause.partition("/")[0]: {"plain_http": True}}},
            },
        ),
    }  # fmt: skip


# By role, an option that no other role has, so that each waits for another time; applying must come to its end before
SECONDS = {
    "metrics_server_wait_timeout": 21,
    "istio_wait_timeout": 45,  # its definitions alone take a busy machine some seconds
    "knative_wait_timeout": 22,
    "registry_secret_timeout": 23,
    "todo_wait_timeout": 8,  # before its claim without a class ends the wait
    "observability_wait_timeout": 25,
}
# What marks a component that is there already
THEIRS = {
    "metrics_server": within(deployment("metrics-server", replicas=0), "kube-system"),
    "istio": {**within(deployment("istiod"), "istio-system", labels={"app": "istiod"})},
    "knative": within(deployment("controller", replicas=0), "knative-serving"),
}
# A Deployment's selector cannot be changed in place, so that one is of the charts' form
THEIRS["istio"]["spec"]["selector"]["matchLabels"] = {"istio": "pilot"}
THEIRS["istio"]["spec"]["template"]["metadata"]["labels"] = {"istio": "pilot"}


class Stage:
    """A control plane with one node, and a registry with the image that keeps pods of image_prefetch."""

    def __init__(self, folder: Path, server: ApiServer, registry: RegistryProcess, proxy: str) -> None:
        self.folder, self.server = folder, server
        self.cluster = Cluster.connect("test", str(server.kubeconfig))
        pause = f"{registry.host}/pause"
        push(registry.host, "pause", "1", [layer({"pause": b"#!/bin/sh"})], ARCHITECTURE)
        self.pause = f"{pause}:1"
        self.cases = cases(folder, self.pause, proxy)
        info = {"architecture": ARCHITECTURE, "operatingSystem": "linux"}
        status = {
            "nodeInfo": {**info, "containerRuntimeVersion": "containerd://2.4.2"},
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        node = {**document("v1", "Node", "one"), "status": status}
        self.cluster.transport.call("POST", "/api/v1/nodes", body=node)

    def run(self, hosts: dict[str, dict[str, Any]], *arguments: str, tasks_from: str = "main") -> dict[str, Ended]:
        """Each host with the options of its role's case besides its own."""
        given = {host: {**self.cases[options["role"]].options, **options} for host, options in hosts.items()}
        return run_roles(self.folder, self.server.kubeconfig, given, *arguments, tasks_from=tasks_from)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    registry = RegistryProcess(folder / "registry")
    module_zip(read_releases().content["istio"]["1.30.5"]["addons"][0]["sources"][1]["go_module"])
    proxy = ModuleProxy()
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server:
        yield Stage(folder, server, registry, proxy.url)
    proxy.stop()
    registry.stop()


def test_what_somebody_else_has_installed_is_brought_to_ours_or_a_reason_to_stop(stage: Stage) -> None:
    """<role>_existing, where nothing of ours stands; what is there does not serve, so that `auto` stops, too."""
    hosts = {}
    for role, theirs in THEIRS.items():
        home = theirs["metadata"]["namespace"]
        if home != "kube-system":
            stage.cluster.apply(namespace(home), manager=SOMEBODY)
        stage.cluster.apply(theirs, manager=SOMEBODY)
        hosts |= {f"{role}-{how}": {"role": role, f"{role}_existing": how} for how in ("stop", "adopt")}
    try:
        ended = stage.run(hosts, "--check")
    finally:
        for theirs in THEIRS.values():
            home, name = theirs["metadata"]["namespace"], theirs["metadata"]["name"]
            stage.cluster.delete("apps/v1", "Deployment", name, home)
    for role in THEIRS:
        name = THEIRS[role]["metadata"]["name"]
        assert name in ended[f"{role}-stop"].fault and f"{role}_existing" in ended[f"{role}-stop"].fault
        release = stage.cases[role].release
        adopted = ended[f"{role}-adopt"]
        assert (adopted.fault, adopted.changed) == ("", 1), adopted.printed
        assert len(plans(adopted.printed, release)) == 1


def plans(printed: str, release: str) -> list[str]:
    """The plans of a release that were printed."""
    found = printed.split("plan of release ")[1:]
    return [text.partition("unchanged")[0] for text in found if text.startswith(f"'{release}', present")]


@pytest.fixture(scope="module")
def standing(stage: Stage) -> Stage:
    """All releases stand, and somebody has changed a value of each by hand."""
    for case in stage.cases.values():
        stand(stage.cluster, case.release, case.stands)
        stage.cluster.apply(case.changed, manager=SOMEBODY, force=True)
    return stage


def test_a_change_by_hand_stops_a_role_unless_an_option_says_whose_it_is(standing: Stage) -> None:
    """<role>_ignore_fields and <role>_force_conflicts, in plans of all roles that have them."""
    hosts = {}
    for role, case in standing.cases.items():
        match = {"kind": case.changed["kind"], "name": case.changed["metadata"]["name"]}
        left = [{"match": match, "pointers": [case.pointer]}]
        hosts[f"{role}-ignore"] = {"role": role, f"{role}_ignore_fields": left}
        hosts[f"{role}-force"] = {"role": role, f"{role}_force_conflicts": True}
    hosts["plain"] = {"role": "metrics_server"}
    hosts["gone"] = {"role": "metrics_server", "metrics_server_state": "absent"}
    ended = standing.run(hosts, "--check")
    assert (ended["gone"].fault, ended["gone"].changed) == ("", 1)
    assert "plan of release 'metrics-server', absent" in ended["gone"].printed
    assert "Apply what was rendered: the application, variant kubernetes" in ended["todo-force"].printed
    assert "metrics_server_ignore_fields" in ended["plain"].fault and SOMEBODY in ended["plain"].fault
    for role, case in standing.cases.items():
        ignored, forced = (ended[f"{role}-{how}"] for how in ("ignore", "force"))
        assert (ignored.fault, forced.fault) == ("", ""), forced.printed
        taken = sorted(f"takes {SOMEBODY}" in plan for plan in plans(forced.printed, case.release))
        assert taken == [False, True], f"of {role}, one plan leaves the value and one takes it"


def test_a_role_waits_as_long_as_its_option_says(standing: Stage) -> None:
    """No node runs the pods of this control plane, and a namespace of registry_secret is held while it is deleted."""
    held = within(config_map("held", {}), "home", finalizers=["example.org/hold"])
    standing.cluster.apply(held, manager=SOMEBODY)
    standing.cluster.delete("v1", "Namespace", "home")
    hosts: dict[str, dict[str, Any]] = {}
    for option, seconds in SECONDS.items():
        role = next(role for role in standing.cases if option.startswith(role))
        hosts[role] = {
            "role": role,
            option: seconds,
            f"{role}_force_conflicts": True,
            "serverless_upgrade_rollback": False,
        }
    try:
        ended = standing.run(hosts)
    finally:
        drop_finalizers(standing.cluster, held)
    for role, seconds in zip(hosts, SECONDS.values(), strict=True):
        assert f"after {seconds} s" in ended[role].fault, ended[role].printed
    assert "Job knative-serving/migrate" in ended["knative"].fault, "what an upgrade runs at its end is what is named"


def test_what_a_role_lacks_is_told_before_the_cluster_is_asked_for_more(stage: Stage) -> None:
    """Options that say what images and builds come from, each with a value that cannot be had, or that is kept out."""
    host = stage.pause.partition("/")[0]
    nowhere = f"{host}/nowhere:1"
    prefetch = {"role": "image_prefetch", "image_prefetch_delivery": "references"}
    wanted = {
        **prefetch,
        "image_prefetch_extra_images": [stage.pause],
        "image_prefetch_lock": str(stage.folder / "lock.yml"),
    }
    build = {
        "role": "todo",
        "todo_image": "",
        "todo_builder": "buildah",
        "todo_base_image": stage.pause,
        "serverless_registry": host,
        "serverless_images": {"registries": {host: {"plain_http": True}}},
    }
    hosts = {
        "checked": {**prefetch, "image_prefetch_check_only": [nowhere]},
        "locked": {**wanted, "image_prefetch_lock_update": "none"},
        "based": {**build, "todo_base_image": nowhere},
        "trusted": {**build, "todo_build_ca_file": str(stage.folder / "no-such-ca.crt")},
        "built": {**build, "todo_builder": "nerdctl"},
    }
    ended = stage.run(hosts, "--check")
    assert nowhere in ended["checked"].fault
    assert f"{stage.pause}: new" in ended["locked"].fault and "lock_update is none" in ended["locked"].fault
    assert nowhere in ended["based"].fault
    assert "no-such-ca.crt" in ended["trusted"].fault and "todo_build_ca_file" in ended["trusted"].fault
    assert "nerdctl" in ended["built"].fault


def documents(ended: Ended, file: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What a role has rendered, by kind and name."""
    found = yaml.safe_load_all((ended.work / file).read_text())
    return {(item["kind"], item["metadata"]["name"]): item for item in found if item}


def marking(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"match": {"kind": kind, "name": name}, "patch": {"metadata": {"labels": {"mine": "yes"}}}}]


def test_options_reach_the_manifests(stage: Stage) -> None:
    """Those that change what is rendered, each role plain and with all of them."""
    eventing = [namespace("knative-eventing"), within(config_map("config-features", {}), "knative-eventing")]
    jobs = {f"knative_{part}_jobs_content": [pinned(stage.folder / f"{part}.yaml", job("later", f"knative-{part}"))]
            for part in ("serving", "eventing")}  # fmt: skip
    knative = {
        "role": "knative",
        "knative_eventing": True,
        "knative_eventing_content": [pinned(stage.folder / "eventing-core.yaml", *eventing)],
        **jobs,
    }
    changed = {
        "metrics_server": {
            "metrics_server_kubelet_insecure_tls": True,
            "metrics_server_requests": {"cpu": "7m", "memory": "70Mi"},
            "metrics_server_overlays": marking("ConfigMap", "settings"),
        },
        "istio": {
            "istio_hub": "mirror.example/istio",
            "istio_tag": "1.30.5-distroless",
            "istio_size": "default",
            "istio_gateway_service_type": "ClusterIP",
            "istio_gateway_http_nodeport": 30099,
            "istio_values": {"pilot": {"env": {"MINE": "yes"}}},
            "istio_mesh_config": {"accessLogFile": "/dev/stdout"},
            "istio_overlays": marking("Service", "istiod"),
        },
        "knative": {
            "knative_domain": "apps.example",
            "knative_skip_tag_resolving": ["mirror.example"],
            "knative_config": {"network": {"domain-template": "{{ '{{.Name}}' }}.example"}},
            "knative_serving_overlays": marking("Namespace", "knative-serving"),
            "knative_eventing_overlays": marking("ConfigMap", "config-features"),
            "knative_jobs_overlays": marking("Job", "later"),
        },
    }
    hosts: dict[str, dict[str, Any]] = {}
    for role, options in changed.items():
        base = knative if role == "knative" else {"role": role}
        hosts |= {f"{role}-plain": base, f"{role}-changed": {**base, **options}}
    ended = stage.run(hosts, tasks_from="render")
    assert {host: one.fault for host, one in ended.items()} == dict.fromkeys(hosts, ""), ended["istio-plain"].printed

    def pair(role: str, kind: str, name: str, file: str = "") -> list[dict[str, Any]]:
        return [documents(ended[f"{role}-{how}"], file or f"{role}.yaml")[kind, name] for how in ("plain", "changed")]

    def are_marked(items: list[dict[str, Any]]) -> list[bool]:
        return [(item["metadata"].get("labels") or {}).get("mine") == "yes" for item in items]

    pods = [
        one["spec"]["template"]["spec"]["containers"][0]
        for one in pair("metrics_server", "Deployment", "metrics-server")
    ]
    assert [one["args"][1:] for one in pods] == [[], ["--kubelet-insecure-tls"]]
    assert [one["resources"]["requests"]["cpu"] for one in pods] == ["100m", "7m"]
    assert are_marked(pair("metrics_server", "ConfigMap", "settings")) == [False, True]

    pods = [one["spec"]["template"]["spec"]["containers"][0] for one in pair("istio", "Deployment", "istiod")]
    assert [one["image"] for one in pods] == [
        "docker.io/istio/pilot:1.30.5",
        "mirror.example/istio/pilot:1.30.5-distroless",
    ]
    assert [one["resources"]["requests"]["memory"] for one in pods] == ["100Mi", "2048Mi"]
    assert [{"name": "MINE", "value": "yes"} in one["env"] for one in pods] == [False, True]
    services = [one["spec"] for one in pair("istio", "Service", "istio-ingressgateway")]
    assert [one["type"] for one in services] == ["LoadBalancer", "ClusterIP"]
    ports = [{port["name"]: port.get("nodePort") for port in one["ports"]}["http2"] for one in services]
    assert ports == [None, 30099]
    meshes = [yaml.safe_load(one["data"]["mesh"]).get("accessLogFile") for one in pair("istio", "ConfigMap", "istio")]
    assert meshes == [None, "/dev/stdout"]
    assert are_marked(pair("istio", "Service", "istiod")) == [False, True]

    file = "knative_serving.yaml"
    assert [list(one["data"]) for one in pair("knative", "ConfigMap", "config-domain", file)] == [
        ["example.com"],
        ["apps.example"],
    ]
    skipped = [
        one["data"]["registries-skipping-tag-resolving"]
        for one in pair("knative", "ConfigMap", "config-deployment", file)
    ]
    assert ["mirror.example" in one.split(",") for one in skipped] == [False, True]
    templates = [one["data"].get("domain-template") for one in pair("knative", "ConfigMap", "config-network", file)]
    assert templates == [None, "{{.Name}}.example"]
    assert are_marked(pair("knative", "Namespace", "knative-serving", file)) == [False, True]
    assert are_marked(pair("knative", "ConfigMap", "config-features", "knative_eventing.yaml")) == [False, True]
    for part in ("serving", "eventing"):
        assert are_marked(pair("knative", "Job", "later", f"knative_{part}_jobs.yaml")) == [False, True]
