"""How the nodes of a cluster are reached: the choice, and the exact commands that follow from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.detection import (
    Delivery,
    choose_delivery,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.node import NodeError, Wanted
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config

DIGEST = "sha256:" + "a" * 64


def node(name: str, runtime: str = "containerd://2.1.0", provider: str = "", **labels: str) -> dict[str, Any]:
    """A Node object with what is looked at."""
    return {
        "metadata": {"name": name, "labels": {key.replace("__", "/"): value for key, value in labels.items()}},
        "spec": {"providerID": provider},
        "status": {"nodeInfo": {"containerRuntimeVersion": runtime}},
    }


KIND = [node("kind-control-plane", provider="kind://docker/kind/kind-control-plane"), node("kind-worker")]
K3D = [node("k3d-dev-server-0", "containerd://2.0.5-k3s1", provider="k3s://k3d-dev-server-0")]
MINIKUBE = [node("mini-m02", "docker://28.0.4", **{"minikube.k8s.io/name": "mini"})]
DESKTOP = [node("docker-desktop", "docker://28.0.4")]
OPENSHIFT = [node("worker-0", "cri-o://1.33.5", **{"node.openshift.io/os_id": "rhel"})]
OWN = [{"name": "n1", "exec": ["ssh", "n1"], "remote_shell": True}]


def choose(
    wanted: str, nodes: list[dict[str, Any]], configured: list[dict[str, Any]] | None = None, program: bool = True
) -> Delivery:
    return choose_delivery(wanted, configured or [], nodes, lambda name: program, "/home/u/.docker/certs.d")


@pytest.mark.parametrize(
    ("nodes", "way"),
    [
        (KIND, "kind"),
        (K3D, "k3d"),
        (MINIKUBE, "minikube"),
        (DESKTOP, "docker-desktop"),
        ([node("docker-desktop")], "references"),
        ([node("ip-10-0-0-1", provider="aws:///x/i-1")], "references"),
        ([], "references"),
        (OPENSHIFT, "mirror_sets"),
    ],
)
def test_the_way_follows_from_the_nodes(nodes: list[dict[str, Any]], way: str) -> None:
    found = choose("auto", nodes)
    assert (found.way, len(found.nodes)) == (way, 0 if way in ("references", "mirror_sets") else len(nodes))
    assert choose("auto", nodes, OWN).way == "nodes"


def test_without_the_program_the_references_alone_remain() -> None:
    assert choose("auto", KIND, program=False) == Delivery(
        "references", "the cluster is of kind, but there is no command docker here"
    )


KWOK = node("kwok-0", "", type="kwok")
WINDOWS = node("win", "containerd://2.1.0", kubernetes__io_os="windows")
WINDOWS["status"]["nodeInfo"]["operatingSystem"] = "windows"
DOWN = node("kind-worker2", provider="kind://docker/kind/kind-worker2")
DOWN["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
BARE = node("laptop", **{"minikube.k8s.io/name": "minikube"})


def test_nodes_that_take_no_commands_are_passed_over() -> None:
    for wanted in ("auto", "kind"):
        found = choose(wanted, [KWOK, *KIND, WINDOWS, DOWN])
        assert (found.way, [item["name"] for item in found.nodes]) == ("kind", ["kind-control-plane", "kind-worker"])
        assert found.passed_over == ("kind-worker2 (Linux, not Ready)", "kwok-0 (KWOK)", "win (Windows)")


def test_a_virtual_kubelet_with_an_architecture_does_not_stop_the_delivery() -> None:
    virtual = node("burst", "")
    virtual["status"]["nodeInfo"]["architecture"] = "amd64"
    virtual["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    found = choose("auto", [virtual, *KIND])
    assert (found.way, found.passed_over) == ("kind", ("burst (virtual kubelet)",))


@pytest.mark.parametrize("engine", ["docker", "podman", "nerdctl"])
def test_kind_by_the_program_that_made_its_nodes(engine: str) -> None:
    nodes = [node("a-worker", provider=f"kind://{engine}/a/a-worker")]
    found = choose_delivery("auto", [], nodes, lambda name: name == engine, "")
    assert found.nodes[0]["exec"] == [engine, "exec", "--interactive", "a-worker"]
    without = choose_delivery("auto", [], nodes, lambda name: name != engine, "")
    assert without.reason == f"the cluster is of kind, but there is no command {engine} here"


def test_k3d_by_podman_where_there_is_no_docker() -> None:
    found = choose_delivery("auto", [], K3D, lambda name: name == "podman", "")
    assert (found.way, found.nodes[0]["exec"][0]) == ("k3d", "podman")


def test_minikube_without_a_machine_has_a_hint() -> None:
    found = choose("auto", [BARE])
    assert found.way == "references" and "name in image_prefetch_nodes how a command is run there" in found.reason
    with pytest.raises(ImageError, match="the driver none.*image_prefetch_nodes"):
        choose("minikube", [BARE])


def test_a_name_alone_does_not_make_docker_desktop() -> None:
    found = choose("auto", [node("desktop-4f7k2qm", "docker://28.0.4", provider="k3s://desktop-4f7k2qm")])
    assert found.way == "references"


def test_the_way_can_be_set() -> None:
    assert choose("references", KIND, OWN) == Delivery("references", "image_prefetch_delivery says so")
    assert choose("prepull", KIND).nodes == ()
    assert choose("kind", [node("other")]).nodes[0]["exec"] == ["docker", "exec", "--interactive", "other"]
    assert choose("nodes", KIND, OWN).nodes == tuple(OWN)
    with pytest.raises(ImageError, match="image_prefetch_nodes is empty; name there how a command is run"):
        choose("nodes", KIND)
    with pytest.raises(ImageError, match="node odd has the runtime rkt://1, which is not known"):
        choose("kind", [node("odd", "rkt://1")])


# Stands in place of the programs that cannot run here; writes each word of its call on a line of its own.
RECORDER = '#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done >> "$CALLS"\n'


@pytest.mark.parametrize(
    ("way", "nodes", "words"),
    [
        (
            "kind",
            KIND[:1],
            ["exec", "--interactive", "kind-control-plane", "ctr", "--address", "/run/containerd/containerd.sock"]
            + ["--namespace", "k8s.io", "images", "pull", "--hosts-dir", "/etc/containerd/certs.d", "gcr.io/a:1"],
        ),
        (
            "k3d",
            K3D,
            ["exec", "--interactive", "k3d-dev-server-0", "k3s", "ctr"]
            + ["--address", "/run/k3s/containerd/containerd.sock", "--namespace", "k8s.io", "images", "pull"]
            + ["--hosts-dir", "/var/lib/rancher/k3s/agent/etc/containerd/certs.d", "gcr.io/a:1"],
        ),
        (
            "minikube",
            MINIKUBE,
            ["--profile", "mini", "ssh", "--node", "mini-m02", "--native-ssh=false", "--", "sudo"]
            + [f"docker pull --quiet m.io/gcr.io/a@{DIGEST}"]
            + ["--profile", "mini", "ssh", "--node", "mini-m02", "--native-ssh=false", "--", "sudo"]
            + [f"docker tag m.io/gcr.io/a@{DIGEST} gcr.io/a:1"],
        ),
        (
            "docker-desktop",
            DESKTOP,
            ["pull", "--quiet", f"m.io/gcr.io/a@{DIGEST}", "tag", f"m.io/gcr.io/a@{DIGEST}", "gcr.io/a:1"],
        ),
    ],
)
def test_the_exact_calls(
    way: str, nodes: list[dict[str, Any]], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("docker", "minikube"):
        (tmp_path / program).write_text(RECORDER)
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    reached = node_from_config(choose(way, nodes).nodes[0])
    reached.pull(Wanted("gcr.io/a:1", "m.io/gcr.io/a:1", DIGEST))
    assert (tmp_path / "calls").read_text().splitlines() == words


def test_a_node_that_is_written_wrongly() -> None:
    with pytest.raises(NodeError, match="runtime podman is none of containerd, k3s, docker, cri-o"):
        node_from_config({"name": "n", "exec": [], "runtime": "podman"})
    with pytest.raises(NodeError, match="certs_dir, config, docker, remote_shell may follow for docker; unknown: ctr"):
        node_from_config({"name": "n", "exec": [], "runtime": "docker", "ctr": ["ctr"]})
