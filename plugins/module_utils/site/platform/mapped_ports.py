# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports of the containers that are nodes are mapped to this machine, as their program tells it.

Source: `docker port NAME` and `podman port NAME`, whose lines are '30080/tcp -> 0.0.0.0:30080'. The names are those
that kind, k3d (a node, and k3d-CLUSTER-serverlb before all of them) and minikube (the node's) give.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..cluster_kind import kind_container, kind_of

_SECONDS = 5.0
_LINE = re.compile(r"(\d+)/tcp -> (?:\[([^\]]*)\]|([^:]*)):(\d+)")
_EVERYWHERE = ("0.0.0.0", "::", "")


def mapped_ports(
    nodes: Sequence[dict[str, Any]],
    ports: Sequence[int],
    program: Callable[[str], str | None] = shutil.which,
) -> list[str]:
    """Return host:port of each mapping to one of these ports, in their order. Raises OSError with why it is not known.

    `program` finds a command on this machine, as shutil.which does.
    """
    found: dict[int, list[str]] = {port: [] for port in ports}
    for engine, container in containers_of(nodes):
        path = next(filter(None, map(program, engine)), None)
        if path is None:
            raise OSError(f"there is no command {' or '.join(engine)} here to ask for mappings")
        for inside, address in _mappings(_asked(path, container)):
            if inside in found and address not in found[inside]:
                found[inside].append(address)
    return [address for port in ports for address in found[port]]


def containers_of(nodes: Sequence[dict[str, Any]]) -> list[tuple[tuple[str, ...], str]]:
    """Return the containers whose ports may be mapped, each with the programs that may have it."""
    kind, names = kind_of(nodes), [node["metadata"]["name"] for node in nodes]
    if kind == "k3d":
        proxies = sorted({re.sub(r"-(?:server|agent)-\d+$", "-serverlb", name) for name in names})
        return [(("docker", "podman"), name) for name in [*proxies, *names]]
    if kind == "kind":
        return [((one.engine,), one.name) for one in map(kind_container, nodes)]
    return [(("docker", "podman"), name) for name in names]


def _asked(path: str, container: str) -> str:
    """Return what the program tells; nothing of a container that it does not have."""
    try:
        done = subprocess.run(
            [path, "port", container],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{path} does not answer") from error
    return done.stdout if done.returncode == 0 else ""


def _mappings(text: str) -> Iterable[tuple[int, str]]:
    for inside, address6, address4, outside in _LINE.findall(text):
        host = address6 or address4
        host = "127.0.0.1" if host in _EVERYWHERE else f"[{host}]" if address6 else host
        yield int(inside), f"{host}:{outside}"
