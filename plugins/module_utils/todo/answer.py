# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the todo application, as a browser would, until it answers.

The way is an address that is reached from here, or else the API server's proxy to a Service, which is there wherever
kubectl works. The proxy passes on the Host header, by which a gateway tells services apart.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from ..durations import elapsed
from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.errors import KubeError, WaitError
from ..kube.parallel import SIGN_OF_LIFE
from ..repeats import Repeats
from ..site.gateway import http_node_port

# The page, the service user, and rule with its database
PATHS = ("/", "/api/user", "/api/todos?limit=1")
ROUNDS = 3  # of a gateway's workers each hears of a change at its own time
PAUSE_SECONDS = 0.3
REQUEST_SECONDS = 30.0  # a service that starts from zero may take its time
PORT = 80


@dataclass(frozen=True)
class WayIn:
    """A Service with its namespace; `host` is the Host header, empty for none of its own.

    `address` is where the Service is reached from here, as host:port, or as host alone: then the port is the Service's
    node port. Empty: through the API server.
    """

    namespace: str
    service: str
    host: str = ""
    address: str = ""


def await_answer(cluster: Cluster, way: WayIn, deadline: Deadline, progress: Callable[[str], None]) -> str:
    """Return where the application answered. Raises WaitError when it does not in time."""
    told, rounds, repeats = deadline.elapsed, 0, Repeats()
    while True:
        where, why = _ask_all(cluster, way)
        rounds = 0 if why else rounds + 1
        if rounds == ROUNDS:
            return where
        if deadline.passed:
            raise WaitError(
                f"the application does not answer at {where} after {deadline.seconds:.0f} s: {why or 'not steadily'}"
            )
        if deadline.elapsed - told >= SIGN_OF_LIFE:
            told = deadline.elapsed
            if repeats.age((where, why)) is not None:
                progress(f"waiting for an answer at {where} ({why}), {elapsed(told)}")
        time.sleep(PAUSE_SECONDS)


def _ask_all(cluster: Cluster, way: WayIn) -> tuple[str, str]:
    """Where was asked, and what was wrong with the first answer that was not 200, or ''."""
    if not way.address:
        base = f"/api/v1/namespaces/{way.namespace}/services/http:{way.service}:{PORT}/proxy"
        shown = f"Service {way.namespace}/{way.service} (through the API server)"
        return shown, _first_fault(lambda path: cluster.transport.proxied(base + path, way.host, REQUEST_SECONDS))
    address = way.address
    if ":" not in address:
        port = http_node_port(cluster.get("v1", "Service", way.service, way.namespace) or {})
        if port is None:
            return f"http://{address}/", f"Service {way.namespace}/{way.service} has no node port yet"
        address = f"{address}:{port}"
    shown = f"http://{way.host}/ at {address}" if way.host else f"http://{address}/"
    return shown, _first_fault(lambda path: _status(f"http://{address}{path}", way.host))


def _first_fault(ask: Callable[[str], int]) -> str:
    for path in PATHS:
        try:
            status = ask(path)
        except (KubeError, OSError, http.client.HTTPException) as error:
            return f"{path}: {error}"
        if status != 200:
            return f"{path}: status {status}"
    return ""


def _status(url: str, host: str) -> int:
    """The status of a GET on a new connection and without a proxy of the controller's. Raises OSError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with opener.open(request, timeout=REQUEST_SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
