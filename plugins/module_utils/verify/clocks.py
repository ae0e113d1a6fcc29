# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the clocks of nodes and API server agree with this machine's.

The API server tells its time in the header Date of every answer. A kubelet writes its own into the lease of its node
(spec.renewTime) and the API server notes by its clock when that was (managedFields): the difference is that of the
two clocks, whatever their networks are like. Both are known to a second. Certificates, tokens and leases go by these
clocks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from ..kube.client.transport import told_time
from ..kube.objects import Document
from ..site.node_kinds import treatment
from ..site.summary import count
from .facts import Fact, fails, holds
from .measure import time_of
from .scene import Scene

NAME = "clocks"
LEASES = "kube-node-lease"
_HALF = 0.5  # of the second that a time without fractions stands for
_PATIENCE = 5.0  # seconds
_LOOKS, _RENEWED_AFTER = 3, 11.0  # kubelets renew their leases every 10 s


def ask(scene: Scene) -> Fact:
    """The API server against this machine, every Ready node of Linux against the API server."""
    server = server_ahead(scene)
    limit = scene.settings.limits.clock_seconds
    of_nodes = _of_nodes(scene, limit)
    most = max(of_nodes.values(), key=abs, default=0.0)
    text = f"API server {server:+.1f} s from this machine, {count(len(of_nodes), 'node')} at most {most:+.1f} s from it"
    figures = {"api_server_seconds": round(server, 2), "nodes_seconds": {n: round(s, 2) for n, s in of_nodes.items()}}
    wrong = [f"the clock of node {name} is {ahead:+.1f} s from the API server's" for name, ahead in of_nodes.items()]
    wrong = [told for told, ahead in zip(wrong, of_nodes.values(), strict=True) if abs(ahead) > limit]
    if abs(server) > limit:
        wrong.insert(0, f"the API server's clock is {server:+.1f} s from this machine's")
    if wrong:
        remedy = f"have all of them set by NTP; {limit:g} s are let pass (verify_clock_seconds)"
        return fails(NAME, text, "; ".join(sorted(wrong)), remedy, **figures)
    return holds(NAME, text, **figures)


def _of_nodes(scene: Scene, limit: float) -> dict[str, float]:
    """Seconds that the nodes' clocks are ahead of the API server's, by name.

    A clock that seems slow may be a request that took long on its way: such a lease is looked at again when it has
    been renewed.
    """
    wanted = {node["metadata"]["name"] for node in scene.nodes if treatment(node).awaited}
    found = {name: ahead for name, ahead in nodes_ahead(_leases(scene)).items() if name in wanted}
    for _number in range(_LOOKS - 1):
        slow = [name for name, ahead in found.items() if ahead < -limit]
        if not slow:
            break
        time.sleep(_RENEWED_AFTER)
        again = nodes_ahead(_leases(scene))
        found |= {name: max(found[name], again.get(name, found[name])) for name in slow}
    return found


def _leases(scene: Scene) -> list[Document]:
    return scene.cluster.list("coordination.k8s.io/v1", "Lease", LEASES, deadline=scene.seconds(_PATIENCE))


def server_ahead(scene: Scene) -> float:
    """Seconds that the API server's clock is ahead of this machine's. Raises ClusterError, ValueError."""
    begin = time.time()
    answer = scene.read("/version", _PATIENCE)
    return ahead_by(answer.headers, (begin + time.time()) / 2)


def ahead_by(headers: Mapping[str, str], here: float) -> float:
    """Seconds that the header Date of an answer is ahead of `here`, the epoch's seconds. Raises ValueError."""
    return told_time(headers).timestamp() + _HALF - here


def nodes_ahead(leases: Iterable[Document]) -> dict[str, float]:
    """Seconds that the clocks of nodes are ahead of the API server's, by name, as far as their leases tell."""
    found = {}
    for lease in leases:
        renewed, written = _renewed(lease), _written(lease)
        if renewed and written:
            found[lease["metadata"]["name"]] = (renewed - written).total_seconds() - _HALF
    return found


def _renewed(lease: Document) -> datetime | None:
    text = (lease.get("spec") or {}).get("renewTime")
    return time_of(text).astimezone(UTC) if text else None


def _written(lease: Document) -> datetime | None:
    """When the server stored spec.renewTime last, by its clock."""
    entries = lease["metadata"].get("managedFields") or []
    times = [
        time_of(entry["time"])
        for entry in entries
        if entry.get("time") and "f:renewTime" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    ]
    return max(times, default=None)
