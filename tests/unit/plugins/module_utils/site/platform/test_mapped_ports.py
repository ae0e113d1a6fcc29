"""Ports of containers that are nodes, told by a program that answers as docker does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform import mapped_ports as module
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.mapped_ports import (
    containers_of,
    mapped_ports,
)


def node(name: str, provider: str = "", **labels: str) -> dict[str, Any]:
    info = {"osImage": "K3s v1.36.1+k3s1"} if provider.startswith("k3s") else {}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"providerID": provider},
        "status": {"nodeInfo": info, "conditions": [{"type": "Ready", "status": "True"}]},
    }


KIND = [
    node("kind-control-plane", "kind://docker/kind/kind-control-plane"),
    node("w", "kind://docker/kind/kind-worker"),
]
K3D = [node("k3d-dev-server-0", "k3s://a"), node("k3d-dev-agent-0", "k3s://b")]
MINIKUBE = [{**node("minikube"), "metadata": {"name": "minikube", "labels": {"minikube.k8s.io/name": "minikube"}}}]


@pytest.fixture
def docker(tmp_path: Path) -> Callable[..., Callable[[str], str | None]]:
    """Make the program: it prints a container's lines, or fails for one that it does not have."""

    def made(**ports: str) -> Callable[[str], str | None]:
        cases = "\n".join(f"{name.replace('_', '-')}) printf '{lines}' ;;" for name, lines in ports.items())
        path = tmp_path / "docker"
        path.write_text(f'#!/bin/sh\n[ "$1" = port ] || exit 2\ncase "$2" in\n{cases}\n*) exit 1 ;;\nesac\n')
        path.chmod(0o755)
        return lambda name: str(path) if name == "docker" else None

    return made


def test_a_mapping_of_kind(docker: Callable[..., Any]) -> None:
    program = docker(
        kind_control_plane="6443/tcp -> 127.0.0.1:40001\\n30080/tcp -> 0.0.0.0:8080\\n30080/tcp -> [::]:8080\\n",
        kind_worker="30080/tcp -> 192.0.2.1:9090\\n",
    )
    assert mapped_ports(KIND, [30080], program) == ["127.0.0.1:8080", "192.0.2.1:9090"]
    assert mapped_ports(KIND, [30081], program) == []


def test_the_proxy_of_k3d_comes_before_its_nodes(docker: Callable[..., Any]) -> None:
    assert [name for _engine, name in containers_of(K3D)] == ["k3d-dev-serverlb", "k3d-dev-server-0", "k3d-dev-agent-0"]
    program = docker(k3d_dev_serverlb="80/tcp -> 0.0.0.0:8081\\n", k3d_dev_agent_0="30080/tcp -> [fd00::1]:30080\\n")
    assert mapped_ports(K3D, [30080, 80], program) == ["[fd00::1]:30080", "127.0.0.1:8081"]


def test_minikube_in_a_container_or_not(docker: Callable[..., Any]) -> None:
    assert mapped_ports(MINIKUBE, [30080], docker(minikube="30080/tcp -> 127.0.0.1:32768\\n")) == ["127.0.0.1:32768"]
    assert mapped_ports(MINIKUBE, [30080], docker(other="")) == [], "a machine of another driver is no container"


def test_without_the_program_it_is_said_which() -> None:
    with pytest.raises(OSError, match="there is no command docker here"):
        mapped_ports(KIND, [80], lambda _name: None)
    with pytest.raises(OSError, match="there is no command docker or podman here"):
        mapped_ports(K3D, [80], lambda _name: None)


def test_one_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path := tmp_path / "docker").write_text("#!/bin/sh\nexec sleep 30\n")
    path.chmod(0o755)
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    with pytest.raises(OSError, match="does not answer"):
        mapped_ports(KIND, [80], lambda _name: str(path))
