"""Part e: many contexts. Each is an API server of its own on a copy of what the lab's had stored when the site stood.

No controller works on the copies, so they stay as they are; webhooks and metrics-server are the lab's own, which the
copies reach because their API servers run in the lab's network.
"""

from __future__ import annotations

import configparser
import contextlib
import copy
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .site_api import Api
from .site_cycle import SITE
from .site_figures import Figure, ratio
from .site_labs import COPY_PORTS, ROOT, Played, Site, load_average

SOURCE = "/registry/"
START_SECONDS = 120
LOOK_EVERY = 0.5
# They make pods or wait for some, and no kubelet looks at a copy
LEFT_OUT = "verify"
# What the hosts of an inventory share of the lab, by links; the rest of the folder is each host's own
SHARED = ("bin", "pki", "etc", "run", "certs.d", "containerd", "registry", "lab.json")


def measure(site: Site, rounds: int, contexts: int) -> list[Figure]:
    """Seconds of a converged run on one copy, on all copies, and once on many contexts, with its memory."""
    with copies(site) as servers:
        few = inventory(site, "few", {f"copy-{number}": server for number, server in enumerate(servers)})
        many = inventory(
            site, "many", {f"context-{number}": servers[number % len(servers)] for number in range(contexts)}
        )
        one, four = [], []
        _converged(site, few)  # the hosts' folders have all that a first run keeps there
        for _round in range(rounds):
            one.append(_converged(site, few, "--limit", "copy-0").seconds)
            four.append(_converged(site, few).seconds)
            print(
                f"  one context {one[-1]:6.1f} s, {len(servers)} {four[-1]:6.1f} s   load {load_average()}", flush=True
            )
        peak = PeakMemory()
        large = _converged(site, many, peak=peak)
    size = len(servers)
    return [
        Figure("converged, one context", "s", tuple(one)),
        Figure(f"converged, {size} contexts", "s", tuple(four)),
        ratio(f"converged, {size} contexts over one", four, one, at_most=2),
        Figure(f"converged, {contexts} contexts", "s", (large.seconds,)),
        Figure(f"converged, {contexts} contexts, peak memory", "MiB", (peak.mebibytes,)),
    ]


def _converged(site: Site, place: Path, *arguments: str, peak: PeakMemory | None = None) -> Played:
    played = site.playbook(SITE, "--skip-tags", LEFT_OUT, *arguments, inventory=place, watch=peak and peak.of)
    if played.changed():
        raise SystemExit(f"bench: a converged run on copies changed something; see {played.log}")
    return played


