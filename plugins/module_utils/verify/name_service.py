# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether names of the cluster are resolved in pods, and Services lead to their pods.

The probe is asked through the API server, and passes the request on to its own Service by that one's name.
"""

from __future__ import annotations

import time

from ..kube.client.transport import Exchanged
from ..kube.errors import WaitError
from ..kube.objects import Document, ObjectRef
from ..kube.wait.targets import Target
from ..kube.wait.webhooks import SERVICE_LABEL, has_ready_endpoint
from . import envoy, probe
from .facts import Fact, fails, holds
from .measure import milliseconds, thousandths
from .scene import Scene
from .workloads import troubles
from .workspace import Workspace

NAME = "dns"
_SECONDS = 12.0
_PAUSE = 0.25
_SYSTEM = "kube-system"
# The label of name servers' Services; OpenShift's has another one, in a namespace of its own
_SERVERS = "k8s-app=kube-dns"


def await_echo(workspace: Workspace) -> str:
    """Wait for the probe's pod; why it is not there, or ''."""
    trouble = workspace.why_not("echo")
    if trouble:
        return trouble
    try:
        workspace.await_ready(Target("v1", "Pod", workspace.home, probe.ECHO, condition="Ready"), seconds=90.0)
    except WaitError as error:
        return str(error)
    return ""


def ask(scene: Scene, workspace: Workspace) -> Fact:
    """Until the answer comes: Envoy asks the name server each second."""
    trouble = await_echo(workspace)
    if trouble:
        return fails(
            NAME,
            "the probe's pod is not there",
            trouble,
            f"see the pod while it is there: verify_namespace {workspace.home}",
        )
    begin, limit = time.monotonic(), scene.seconds(_SECONDS)
    while True:
        sent = time.monotonic()
        answer = scene.cluster.transport.exchange("GET", _path(workspace.home), 10.0)
        now = time.monotonic()
        if answer.status == 200:
            break
        if limit.passed:
            return _unresolved(scene, workspace, answer)
        time.sleep(_PAUSE)
    figures = {"milliseconds": thousandths(now - sent), "first_after_seconds": round(now - begin, 2)}
    name = probe.peer_of(workspace.home)
    return holds(
        NAME, f"{name} is resolved in a pod and leads to its pod, answered in {milliseconds(now - sent)}", **figures
    )


def _path(home: str) -> str:
    return f"/api/v1/namespaces/{home}/pods/http:{probe.ECHO}:{envoy.PORT}/proxy{envoy.PEER}"


def _unresolved(scene: Scene, workspace: Workspace, answer: Exchanged) -> Fact:
    text = f"{probe.peer_of(workspace.home)} is not reached from a pod"
    if answer.status_message:
        why = "" if answer.status == 403 else "the API server does not reach pods, so nothing could be asked: "
        return fails(
            NAME,
            text,
            f"{why}{answer.said}",
            "open the way from the API server to the pods, which webhooks and metrics need as well",
        )
    servers = scene.cluster.list("v1", "Service", _SYSTEM, _SERVERS, deadline=scene.seconds(5))
    causes = [f"the probe answers {answer.status}: {answer.said}", *(_without_pods(scene, item) for item in servers)]
    remedy = f"see the cluster's name server: {scene.kubectl} -n {_SYSTEM} get pods -l {_SERVERS}"
    return fails(NAME, text, "; ".join(filter(None, causes)), remedy)


def _without_pods(scene: Scene, service: Document) -> str:
    """What is wrong behind a name server's Service."""
    name = service["metadata"]["name"]
    slices = scene.cluster.list(
        "discovery.k8s.io/v1", "EndpointSlice", _SYSTEM, f"{SERVICE_LABEL}={name}", deadline=scene.seconds(5)
    )
    if has_ready_endpoint(slices):
        return ""
    selector = _SERVERS
    found = scene.cluster.list("apps/v1", "Deployment", _SYSTEM, selector, deadline=scene.seconds(5))
    named = [_ref(item) for item in found]
    why = "; ".join(troubles(scene, named).values()) if named else ""
    return "; ".join(filter(None, (f"the name server's Service {_SYSTEM}/{name} has no ready endpoint", why)))


def _ref(item: Document) -> ObjectRef:
    return ObjectRef("apps/v1", "Deployment", item["metadata"]["namespace"], item["metadata"]["name"])
