# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an event goes through a Broker to a subscriber, and the subscriber's answer back through it.

The Broker is of the cluster's default class, in the namespace of the probes. The API server passes the event on to the
Broker's address; what arrived is read in the log of the subscriber, which writes a line for each event.
"""

from __future__ import annotations

import time
import uuid
from urllib.parse import urlsplit

from ..kube.errors import KubeError, WaitError
from ..kube.wait.targets import Target
from . import envoy, probe
from .brokers import API_VERSION, CHANNELS, CONTROLLERS
from .facts import Fact, fails, holds, skipped
from .measure import milliseconds, thousandths
from .name_service import await_echo
from .scene import EVENTING, Scene
from .workloads import behind
from .workspace import Workspace

NAME = "events"
_READY_SECONDS = 90.0
_SECONDS = 30.0
_PAUSE = 0.1


def ask(scene: Scene, workspace: Workspace) -> Fact:
    """One event there and its answer back, timed until both are in the log."""
    if not scene.installed(EVENTING):
        return skipped(NAME, "Knative Eventing is not installed")
    trouble = workspace.why_not(EVENTING) or await_echo(workspace)
    if trouble:
        return _lost(scene, "the Broker and its subscriber could not be made", trouble)
    targets = [Target(API_VERSION, "Broker", workspace.home, probe.BROKER, condition="Ready")]
    targets += [Target(API_VERSION, "Trigger", workspace.home, name, condition="Ready") for name in probe.TRIGGERS]
    try:
        workspace.await_ready(*targets, seconds=_READY_SECONDS)
    except WaitError as error:
        return _lost(scene, "a Broker of the default class does not get Ready", str(error))
    broker = scene.cluster.get(API_VERSION, "Broker", probe.BROKER, workspace.home, scene.seconds(10)) or {}
    url = ((broker.get("status") or {}).get("address") or {}).get("url") or ""
    return _send(scene, workspace, url)


def proxy_path(url: str) -> str:
    """The API server's path to the Service that an address inside the cluster names. Raises ValueError for another one.

    http://broker-ingress.knative-eventing.svc.cluster.local/home/broker leads to that Service and that path.
    """
    parts = urlsplit(url)
    words = (parts.hostname or "").split(".")
    if parts.scheme not in ("http", "https") or len(words) < 3 or words[2] != "svc":
        raise ValueError(f"{url!r} is no address of a Service in the cluster")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"/api/v1/namespaces/{words[1]}/services/{parts.scheme}:{words[0]}:{port}/proxy{parts.path}"


def _send(scene: Scene, workspace: Workspace, url: str) -> Fact:
    event = uuid.uuid4().hex
    headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", envoy.ASK_TYPE),
        ("ce-source", envoy.SOURCE),
        ("ce-id", event),
        ("Content-Type", "text/plain"),
    ]
    begin = time.monotonic()
    try:
        answer = scene.cluster.transport.exchange("POST", proxy_path(url), 15.0, headers=headers, data=b"question")
    except (KubeError, ValueError) as error:
        return _lost(scene, "the Broker cannot be asked", str(error))
    if answer.status != 202:
        said = answer.body.decode("utf-8", "replace").strip()[:200]
        return _lost(
            scene, f"the Broker answers {answer.status} to an event", f"the Broker's ingress: {said or answer.status}"
        )
    there = back = None
    limit = scene.seconds(_SECONDS)
    while back is None and not limit.passed:
        seen, now = envoy.events_in(_log(scene, workspace.home)), time.monotonic() - begin
        if there is None and (envoy.ASK_TYPE, event) in seen:
            there = now
        if (envoy.ANSWER_TYPE, event) in seen:
            back = now
        else:
            time.sleep(_PAUSE)
    figures = {
        "there_milliseconds": None if there is None else thousandths(there),
        "back_milliseconds": None if back is None else thousandths(back),
    }
    if there is None:
        text = f"an event that the Broker took did not arrive in {limit.seconds:.0f} s"
        return _lost(scene, text, "the Broker took it (202), and no subscriber got it", figures)
    if back is None:
        text = f"an event arrived after {milliseconds(there)}, its answer not in {limit.seconds:.0f} s"
        return _lost(scene, text, "the subscriber got the event, and its answer did not come back", figures)
    return holds(
        NAME,
        f"through a Broker to a subscriber in {milliseconds(there)}, its answer back after {milliseconds(back)}",
        **figures,
    )


def _log(scene: Scene, home: str) -> str:
    try:
        return scene.cluster.transport.read_text(f"/api/v1/namespaces/{home}/pods/{probe.ECHO}/log", {}, 10.0)
    except KubeError:
        return ""


def _lost(scene: Scene, text: str, cause: str, figures: dict[str, float | None] | None = None) -> Fact:
    whole = "; ".join(filter(None, (cause, behind(scene, CONTROLLERS + CHANNELS))))
    return fails(NAME, text, whole, "run site.yml --tags knative, which brings Eventing back", **(figures or {}))