@contextlib.contextmanager
def copies(site: Site) -> Iterator[list[str]]:
    """API servers on copies of the lab's objects, for the time of the block; gives their addresses."""
    command = api_server_command((site.directory / "etc" / "supervisord.conf").read_text())
    inside = ["nsenter", f"--net=/run/netns/{json.loads((site.directory / 'lab.json').read_text())['name']}"]
    running: list[subprocess.Popen[bytes]] = []
    servers = []
    try:
        for number, port in enumerate(COPY_PORTS):
            prefix = f"/copy-{number}"
            module = [sys.executable, "-m", "bench.site_etcd", str(site.directory / "pki"), SOURCE, f"{prefix}/"]
            site.run("copy", *inside, *module)
            with (site.log_folder / f"copy-{number}.log").open("wb") as log:
                started = [*inside, *command, f"--secure-port={port}", f"--etcd-prefix={prefix}"]
                running.append(subprocess.Popen(started, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
            servers.append(f"https://{site.address}:{port}")
        for server, process in zip(servers, running, strict=True):
            _await_ready(site.directory, server, process)
        yield servers
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def api_server_command(supervisor_config: str) -> list[str]:
    """The words that start the lab's API server, without what differs in a copy: its port, and its audit log."""
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(supervisor_config)
    words = shlex.split(parser["program:kube-apiserver"]["command"])
    words = words[words.index("--") + 1 :] if "--" in words else words
    return [word for word in words if not word.startswith(("--secure-port=", "--audit-"))]


def _await_ready(directory: Path, server: str, process: subprocess.Popen[bytes]) -> None:
    api, limit = Api(directory, server), time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(Exception, SystemExit):
            if api.ask("GET", "/readyz") == "ok" and _has_metrics(api):
                return
        if process.poll() is not None or time.monotonic() > limit:
            raise SystemExit(f"bench: {server} is not ready; see its log")
        time.sleep(0.5)


def _has_metrics(api: Api) -> bool:
    return bool(api.ask("GET", "/apis/metrics.k8s.io/v1beta1/nodes")["items"])


def inventory(site: Site, name: str, servers: Mapping[str, str]) -> Path:
    """An inventory with a host for each context, and a kubeconfig with all contexts beside it."""
    folder = site.folder / f"inventory-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "group_vars").symlink_to(ROOT / "inventories" / "lab" / "group_vars")
    kubeconfig = folder.with_suffix(".kubeconfig")
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(yaml.safe_dump(with_contexts(yaml.safe_load(site.kubeconfig.read_text()), servers)))
    hosts = {
        host: host_variables(host, kubeconfig, _own_folder(site, f"{name}-{host}"), site.address) for host in servers
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump({"clusters": {"hosts": hosts}}))
    return folder


def with_contexts(kubeconfig: dict[str, Any], servers: Mapping[str, str]) -> dict[str, Any]:
    """A kubeconfig with one context for each server, all with the user and the authority of the one that is given."""
    (cluster,), (user,) = kubeconfig["clusters"], kubeconfig["users"]
    merged = {"apiVersion": "v1", "kind": "Config", "users": [copy.deepcopy(user)], "clusters": [], "contexts": []}
    for name, server in servers.items():
        merged["clusters"].append({"name": name, "cluster": {**cluster["cluster"], "server": server}})
        merged["contexts"].append({"name": name, "context": {"cluster": name, "user": user["name"]}})
    return merged


def host_variables(context: str, kubeconfig: Path, folder: Path, address: str) -> dict[str, Any]:
    """What tells a host of the lab's inventory that it is another context, and where its own files are."""
    return {
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        # Four API servers stand for all these clusters
        "__serverless_may_share": True,
        "lab_directory": str(folder),
        "lab_address": address,
        "serverless_context": context,
        "serverless_kubeconfig": str(kubeconfig),
    }


def _own_folder(site: Site, name: str) -> Path:
    """A folder as the lab's: its programs and keys by links, and the lock of its images of its own."""
    folder = site.folder / "hosts" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for shared in SHARED:
        (folder / shared).symlink_to(site.directory / shared)
    shutil.copy(site.directory / "images.lock.yml", folder)
    return folder


class PeakMemory:
    """The most memory that a process and its descendants had at a time; what they share counts once."""

    def __init__(self) -> None:
        self.mebibytes = 0.0

    def of(self, pid: int) -> None:
        """Look at the process until it has ended."""
        threading.Thread(target=self._look_on, args=(pid,), daemon=True).start()

    def _look_on(self, pid: int) -> None:
        while family := descendants(pid, _parents()):
            self.mebibytes = max(self.mebibytes, sum(map(_proportional, family)) / 1024)
            time.sleep(LOOK_EVERY)


def descendants(pid: int, parents: Mapping[int, int]) -> list[int]:
    """A process and what descends from it, out of each process's parent; empty when it is not there."""
    found = [pid] if pid in parents else []
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _parents() -> dict[int, int]:
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                state, parent = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    found[int(entry)] = int(parent)
    return found


def _proportional(pid: int) -> int:
    """KiB of a process, with its share of what it has together with others; 0 when it has ended."""
    with contextlib.suppress(OSError, StopIteration):
        lines: Sequence[str] = Path("/proc", str(pid), "smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return 0
