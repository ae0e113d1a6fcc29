"""A user of the collection: an inventory made from a sample, an empty home folder, a network that is closed."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .closed_network import ClosedNetwork, environment

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Done:
    """A run that has ended: its exit code, what it printed, its seconds, and which hosts it reached for how often."""

    code: int
    output: str
    seconds: float
    reached: Mapping[str, int]

    def lines(self, text: str) -> list[str]:
        """The lines with a text in them."""
        return [line.strip() for line in self.output.splitlines() if text in line]

    def times(self) -> str:
        """When each task was begun, for people."""
        return "\n".join(re.findall(r"^\s*\d+\.\d s .*$", self.output, re.MULTILINE))


@dataclass
class User:
    """`inventory` is the file that was typed; `home` is empty at first and holds the caches later."""

    home: Path
    inventory: Path
    network: ClosedNetwork
    variables: dict[str, str] = field(default_factory=dict)
    programs: tuple[Path, ...] = ()

    @classmethod
    def with_sample(cls, sample: str, directory: Path, network: ClosedNetwork, **typed: Any) -> User:
        """Copy a sample inventory, and write `typed` (variables of the group) over what the user must fill in."""
        document = yaml.safe_load((ROOT / "inventories" / sample / "hosts.yml").read_text())
        document["clusters"]["vars"] |= typed
        folder = directory / "inventory"
        folder.mkdir(parents=True)
        (folder / "hosts.yml").write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
        return cls(directory / "home", folder / "hosts.yml", network)

    def kubeconfig(self, contexts: Mapping[str, Path]) -> None:
        """Write ~/.kube/config, with each context as the only one of the kubeconfig that is given for it."""
        whole: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
        for name, path in contexts.items():
            config = yaml.safe_load(path.read_text())
            for kind, key in (("clusters", "cluster"), ("users", "user")):
                whole[kind].append({"name": name, key: config[kind][0][key]})
            whole["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
        file = self.home / ".kube" / "config"
        file.parent.mkdir(parents=True)
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(whole))

    def start(self, output: Path, playbook: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start ansible-playbook in the closed network."""
        words = [
            *self.network.enter,
            f"--wdns={ROOT}",
            "ansible-playbook",
            "-i",
            str(self.inventory),
            playbook,
            *arguments,
        ]
        with output.open("wb") as file:
            return subprocess.Popen(
                words,
                env={
                    **environment(self.home, *self.programs),
                    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                    **self.variables,
                },
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
            )

    def run(self, playbook: str, *arguments: str, seconds: float = 1500) -> Done:
        """Run ansible-playbook to its end in the closed network."""
        since, began = self.network.since(), time.monotonic()
        output = self.home / f"output-{time.time_ns()}"
        self.home.mkdir(parents=True, exist_ok=True)
        process = self.start(output, playbook, *arguments)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
            code = -1
        text = output.read_text(errors="replace")
        return Done(code, text, time.monotonic() - began, self.network.reached_for(since))
