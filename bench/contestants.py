"""The tools that copy the images, each into its natural target; every call copies all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import Wanted, fetch_images
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.bundle import stream_images
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients

from .processes import Processes, built, free_port, installed

# What containerd runs for the kubelet alone
KUBELETS = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"]


@dataclass(frozen=True)
class Contestant:
    """A way to copy: its name, what it fills (layout, containerd, docker), and what copies everything once.

    `is_tuned` says that it was set up by hand for this machine and link.
    """

    name: str
    target: str
    copy: Callable[[], None]
    is_tuned: bool = False


@dataclass(frozen=True)
class Course:
    """What all have to do: the mirror's address, the repositories, and a folder to work in."""

    mirror: str
    repositories: list[str]
    scratch: Path

    def at_mirror(self) -> list[str]:
        """The images as the mirror has them."""
        return [f"{self.mirror}/{repository}:1" for repository in self.repositories]


def all_of(course: Course, processes: Processes) -> list[Contestant]:
    """Every contestant, ours first; programs that they need are started."""
    return [
        *ours(course, processes),
        docker(course, processes),
        skopeo(course),
        crane(course),
        *regsync(course),
        zarf(course),
        ctr(course, processes),
    ]


def ours(course: Course, processes: Processes) -> list[Contestant]:
    """Our library into a layout, and from there into containerd."""
    clients = Clients(ImagePolicy())
    wanted = [
        Wanted(f"{repository}:1", (Reference(course.mirror, repository, "1"),)) for repository in course.repositories
    ]

    def into_layout() -> None:
        fetch_images(wanted, Layout.create(course.scratch / "ours"), clients)

    client = containerd("ours-containerd", course, processes)

    def into_containerd() -> None:
        layout = Layout.create(course.scratch / "ours-import")
        fetch_images(wanted, layout, clients)
        listed = run(*client, "images", "ls", "-q").split()
        lacking = [item.name for item in wanted if item.name not in listed]
        if lacking:
            with subprocess.Popen([*client, "images", "import", "-"], stdin=subprocess.PIPE, stdout=-3) as process:
                with process.stdin as stream:  # type: ignore[union-attr]
                    stream_images(layout, lacking, stream)
            assert process.returncode == 0, "ctr images import failed"

    return [
        Contestant("ours (layout)", "layout", into_layout),
        Contestant("ours (containerd)", "containerd", into_containerd),
    ]


def docker(course: Course, processes: Processes) -> Contestant:
    """The course's way: pull, tag, rmi, one image after the other."""
    home = course.scratch / "docker"
    home.mkdir()
    socket = home / "docker.sock"
    processes.start(
        "dockerd", installed("dockerd", "docker.io"), "--bridge=none", "--iptables=false",
        f"--data-root={home}/data", f"--exec-root={home}/exec", f"--pidfile={home}/pid", f"--host=unix://{socket}",
        socket_of=socket,
    )  # fmt: skip
    client = [installed("docker", "docker.io"), "--host", f"unix://{socket}"]

    def copy() -> None:
        for image, repository in zip(course.at_mirror(), course.repositories, strict=True):
            run(*client, "pull", "--quiet", image)
            run(*client, "tag", image, f"{repository}:1")
            run(*client, "rmi", image)

    return Contestant("docker pull, tag, rmi", "docker", copy)


def skopeo(course: Course) -> Contestant:
    """Skopeo into a layout, one image after the other."""
    program = installed("skopeo", "skopeo")

    def copy() -> None:
        for number, image in enumerate(course.at_mirror()):
            target = f"oci:{course.scratch}/skopeo:{number}"
            run(program, "copy", "--quiet", "--src-tls-verify=false", f"docker://{image}", target)

    return Contestant("skopeo", "layout", copy)


def crane(course: Course) -> Contestant:
    """Crane into a layout, one image after the other."""
    program = built("crane", "crane")

    def copy() -> None:
        for image in course.at_mirror():
            run(program, "pull", "--insecure", "--format=oci", image, f"{course.scratch}/crane")

    return Contestant("crane", "layout", copy)


