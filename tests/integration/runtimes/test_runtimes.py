"""The whole site on a node with CRI-O and on one with docker, each in a lab of its own that starts empty.

At the end there is a table. RUNTIMES="crio" runs one of them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..conftest import ROOT, Site
from ..support.cluster_api import Document, Ref
from ..support.labs import OwnLab
from ..support.neighbours import await_equal
from ..support.runs import Lab, Run

pytestmark = pytest.mark.acceptance

OWN = OwnLab(ROOT / ".lab-runtimes", "127.0.0.5")
VERSIONS = {"crio": "cri-o://1.36.3", "docker": "docker://20.10"}
DRILLS = ("cold_start", "traffic", "bad_version")
SMALL = "registry.k8s.io/metrics-server/metrics-server:v0.9.0"
PAUSE = "registry.k8s.io/pause:3.10.2"
CLIENT = "docker.io/library/python:3.11-slim-bookworm"
COREDNS = "registry.k8s.io/coredns/coredns:v1.15.0"
CRICTL = ("crictl", "--runtime-endpoint", "unix:///run/crio/crio.sock")
# Delivery of one image, and nothing else
ONE = {"image_prefetch_components": [], "image_prefetch_check_only": [], "image_prefetch_extra_images": [SMALL]}


@dataclass(frozen=True)
class Trap:
    """A file of the node's owner, and how a run names what it does; `stops` says whether the run stops for it."""

    file: str
    text: str
    said: str
    stops: bool


TRAPS = {
    "crio": {
        "a registry is blocked": Trap(
            "containers/registries.conf.d/99-owner.conf",
            '[[registry]]\nprefix = "docker.io"\nlocation = "docker.io"\nblocked = true\n',
            r"lab, /etc/containers/registries\.conf\.d/99-owner\.conf: blocks docker\.io, so docker\.io/\S+",
            True,
        ),
        "a longer prefix leads past the mirror": Trap(
            "containers/registries.conf.d/99-owner.conf",
            '[[registry]]\nprefix = "gcr.io/knative-releases"\nlocation = "gcr.io/knative-releases"\n',
            r"has a table for gcr\.io/knative-releases that counts before the one delivered: gcr\.io/\S+",
            False,
        ),
        "versions are mixed": Trap(
            "containers/registries.conf.d/99-owner.conf",
            '[registries.insecure]\nregistries = ["docker.io"]\n[[registry]]\nlocation = "docker.io"\n',
            r"mixes version 1 .* and version 2 .*: CRI-O pulls nothing with it",
            True,
        ),
        "is no TOML": Trap(
            "containers/registries.conf.d/99-owner.conf",
            "[[registry]\n",
            r"99-owner\.conf: is no TOML: ",
            True,
        ),
    },
    "docker": {
        "a mirror serves docker.io alone": Trap(
            "docker/etc/daemon.json",
            '{"registry-mirrors": ["https://mirror.example.com"]}',
            r"registry-mirrors serves docker\.io alone; these are asked for at their origin: .*gcr\.io/",
            False,
        ),
        "a key that docker does not know": Trap(
            "docker/etc/daemon.json",
            '{"registry-mirror": ["https://mirror.example.com"]}',
            r"docker's daemon\.json: has registry-mirror, which docker does not know",
            True,
        ),
        "a mirror has a path": Trap(
            "docker/etc/daemon.json",
            '{"registry-mirrors": ["https://mirror.example.com/docker.io"]}',
            r"has in registry-mirrors mirror\.example\.com with a path",
            True,
        ),
        "begins with a byte order mark": Trap(
            "docker/etc/daemon.json",
            "\ufeff{}",
            r"begins with a byte order mark",
            True,
        ),
    },
}


