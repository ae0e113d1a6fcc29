"""The lab that the suites run against: where it is, and running a program on its node."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
# Not string.Template: arguments are regular expressions and Go templates, too
_PLACEHOLDER = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Lab:
    """A running lab by its folder; address is the loopback address on which the host reaches it.

    arguments are what the caller gives ansible-playbook for site.yml, beside the files of options.
    """

    directory: Path
    address: str
    arguments: tuple[str, ...] = ()

    @classmethod
    def at(cls, directory: Path, arguments: Sequence[str] = ()) -> Lab:
        """Return the lab of a folder; raises FileNotFoundError if there is none."""
        known = json.loads((directory / "lab.json").read_text(encoding="utf-8"))
        return cls(directory, known["address"], tuple(arguments))

    @property
    def work(self) -> Path:
        """The folder of the suites' programs and outputs."""
        return self.directory / "conformance"

    def images_file(self, suite: str) -> Path:
        """Return the file in which the playbook notes a suite's images: name and digest of each."""
        return self.work / f"{suite}-images.json"

    def fill_in(self, text: str, **further: str) -> str:
        """Return the text with $kubeconfig, $node (the node's address), $work and the further names filled in."""
        known = {"kubeconfig": str(self.directory / "kubeconfig"), "work": str(self.work), **further}

        def value(match: re.Match[str]) -> str:
            return self.node_address() if match[1] == "node" else known.get(match[1], match[0])

        return _PLACEHOLDER.sub(value, text)

    def node_address(self) -> str:
        """Return the node's address, where its node ports are."""
        path = "{.items[0].status.addresses[?(@.type=='InternalIP')].address}"
        return self.kubectl("get", "nodes", "--output", f"jsonpath={path}").strip()

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Return what kubectl prints; raises CalledProcessError."""
        command = [self.directory / "bin" / "kubectl", "--kubeconfig", self.directory / "kubeconfig", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout

    def play(self, variables: Mapping[str, object]) -> None:
        """Run the playbook that builds a suite and stocks the mirror; raises CalledProcessError."""
        known = {"lab_directory": str(self.directory), "lab_address": self.address}
        command = [BIN / "ansible-playbook", "tests/conformance/playbook.yml", "-e", json.dumps({**known, **variables})]
        subprocess.run(command, cwd=ROOT, check=True)

    def site(self, options: Sequence[str] = ()) -> None:
        """Run site.yml with the suites' options and these further files of them; raises CalledProcessError."""
        files = [f"--extra-vars=@tests/conformance/{name}" for name in ("options.yml", *options)]
        subprocess.run([BIN / "ansible-playbook", "site.yml", *files, *self.arguments], cwd=ROOT, check=True)

    @contextmanager
    def running(
        self, command: Sequence[str | Path], environment: Mapping[str, str], cwd: Path
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a program on the node: there node ports and the addresses of pods and services lead somewhere."""
        settings = [f"{name}={value}" for name, value in environment.items()]
        with subprocess.Popen(
            ["nice", "-n", "5", self.directory / "bin" / "lab-node", "env", f"--chdir={cwd}", *settings, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            try:
                yield process
            except BaseException:
                process.terminate()
                raise


def lines_of(process: subprocess.Popen[str], log: IO[str]) -> Iterator[str]:
    """Return what a program prints line by line, and write it to a log as well."""
    assert process.stdout is not None
    for line in process.stdout:
        log.write(line)
        log.flush()
        yield line
