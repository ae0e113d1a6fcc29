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
_AGAIN_SECONDS = 8.0
_REFUSED_PAUSE = 1.0


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
    """Send an event, and another one each time that none has come: what is Ready is not yet known in every pod."""
    try:
        path = proxy_path(url)
    except ValueError as error:
        return _lost(scene, "the Broker cannot be asked", str(error))
    sent: dict[str, float] = {}
    there: float | None = None
    refusal, limit = "", scene.seconds(_SECONDS)
    while not limit.passed:
        now = time.monotonic()
        if not sent or now - max(sent.values()) >= _AGAIN_SECONDS or refusal:
            event, refusal = _sent(scene, path)
            sent |= {} if refusal else {event: now}
        seen, now = envoy.events_in(_log(scene, workspace.home)), time.monotonic()
        asked, answered = (
            [event for event in sent if (kind, event) in seen] for kind in (envoy.ASK_TYPE, envoy.ANSWER_TYPE)
        )
        if there is None and asked:
            there = now - sent[asked[0]]
        if answered:
            return _arrived(there or 0.0, now - sent[answered[0]], len(sent))
        time.sleep(_REFUSED_PAUSE if refusal else _PAUSE)
    figures = {"events": len(sent), "there_milliseconds": None if there is None else thousandths(there)}
    if not sent:
        return _lost(scene, "the Broker does not take an event", f"the Broker's ingress: {refusal}", figures)
    if there is None:
        text = f"{len(sent)} of {len(sent)} events that the Broker took did not arrive in {limit.seconds:.0f} s"
        return _lost(scene, text, "the Broker took it (202), and no subscriber got it", figures)
    text = f"an event arrived after {milliseconds(there)}, its answer not in {limit.seconds:.0f} s"
    return _lost(scene, text, "the subscriber got the event, and its answer did not come back", figures)


def _sent(scene: Scene, path: str) -> tuple[str, str]:
    """The id of an event that was sent, and why the Broker did not take it, or ''."""
    event = uuid.uuid4().hex
    headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", envoy.ASK_TYPE),
        ("ce-source", envoy.SOURCE),
        ("ce-id", event),
        ("Content-Type", "text/plain"),
    ]
    try:
        answer = scene.cluster.transport.exchange("POST", path, 15.0, headers=headers, data=b"question")
    except KubeError as error:
        return event, str(error)
    if answer.status == 202:
        return event, ""
    return event, f"it answers {answer.status} {answer.said}".strip()


def _arrived(there: float, back: float, events: int) -> Fact:
    text = f"through a Broker to a subscriber in {milliseconds(there)}, its answer back after {milliseconds(back)}"
    text += f", the last of {events} events" if events > 1 else ""
    figures = {"there_milliseconds": thousandths(there), "back_milliseconds": thousandths(back), "events": events}
    return holds(NAME, text, **figures)


def _log(scene: Scene, home: str) -> str:
    try:
        return scene.cluster.transport.read_text(f"/api/v1/namespaces/{home}/pods/{probe.ECHO}/log", {}, 10.0)
    except KubeError:
        return ""


def _lost(scene: Scene, text: str, cause: str, figures: dict[str, float | int | None] | None = None) -> Fact:
    whole = "; ".join(filter(None, (cause, behind(scene, CONTROLLERS + CHANNELS))))
    return fails(NAME, text, whole, "run site.yml --tags knative, which brings Eventing back", **(figures or {}))