@dataclass
class Node:
    """A lab with one of the runtimes, and what it had before anything was installed."""

    runtime: str
    site: Site
    lab: Lab
    before: dict[Ref, Document]
    cells: dict[str, str] = field(default_factory=dict)

    def run(self, playbook: str, *options: str, **variables: Any) -> Run:
        """A run; the caller judges it."""
        return self.lab.run(playbook, "-e", json.dumps(variables), *options)

    def deliver(self, **variables: Any) -> Run:
        """Deliver one image."""
        return self.run("site.yml", "--tags", "image_prefetch", **{**ONE, **variables})

    def command(self, *words: str) -> str:
        """Run a command on the node."""
        command = [OWN.directory / "bin" / "lab-node", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def images(self) -> set[str]:
        """The names of the node's images by tag."""
        if self.runtime == "docker":
            names = self.command("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
            return {name for name in names if "<none>" not in name}
        images = json.loads(self.command(*CRICTL, "images", "--output", "json"))["images"]
        return {tag for image in images for tag in image["repoTags"]}

    def forget(self, image: str) -> None:
        """Take an image from the node."""
        self.command(*(("docker",) if self.runtime == "docker" else CRICTL), "rmi", image)

    def rename(self, image: str, name: str) -> None:
        """Have a name stand for another image."""
        if self.runtime == "docker":
            self.command("docker", "tag", image, name)
        else:
            store = f"containers-storage:[overlay@{OWN.directory}/crio/storage+/run/containers/storage]"
            self.command("skopeo", "copy", "--insecure-policy", "--quiet", f"{store}{image}", f"{store}{name}")

    @property
    def folder(self) -> Path:
        """Where the runtime's settings are, as the machine sees it."""
        return OWN.directory / ("docker/etc" if self.runtime == "docker" else "containers")

    def settings(self) -> list[Path]:
        """The settings of registries that a delivery has written on the node."""
        return [*self.folder.glob("registries.conf.d/*"), *self.folder.glob("certs.d/*/*")]


@pytest.fixture(scope="module")
def rows() -> Iterator[dict[str, dict[str, str]]]:
    """The table, printed at the end."""
    kept: dict[str, dict[str, str]] = {}
    yield kept
    print()
    for runtime, cells in kept.items():
        for what, said in cells.items():
            print(f"| {runtime} | {what} | {said} |")


@pytest.fixture(scope="module", params=os.environ.get("RUNTIMES", "").split() or list(VERSIONS))
def node(request: pytest.FixtureRequest, rows: dict[str, dict[str, str]]) -> Iterator[Node]:
    """The lab of a runtime."""
    OWN.bring("absent")
    OWN.bring("started", lab_runtime=request.param)
    lab = OWN.runs()
    node = Node(request.param, Site(OWN.directory, OWN.address), lab, lab.listing(), rows.setdefault(request.param, {}))
    yield node
    OWN.bring("absent")


def said(run: Run) -> str:
    """What a run printed, without the breaks of long lines."""
    return " ".join(run.output.split())


@contextmanager
def owned(file: str, text: str) -> Iterator[None]:
    """Have a file of the node's owner there, and afterwards what was there before."""
    path = OWN.directory / file
    former = path.read_text() if path.exists() else None
    path.write_text(text)
    try:
        yield
    finally:
        if former is None:
            path.unlink()
        else:
            path.write_text(former)


def test_the_node_has_the_runtime_that_was_asked_for(node: Node) -> None:
    [found] = node.site.objects("nodes")
    version = found["status"]["nodeInfo"]["containerRuntimeVersion"]
    assert version.startswith(VERSIONS[node.runtime])
    node.cells["runtime"] = version


def test_traps_are_named_before_anything_changes(node: Node) -> None:
    for name, trap in TRAPS[node.runtime].items():
        with owned(trap.file, trap.text):
            run = node.run("site.yml", "--tags", "image_prefetch", "--check")
        assert re.search(trap.said, said(run)), f"{name}: {run.end()}"
        assert bool(run.code) == trap.stops, f"{name}: {run.end()}"
        assert not run.writes and not node.settings()
    node.cells["traps named"] = f"{len(TRAPS[node.runtime])} of {len(TRAPS[node.runtime])}"


def test_what_the_runtime_cannot_be_told_is_said_before_anything_changes(node: Node) -> None:
    mirrors = {host: [f"{OWN.address}:5000/{host}"] for host in ("docker.io", "gcr.io", "registry.k8s.io")}
    policy = {"mirrors": mirrors, "lock": str(OWN.directory / "images.lock.yml"), "strict": True}
    strict = node.deliver(policy=policy, serverless_images="{{ policy | combine({'map': __lab_image_map}) }}")
    assert strict.code and "serverless_images.strict cannot be told to" in said(strict), strict.end()
    assert not node.settings()


def test_a_name_that_stands_for_another_image_is_pulled_anew(node: Node) -> None:
    node.rename(PAUSE, SMALL)
    brought = node.deliver()
    assert brought.code == 0 and brought.changed == 1, brought.end()
    again = node.deliver()
    assert again.code == 0 and again.changed == 0, again.end()
    node.cells["a name of another image"] = "pulled anew"


def test_a_pull_past_the_mirror_says_where_it_went_and_a_setting_that_is_gone_counts_no_more(node: Node) -> None:
    if node.runtime != "crio":
        pytest.skip("docker has no settings that lead past a mirror")
    node.forget(SMALL)
    place = SMALL.rpartition("/")[0]
    with owned(
        "containers/registries.conf.d/99-owner.conf", f'[[registry]]\nprefix = "{place}"\nlocation = "{place}"\n'
    ):
        past = node.deliver()
    assert f"has a table for {place} that counts before the one delivered" in said(past), past.end()
    assert past.code and re.search(rf"crictl .* pull {re.escape(SMALL)} failed", said(past)), past.end()
    # CRI-O has read that table, and nobody told it that the file is gone
    right = node.deliver()
    assert right.code == 0 and SMALL in node.images(), right.end()
    node.cells["settings that are gone"] = "count no more"


def test_a_name_that_docker_cannot_give_is_told_with_what_to_do(node: Node) -> None:
    if node.runtime != "docker":
        pytest.skip("CRI-O pulls by the name that is wanted")
    [found] = json.loads(node.command("docker", "image", "inspect", SMALL))
    digest = found["RepoDigests"][0].rpartition("@")[2]
    name = f"{SMALL.rpartition(':')[0]}@{digest}"
    done = node.deliver(image_prefetch_extra_images=[name])
    assert done.code and "docker cannot name" in said(done), done.end()
    assert "write serverless_images.mode: rewrite" in said(done), done.end()
    node.cells["a name with a digest"] = "refused with its reason"


def test_the_whole_site(node: Node) -> None:
    # What has been there before a delivery would stay after its removal
    node.forget(SMALL)
    # docker knows no mirrors, so what the tests' own pods run must be there
    further = {"image_prefetch_extra_images": [CLIENT]}
    installed = node.run("site.yml", **further)
    node.cells["site.yml"] = f"{installed.seconds:.0f} s"
    assert installed.code == 0, installed.end()
    code, output = OWN.verify(["test_platform.py", "test_todo.py"])
    assert code == 0, output
    node.cells["its own tests"] = output.strip().splitlines()[-1].strip("=").partition(" in ")[0].strip()
    again = node.run("site.yml", **further)
    assert again.code == 0 and again.changed == 0 and not again.writes, again.end()
    node.cells["second run"] = f"changed={again.changed}"


def test_a_wrong_authority_of_the_private_registry_is_put_right(node: Node) -> None:
    file = node.folder / "certs.d" / f"{OWN.address}:5001" / "ca.crt"
    right = (OWN.directory / "pki" / "ca.crt").read_text()
    assert file.read_text() == right
    file.write_text((OWN.directory / "pki" / "etcd-ca.crt").read_text())
    run = node.run("site.yml", "--tags", "image_prefetch")
    assert run.code == 0 and run.changed == 1, run.end()
    assert file.read_text() == right
    node.cells["a wrong authority"] = "put right"


def test_drills(node: Node) -> None:
    for drill in DRILLS:
        done = node.run("playbooks/drill.yml", drill=drill, drills_output=str(OWN.directory / "drills"))
        assert done.code == 0, done.end()
    node.cells["drills"] = f"{len(DRILLS)} of {len(DRILLS)}"


def test_nothing_is_left(node: Node) -> None:
    removed = node.run("playbooks/uninstall.yml")
    assert removed.code == 0, removed.end()
    await_equal(node.lab, node.before)
    assert not node.settings()
    # What containers still used until then goes with the next run
    later = node.run("playbooks/uninstall.yml", "--tags", "image_prefetch")
    assert later.code == 0, later.end()
    assert node.images() == {PAUSE, COREDNS}
    node.cells["uninstall.yml"] = f"{removed.seconds:.0f} s, listing equal"
