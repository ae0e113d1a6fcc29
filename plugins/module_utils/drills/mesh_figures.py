# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kiali and Prometheus say, asked through ports that the API server forwards, as kubectl does it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ..kube.client.cluster import Cluster
from ..kube.client.port_forward import Answer, PodPort, Request, ask
from ..kube.deadline import Deadline
from ..kube.errors import ApiError
from ..kube.objects import Document
from .errors import DrillError

NAMESPACE = "istio-system"
KIALI, KIALI_PORT, ROOT = "kiali", 20001, "/kiali"
PROMETHEUS, PROMETHEUS_PORT = "prometheus", 9090
NAME_LABEL = "app.kubernetes.io/name"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SECONDS = 60.0
TOKEN_SECONDS = 600
INSTALL = "Install both with site.yml -e observability_state=present, or write that into the inventory"


class Figures:
    """The Kiali and the Prometheus of one cluster. Raises DrillError where one is not there or does not answer."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._kiali = _port(cluster, KIALI, KIALI_PORT)
        self._prometheus = _port(cluster, PROMETHEUS, PROMETHEUS_PORT)
        self._headers = self._login()

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """The result of an expression at a time (seconds of the epoch; None: now), as Prometheus' HTTP API has it."""
        asked = {"query": expression} | ({"time": f"{at:.3f}"} if at is not None else {})
        request = Request(f"/api/v1/query?{urlencode(asked)}")
        answer = _json(ask(self._cluster, self._prometheus, request, SECONDS), "Prometheus", expression)
        if answer.get("status") != "success":
            raise DrillError(f"Prometheus does not answer {expression}: {answer.get('error') or answer}")
        result = answer["data"]["result"]
        return result if answer["data"]["resultType"] in ("vector", "matrix") else [{"metric": {}, "value": result}]

    def now(self) -> float:
        """Prometheus' clock, in seconds of the epoch."""
        return float(self.query("time()")[0]["value"][1])

    def interval(self) -> float:
        """How many seconds lie between two looks of Prometheus at the application's sidecars and gateway."""
        looks = [[at for at, _value in series["values"]] for series in self.query('up{job="pods"}[10m]')]
        steps = [later - earlier for times in looks for earlier, later in zip(times, times[1:], strict=False)]
        if not steps:
            raise DrillError(
                "Prometheus has not looked at any pod twice yet, or has no job 'pods'. It begins within a minute of "
                "its installation; one that was not installed by the role observability is of no use here"
            )
        return round(sorted(steps)[len(steps) // 2], 1)

    def graph(self, namespaces: Sequence[str], seconds: int, at: int) -> dict[str, Any]:
        """Kiali's graph of these namespaces, by apps and versions, of the `seconds` before a time of the epoch."""
        asked = {
            "namespaces": ",".join(namespaces),
            "graphType": "versionedApp",
            "duration": f"{seconds}s",
            "queryTime": str(at),
            "rateHttp": "requests",
            "rateGrpc": "requests",
            "rateTcp": "total",
            "injectServiceNodes": "false",
            "includeIdleEdges": "false",
            # None that asks for more than figures; an empty list would be all
            "appenders": "deadNode",
        }
        request = Request(f"{ROOT}/api/namespaces/graph?{urlencode(asked)}", headers=self._headers)
        return _json(ask(self._cluster, self._kiali, request, SECONDS), "Kiali", "its graph")

    def _login(self) -> Mapping[str, str]:
        """The headers of a session; none where Kiali asks for no login."""
        info = _json(ask(self._cluster, self._kiali, Request(f"{ROOT}/api/auth/info"), SECONDS), "Kiali", "its login")
        strategy = info.get("strategy")
        if strategy == "anonymous":
            return {}
        if strategy != "token":
            raise DrillError(f"Kiali's login is by {strategy}; the drill knows anonymous and token")
        body = urlencode({"token": self._token()}).encode()
        answer = ask(self._cluster, self._kiali, Request(f"{ROOT}/api/authenticate", "POST", FORM, body), SECONDS)
        if answer.status != 200 or not answer.cookies:
            raise DrillError(f"Kiali refuses the token of its own service account: status {answer.status}")
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in answer.cookies.items())}

    def _token(self) -> str:
        """A token of Kiali's service account, for a few minutes (TokenRequest)."""
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{KIALI}/token"
        spec = {"expirationSeconds": TOKEN_SECONDS}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        answer = self._cluster.transport.call("POST", path, body=body, deadline=Deadline(SECONDS))
        return answer["status"]["token"]


def require_figures(cluster: Cluster) -> None:
    """Raises DrillError unless a Kiali and a Prometheus are ready."""
    _port(cluster, KIALI, KIALI_PORT)
    _port(cluster, PROMETHEUS, PROMETHEUS_PORT)


def _port(cluster: Cluster, name: str, port: int) -> PodPort:
    try:
        pods = cluster.list("v1", "Pod", NAMESPACE, f"{NAME_LABEL}={name}")
    except ApiError as error:
        raise DrillError(f"the pods of {NAMESPACE} cannot be seen: {error}") from error
    ready = [pod["metadata"]["name"] for pod in pods if _is_ready(pod)]
    if not ready:
        state = "no pod of it is ready" if pods else "it is not there"
        raise DrillError(f"the drill topology asks {name} in {NAMESPACE}, and {state}. {INSTALL}")
    return PodPort(NAMESPACE, sorted(ready)[0], port)


def _is_ready(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    leaving = pod["metadata"].get("deletionTimestamp")
    return not leaving and any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _json(answer: Answer, who: str, what: str) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except ValueError:
        document = None
    if answer.status == 200 and isinstance(document, dict):
        return document
    said = (document or {}).get("error") if isinstance(document, dict) else answer.body[:200].decode("utf-8", "replace")
    raise DrillError(f"{who} does not answer for {what}: status {answer.status}, {said}")