def regsync(course: Course) -> list[Contestant]:
    """Regsync into layouts: as it comes, and with as many images and requests at a time as we have streams."""
    program = built("regsync", "regsync")

    def contestant(name: str, parallel: dict[str, int], requests: dict[str, int]) -> Contestant:
        home = course.scratch / ("regsync-tuned" if parallel else "regsync")
        home.mkdir()
        config = {
            "version": 1,
            "creds": [{"registry": course.mirror, "tls": "disabled", **requests}],
            "defaults": {"skipDockerConfig": True, **parallel},
            "sync": [
                {"source": image, "target": f"ocidir://{home}/{number}:1", "type": "image"}
                for number, image in enumerate(course.at_mirror())
            ],
        }
        (home / "regsync.yml").write_text(json.dumps(config))
        command = (program, "once", "--verbosity", "warn", "--config", str(home / "regsync.yml"))
        return Contestant(name, "layout", lambda: run(*command) and None, bool(parallel))

    return [
        contestant("regsync", {}, {}),
        contestant("regsync, 16 at a time", {"parallel": 16}, {"reqConcurrent": 16}),
    ]


def zarf(course: Course) -> Contestant:
    """Zarf's package of all images: fetched in parallel into its cache, and packed, without a list of contents."""
    program = built("zarf", "zarf")
    home = course.scratch / "zarf"
    home.mkdir()
    package = {
        "kind": "ZarfPackageConfig",
        "metadata": {"name": "bench", "version": "1.0.0", "uncompressed": True},
        "components": [{"name": "images", "required": True, "images": course.at_mirror()}],
    }
    (home / "zarf.yaml").write_text(json.dumps(package))
    command = (
        program, "package", "create", str(home), "--confirm", "--skip-sbom", "--plain-http", "--architecture=amd64",
        f"--output={home}/out", f"--cache={home}/cache", f"--tmpdir={home}", "--no-color",
    )  # fmt: skip

    def copy() -> None:
        (home / "out").mkdir(exist_ok=True)
        run(*command)

    return Contestant("zarf package create", "layout", copy)


def ctr(course: Course, processes: Processes) -> Contestant:
    """Containerd's client through certs.d, one image after the other."""
    client = containerd("ctr", course, processes)
    hosts = course.scratch / "certs.d" / "gcr.io"
    hosts.mkdir(parents=True)
    (hosts / "hosts.toml").write_text(
        f'server = "http://{course.mirror}/v2/gcr.io"\ncapabilities = ["pull", "resolve"]\noverride_path = true\n'
    )

    def copy() -> None:
        for repository in course.repositories:
            run(*client, "images", "pull", "--hosts-dir", str(hosts.parent), f"{repository}:1")

    return Contestant("ctr pull", "containerd", copy)


def containerd(name: str, course: Course, processes: Processes) -> list[str]:
    """Start a containerd of its own, without the kubelet's interface; return the words that begin a call of ctr."""
    home = course.scratch / name
    home.mkdir()
    socket = home / "containerd.sock"
    (home / "config.toml").write_text(
        f'version = 3\nroot = "{home}/root"\nstate = "{home}/state"\n'
        f"disabled_plugins = {json.dumps(KUBELETS)}\n"
        f'[grpc]\n  address = "{socket}"\n[ttrpc]\n  address = "{home}/ttrpc.sock"\n'
    )
    processes.start(name, built("containerd", "containerd"), "--config", f"{home}/config.toml", socket_of=socket)
    return [built("containerd", "ctr"), "--address", str(socket), "--namespace", "bench"]


def run(*command: str) -> str:
    """Run a command, which must succeed, and return what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def start_registry(name: str, scratch: Path, processes: Processes) -> str:
    """Start a registry with an access log; return its host and port."""
    host = f"127.0.0.1:{free_port()}"
    config = scratch / f"{name}.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: false}}\n"
        f"storage: {{filesystem: {{rootdirectory: {scratch}/{name}}}}}\nhttp: {{addr: '{host}'}}\n"
    )
    port = int(host.partition(":")[2])
    environment = {"OTEL_TRACES_EXPORTER": "none"}
    processes.start(name, built("registry", "registry"), "serve", str(config), socket_of=port, env=environment)
    return host
