# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can this machine carry the lab? Every check returns what is wrong with it, in the user's words."""

from __future__ import annotations

import ipaddress
import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..lab import control_groups, namespaces, ports

GIB = 1024**3
# A machine sold with 6 GiB shows somewhat less
MEMORY_TOLERANCE = 0.9
STARTED_LAB_DISK = 2 * GIB
MACHINE_TYPES = ("x86_64", "aarch64")
SOCKET_PATH_LIMIT = 100
CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap")
CNI_DIRECTORIES = ("/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin")
SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
# Folders that the lab covers with mounts of its own
COVERED = ("/run", "/var/run", "/var/log", "/var/lib/kubelet", "/var/lib/cni", "/proc", "/sys")
CONTROLLERS_V1 = ("cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids")
KERNEL_PROBE = r"""
set -u
mount -t tmpfs tmpfs /run || echo "tmpfs cannot be mounted"
cd "$1" && mkdir lower upper work merged
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged ||
    echo "overlayfs does not work on the file system of $1"
ip link add probe0 type veth peer name probe1 || echo "network links of the type veth cannot be made"
ip link add probe2 type bridge || echo "network links of the type bridge cannot be made"
iptables -w -t nat -A POSTROUTING -m comment --comment probe -j MASQUERADE || echo "iptables cannot translate addresses"
iptables -w -t nat -A PREROUTING -m statistic --mode random --probability 0.5 -j RETURN ||
    echo "iptables cannot spread connections (match statistic)"
iptables -w -A FORWARD -m conntrack --ctstate INVALID -j DROP || echo "iptables cannot track connections"
"""


@dataclass(frozen=True)
class Demands:
    """What the lab asks of the machine; memory and disk in bytes, tools are command or file to package.

    kubernetes is the minor version that is to run, as in 1.36, and runtime what is to run its containers; both are
    empty where nothing is to run.
    """

    directory: Path
    cache_directory: Path
    name: str
    address: str
    ports: tuple[int, ...]
    tools: dict[str, str]
    memory: int
    disk: int
    kubernetes: str = ""
    runtime: str = ""


@dataclass
class Verdict:
    """problems stop us; missing_packages can be installed; cni_plugins is the network plugins' folder, or empty."""

    problems: list[str] = field(default_factory=list)
    missing_packages: list[str] = field(default_factory=list)
    cni_plugins: str = ""


def judge(demands: Demands) -> Verdict:
    """Check everything that can be checked without changing the machine."""
    if platform.system() != "Linux":
        return Verdict([f"The lab needs Linux; this is {platform.system()}."])
    verdict = Verdict(
        _platform()
        + _capacity(demands)
        + _folder(demands)
        + _cluster(demands)
        + _ports(demands)
        + _control_groups(control_groups.ROOT)
    )
    verdict.cni_plugins = cni_directory()
    verdict.missing_packages = missing_packages(demands.tools, verdict.cni_plugins)
    if not can_install() and verdict.missing_packages:
        verdict.problems.append(
            "These are missing and this machine has no apt-get to install them; install what your distribution calls "
            f"{', '.join(verdict.missing_packages)}."
        )
    if os.geteuid() == 0 and not verdict.missing_packages:
        verdict.problems += _kernel(demands.directory)
    return verdict


def can_install() -> bool:
    """Whether this is Debian or a relative of it."""
    return find_tool("apt-get")


def cni_directory() -> str:
    """The first folder that has all network plugins, or nothing."""
    for directory in CNI_DIRECTORIES:
        if all((Path(directory) / plugin).exists() for plugin in CNI_PLUGINS):
            return directory
    return ""


def missing_packages(tools: dict[str, str], cni_plugins: str) -> list[str]:
    """Debian packages of the tools that are not there."""
    missing = {package for tool, package in tools.items() if not find_tool(tool)}
    if not cni_plugins:
        missing.add("containernetworking-plugins")
    return sorted(missing)


def find_tool(name: str) -> bool:
    """Whether a command, or a file if the name is a path, is there; PATH of a plain user may lack the sbin folders."""
    if "/" in name:
        return Path(name).exists()
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *SBIN])) is not None


def _platform() -> list[str]:
    problems = []
    if os.geteuid() != 0:
        problems.append("The lab makes namespaces, mounts and network links, so it needs root; run it with sudo.")
    if platform.machine() not in MACHINE_TYPES:
        problems.append(f"The machine type is {platform.machine()}; the lab is for {' and '.join(MACHINE_TYPES)}.")
    return problems


