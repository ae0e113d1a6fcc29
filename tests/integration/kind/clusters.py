"""Clusters of kind without kubelets: nodes are privileged containers with kind's labels, and Node objects of them."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api_server import ApiServer

from ..conftest import until
from .tools import NODE_IMAGE

ROLES = ("control-plane", "worker")
NETWORK = "kind"
HEARTBEAT = 10  # seconds; a kubelet's own
KUBERNETES = "v1.36.0"


@dataclass(frozen=True)
class Docker:
    """The daemon that has the nodes, by the words that run its client."""

    client: tuple[str, ...]

    def __call__(self, *words: str, given: bytes | None = None) -> str:
        """Run the client, which must succeed, and return what it printed."""
        done = subprocess.run([*self.client, *words], input=given, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr.decode()}"
        return done.stdout.decode()

    def execs(self, since: float, until_then: float) -> list[tuple[str, str]]:
        """What was run in containers by exec meanwhile: name of the container and command, as the daemon tells it."""
        words = ("events", f"--since={since:.3f}", f"--until={until_then:.3f}", "--filter=type=container")
        events = [json.loads(line) for line in self(*words, "--format={{json .}}").splitlines()]
        return [
            (event["Actor"]["Attributes"]["name"], event["Action"].partition(": ")[2])
            for event in events
            if event["Action"].startswith("exec_create: ")
        ]


@dataclass(frozen=True)
class KindCluster:
    """A cluster by its name in kind: its containers, and its Node objects in an API server."""

    name: str
    docker: Docker
    server: ApiServer
    roles: tuple[str, ...] = ROLES
    engine: str = "docker"

    @property
    def nodes(self) -> list[str]:
        """The names that kind gives: of the containers, and of the Node objects."""
        return [f"{self.name}-{role}" for role in self.roles]

    @property
    def context(self) -> str:
        """The name that kind gives the context."""
        return f"kind-{self.name}"

    def start(self) -> None:
        """Start the containers as kind does, and make the Node objects."""
        for role, node in zip(self.roles, self.nodes, strict=True):
            self.docker("run", *self._arguments(role, node))
        self.await_containerd()
        self.register()

    def await_containerd(self) -> None:
        """Wait until every node's containerd answers."""
        for node in self.nodes:
            until(f"containerd on {node} answers", lambda node=node: self._answers(node), 60)

    def register(self) -> None:
        """Make the Node objects, as the kubelets would."""
        for role, node in zip(self.roles, self.nodes, strict=True):
            self.kubectl("create", "-f", "-", given=self._object(role, node))
            self.beat(node)

    def kubectl(self, *words: str, given: dict[str, Any] | None = None) -> str:
        """Run kubectl on the cluster, which must succeed."""
        command = [self.server.binaries["kubectl"], "--kubeconfig", self.server.kubeconfig, *words]
        text = json.dumps(given) if given else None
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def beat(self, node: str) -> None:
        """Have a Node say that it is Ready, as its kubelet would, and what it is."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
        }
        status = {
            "conditions": [{**ready, "lastHeartbeatTime": now}],
            "nodeInfo": {
                "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "6.1.0", "kubeProxyVersion": "",
                "osImage": "Debian GNU/Linux 12 (bookworm)", "operatingSystem": "linux", "architecture": "amd64",
                "containerRuntimeVersion": "containerd://2.4.2", "kubeletVersion": KUBERNETES,
            },
        }  # fmt: skip
        self.kubectl("patch", "node", node, "--subresource=status", f"--patch={json.dumps({'status': status})}")

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Have the Nodes say meanwhile that they are Ready."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT):
                for node in self.nodes:
                    # A busy machine may let one be late
                    with suppress(AssertionError, subprocess.TimeoutExpired):
                        self.beat(node)

        thread = threading.Thread(target=beat)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def on(self, node: str, *words: str) -> str:
        """Run a command on a node, and return what it printed."""
        return self.docker("exec", node, *words)

    def images(self, node: str) -> dict[str, str]:
        """The digests of the images in a node's containerd, by name."""
        lines = self.on(node, "ctr", "--namespace=k8s.io", "images", "ls").splitlines()[1:]
        return {words[0]: words[2] for words in map(str.split, lines)}

    def cri_images(self, node: str) -> dict[str, str]:
        """The IDs of the images that a node's kubelet would see, by tag."""
        listed = json.loads(self.on(node, "crictl", "images", "--output=json"))["images"]
        return {tag: image["id"] for image in listed for tag in image["repoTags"]}

    def settings(self, node: str) -> dict[str, str]:
        """The files below containerd's directory of registries on a node, by their names there."""
        certs = "/etc/containerd/certs.d"
        names = self.on(node, "sh", "-c", f"[ ! -d {certs} ] || find {certs} -type f").split()
        return {name.removeprefix(f"{certs}/"): self.on(node, "cat", name) for name in names}

    def restart(self, node: str, *change: str) -> None:
        """Change a node by a command, and have its containerd begin anew."""
        self.on(node, *change)
        self.docker("restart", node)
        self.await_containerd()

    def forget(self, *names: str) -> None:
        """Take images from the nodes: these, or all."""
        for node in self.nodes:
            there = [name for name in self.images(node) if not names or name in names]
            if there:
                self.on(node, "ctr", "--namespace=k8s.io", "images", "rm", "--sync", *there)

    def remove(self) -> None:
        """Take the containers and the Node objects away."""
        found = self.docker("ps", "--all", "--quiet", f"--filter=label=io.x-k8s.kind.cluster={self.name}").split()
        if found:
            self.docker("rm", "--force", "--volumes", *found)
        self.kubectl("delete", "nodes", "--all", "--wait=false")

    def _answers(self, node: str) -> bool:
        command = [*self.docker.client, "exec", node, "crictl", "version"]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0

    def _arguments(self, role: str, node: str) -> list[str]:
        """The words of `docker run` in kind (pkg/cluster/internal/providers/docker/provision.go), without its ports."""
        return [
            "--hostname", node, "--label", f"io.x-k8s.kind.role={role}", "--privileged",
            "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
            "--tmpfs", "/tmp", "--tmpfs", "/run", "--volume", "/var", "--volume", "/lib/modules:/lib/modules:ro",
            "-e", "KIND_EXPERIMENTAL_CONTAINERD_SNAPSHOTTER", "--detach", "--tty",
            "--label", f"io.x-k8s.kind.cluster={self.name}", "--net", NETWORK, "--restart=on-failure:1",
            "--init=false", "--cgroupns=private", "--name", node, NODE_IMAGE,
        ]  # fmt: skip

    def _object(self, role: str, node: str) -> dict[str, Any]:
        """A Node as a kubelet of kind makes it (the labels, --provider-id in its kubeadm configuration)."""
        roles = {"node-role.kubernetes.io/control-plane": ""} if role == "control-plane" else {}
        labels = {"kubernetes.io/hostname": node, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", **roles}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node, "labels": labels},
            "spec": {"providerID": f"kind://{self.engine}/{self.name}/{node}"},
        }