def _capacity(demands: Demands) -> list[str]:
    problems = []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if memory < demands.memory * MEMORY_TOLERANCE:
        problems.append(f"The machine has {memory / GIB:.1f} GiB of memory; the lab needs {demands.memory / GIB:.0f}.")
    # One that was started has already taken most of its space
    needed = STARTED_LAB_DISK if (demands.directory / "lab.json").exists() else demands.disk
    for path in dict.fromkeys((_existing(demands.directory), _existing(demands.cache_directory))):
        free = shutil.disk_usage(path).free
        if free < needed:
            problems.append(f"{path} has {free / GIB:.1f} GiB free; the lab needs {needed / GIB:.0f}.")
    return problems


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _folder(demands: Demands) -> list[str]:
    directory = demands.directory.resolve()
    problems = [
        f"The folder of the lab, {directory}, is below {covered}, which the lab covers; choose another lab_directory."
        for covered in COVERED
        if directory.is_relative_to(covered)
    ]
    if len(str(directory / "containerd/containerd.sock")) > SOCKET_PATH_LIMIT:
        problems.append(f"The path of {directory} is too long for sockets below it; choose a shorter lab_directory.")
    return problems


def _cluster(demands: Demands) -> list[str]:
    """A node keeps its runtime; Kubernetes goes up by one minor at a time and never down (its version skew policy)."""
    try:
        record = json.loads((demands.directory / "lab.json").read_text(encoding="utf-8"))
    except OSError:
        return []
    return _runtime(demands, record) + _kubernetes(demands, record)


def _runtime(demands: Demands, record: dict[str, Any]) -> list[str]:
    has = record.get("runtime", "containerd")  # all that there was before there was a choice
    if demands.runtime in ("", has):
        return []
    return [
        f"The node in {demands.directory} has {has}, which has its images and containers, and lab_runtime is "
        f"{demands.runtime}; choose another lab_directory, or remove it with lab_state: absent."
    ]


def _kubernetes(demands: Demands, record: dict[str, Any]) -> list[str]:
    has = record.get("kubernetes", "")
    if not has or not demands.kubernetes:
        return []
    (major, minor), wanted = _minor(has), _minor(demands.kubernetes)
    if wanted in ((major, minor), (major, minor + 1)):
        return []
    way = f"stay at {has}" if wanted < (major, minor) else f"go to {major}.{minor + 1} first"
    return [
        f"The cluster in {demands.directory} has Kubernetes {has}, and lab_kubernetes is {demands.kubernetes}; it goes "
        f"up by one minor at a time and never down. So {way}, choose another lab_directory, or remove it with "
        "lab_state: absent."
    ]


def _minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _ports(demands: Demands) -> list[str]:
    if not ipaddress.ip_address(demands.address).is_loopback:
        return [f"lab_address is {demands.address}; it must be a loopback address, such as 127.0.0.1."]
    if namespaces.find_init(demands.name) is not None:
        return []  # it runs, so they are its own
    found = ports.listeners()
    return [
        f"Port {port} of {demands.address} is taken by {ports.holder(conflict)}; end that, or choose another "
        "lab_address, such as 127.0.0.3."
        for port in demands.ports
        for conflict in ports.conflicts(demands.address, port, found)[:1]
    ]


def _control_groups(root: Path) -> list[str]:
    if control_groups.is_unified(root):
        available = (root / "cgroup.controllers").read_text().split()
        missing = [name for name in control_groups.NEEDED_CONTROLLERS if name not in available]
    else:
        missing = [name for name in CONTROLLERS_V1 if not (root / name / "cgroup.procs").exists()]
    if missing:
        return [f"The kernel's control groups in {root} lack the controllers {', '.join(missing)}."]
    if os.geteuid() == 0 and not os.access(root, os.W_OK):
        return [f"{root} cannot be written; a container needs to be privileged to run the lab."]
    return []


def _kernel(directory: Path) -> list[str]:
    """Try it out in namespaces of its own, on the file system of the lab; nothing of it remains."""
    folder = _existing(directory) / f".probe-{os.getpid()}"
    command = ["unshare", "--mount", "--pid", "--fork", "--net", "--uts", "--ipc", "sh", "-c", KERNEL_PROBE, "sh"]
    folder.mkdir()
    environment = {**os.environ, "PATH": os.pathsep.join([os.environ.get("PATH", ""), *SBIN])}
    try:
        probe = subprocess.run([*command, str(folder)], capture_output=True, text=True, env=environment, check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    problems = [f"The kernel lacks something: {line}." for line in probe.stdout.splitlines()]
    if probe.returncode != 0 and not problems:
        problems.append(f"Namespaces cannot be made: {probe.stderr.strip() or 'unshare failed'}.")
    return problems
