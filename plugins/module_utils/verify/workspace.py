# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespace of the probes: made, and taken away again whatever happened."""

from __future__ import annotations

import time
import uuid

from ..kube.deadline import Deadline
from ..kube.errors import ApiError, KubeError, WaitError
from ..kube.inventory.ownership import is_terminating, uid_of
from ..kube.objects import Document
from ..kube.wait.targets import ABSENT, Target
from ..kube.wait.waiting import wait_for
from ..openshift.detection import ROUTE
from ..openshift.routes import public_route, routes_of
from ..openshift.scc import are_in_force, without_fixed_ids
from ..site.node_kinds import node_info
from ..site.summary import pulled_from
from . import probe
from .errors import VerifyError
from .scene import EVENTING, ISTIO, SERVING, Scene

MANAGER = "selfhosted.serverless-verify"
_AWAY_SECONDS = 90.0
_FORMER_SECONDS = 45.0
_MAKE_SECONDS = 30.0
_EMPTY_SECONDS, _LOOK_SECONDS = 20.0, 0.5


class Workspace:
    """Use as a context manager; leaving it takes all away, and waits until it is gone.

    `trouble` says why the probes of a part could not be made, by the part; '' stands for all of them. `without` says
    why none are to be made, where nothing is wrong.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene, self.home = scene, scene.settings.namespace
        # Not that of a verification a moment ago: gateways and activators do not forget a service at once
        self.hello = f"{probe.HELLO}-{uuid.uuid4().hex[:5]}"
        self.trouble: dict[str, str] = {}
        self.image = self.without = ""

    def __enter__(self) -> Workspace:
        """Raises VerifyError where the namespace is somebody's, KubeError where the cluster does not answer."""
        self._refuse_what_is_of_others()
        self.take_away_former()
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self._take_away_routes()
            self._take_away([self.home], _AWAY_SECONDS)
        except KubeError as error:
            self.scene.tell(f"namespace {self.home} could not be taken away: {error}; the next verification does it")

    @property
    def asks_registry(self) -> bool:
        """Whether a node is made to ask a registry. Nodes with docker are not told mirrors (docs/nodes.md)."""
        runtimes = [node_info(node, "containerRuntimeVersion") for node in self.scene.nodes]
        return self.scene.settings.pull and not any(runtime.startswith("docker://") for runtime in runtimes)

    def fill(self) -> None:
        """Make the namespace and the probes. What is refused is noted in `trouble`."""
        if not self.scene.settings.image and not self.scene.installed(ISTIO):
            self.without = "Istio is not installed, whose image has what the probes run; another one is verify_image"
            return
        try:
            self.image = self.scene.settings.image or image_of(self.scene)
            self._apply(probe.namespace(self.home))
        except (KubeError, VerifyError) as error:
            self.trouble[""] = str(error)
            return
        parts: dict[str, list[Document]] = {"echo": probe.echo(self.home, self.image)}
        if self.asks_registry:
            parts["pull"] = [probe.pull(self.home, self.image)]
        if self.scene.installed(SERVING):
            parts[SERVING] = [probe.hello(self.hello, self.home, self.image)]
        if self.scene.installed(EVENTING):
            parts[EVENTING] = probe.broker(self.home)
        for part, documents in parts.items():
            try:
                for document in documents:
                    self._apply(document)
            except KubeError as error:
                self.trouble[part] = str(error)

    def route(self, host: str) -> bool:
        """Have OpenShift's router pass a host of a probe on, where the gateway is reached by it; whether it does."""
        if not host or self.scene.is_routed(host):
            return False
        document = public_route(self.hello, host, vars(self.scene.settings.gateway))
        document["metadata"]["labels"] = {probe.LABEL: probe.VALUE}
        try:
            self._apply(document)
        except KubeError as error:
            self.scene.tell(f"no Route for {host}, which is asked for through the API server: {error}")
            return False
        return True

    def await_ready(self, *targets: Target, seconds: float) -> None:
        """Wait, with the wait engine's diagnosis. Raises WaitError."""
        wait_for(self.scene.cluster, list(targets), self.scene.seconds(seconds), self.scene.tell)

    def why_not(self, part: str) -> str:
        """Why the probes of a part are not there; '' where they are."""
        return self.trouble.get("", "") or self.trouble.get(part, "")

    def take_away_former(self) -> None:
        """What a verification that did not come to its end has left, under whatever name.

        Where something holds it, such as the finalizer of a controller that is away, this one goes on under another
        name: whoever is looking for that controller must not be kept from it.
        """
        self._take_away_routes()
        selector = f"{probe.LABEL}={probe.VALUE}"
        left = self.scene.cluster.list("v1", "Namespace", label_selector=selector, deadline=self.scene.seconds(30))
        names = [item["metadata"]["name"] for item in left]
        if not names:
            return
        self.scene.tell(f"taking away what an earlier verification left: namespace {', '.join(names)}")
        self._take_away(names, _FORMER_SECONDS)
        if self.scene.cluster.get("v1", "Namespace", self.home, deadline=self.scene.seconds(30)) is not None:
            self.home = f"{self.home}-{uuid.uuid4().hex[:5]}"
            self.scene.tell(f"going on in the namespace {self.home}")

    def _take_away_routes(self) -> None:
        """Delete the Routes of probes, which stand in the gateway's namespace."""
        place, cluster, deadline = self.scene.settings.gateway.namespace, self.scene.cluster, self.scene.seconds(30)
        for live in routes_of(cluster, place, deadline, f"{probe.LABEL}={probe.VALUE}"):
            cluster.delete(*ROUTE, live["metadata"]["name"], place, uid=live["metadata"]["uid"], deadline=deadline)

    def _refuse_what_is_of_others(self) -> None:
        live = self.scene.cluster.get("v1", "Namespace", self.home, deadline=self.scene.seconds(30))
        labels = (live or {}).get("metadata", {}).get("labels") or {}
        if live is not None and labels.get(probe.LABEL) != probe.VALUE:
            raise VerifyError(
                f"the namespace {self.home} is there and not of verification; write another name as verify_namespace"
            )

    def _apply(self, document: Document) -> None:
        seconds = self.scene.seconds(_MAKE_SECONDS)
        if are_in_force(self.scene.cluster, seconds):
            document = without_fixed_ids(document)
        self.scene.cluster.apply(document, manager=MANAGER, force=True, deadline=seconds)

    def _take_away(self, names: list[str], seconds: float) -> None:
        """Delete namespaces of ours and wait; what is still there in the end is told, and why."""
        deadline, leaving = Deadline(seconds), []
        for name in names:
            live = self.scene.cluster.get("v1", "Namespace", name, deadline=deadline)
            if live is None or (live["metadata"].get("labels") or {}).get(probe.LABEL) != probe.VALUE:
                continue  # gone, or another one of that name by now
            uid = live["metadata"]["uid"]
            self.scene.cluster.delete("v1", "Namespace", name, uid=uid, deadline=deadline)
            leaving.append(name)
        for name in leaving:
            self._empty(name)
        targets = [Target("v1", "Namespace", None, name, condition=ABSENT) for name in names]
        try:
            wait_for(self.scene.cluster, targets, deadline, self.scene.tell, hopeless=False)
        except WaitError as error:
            self.scene.tell(f"{error}; it goes when what holds it lets go")

    def _empty(self, name: str) -> None:
        """Let go of the pods of a namespace that is being deleted, and then have it looked at again.

        The namespace controller looks again when half of the longest time is over that a pod may take to end, and
        Knative gives pods 300 s. A change of the namespace has it look 5 s later (pkg/controller/namespace in
        kubernetes). A shorter time than theirs would not do: what they do before they end, 30 s of it, is waited for.
        """
        cluster, limit, told = self.scene.cluster, Deadline(_EMPTY_SECONDS), set()
        while pods := cluster.list("v1", "Pod", name, deadline=self.scene.seconds(30)):
            for pod in pods:
                if is_terminating(pod) and uid_of(pod) not in told:
                    told.add(uid_of(pod))
                    self._let_go(pod)
            if limit.passed:
                return
            time.sleep(min(_LOOK_SECONDS, limit.remaining))
        touched = {"metadata": {"annotations": {f"{probe.LABEL}-emptied": "true"}}}
        path = cluster.resource("v1", "Namespace").path(None, name)
        try:
            kind = "application/merge-patch+json"
            cluster.transport.call("PATCH", path, body=touched, content_type=kind, deadline=self.scene.seconds(30))
        except ApiError as error:
            if error.status not in (403, 404, 409):
                raise

    def _let_go(self, pod: Document) -> None:
        """Forget a pod at once; where that is not allowed it takes its time."""
        metadata, limit = pod["metadata"], self.scene.seconds(30)
        place = ("v1", "Pod", metadata["name"], metadata["namespace"])
        try:
            self.scene.cluster.delete(*place, uid=uid_of(pod), grace_seconds=0, deadline=limit)
        except ApiError as error:
            if error.status not in (403, 409):
                raise


def image_of(scene: Scene) -> str:
    """The image of Istio's proxy as the gateway's pods run it: it is on the nodes, under the name that they know.

    Raises VerifyError where no pod of the gateway says it.
    """
    place = scene.settings.gateway
    selector = ",".join(f"{key}={value}" for key, value in sorted(place.selector.items()))
    pods = scene.cluster.list("v1", "Pod", place.namespace, selector, deadline=scene.seconds(10))
    deployment = scene.cluster.get("apps/v1", "Deployment", place.name, place.namespace, scene.seconds(10)) or {}
    template = (deployment.get("spec") or {}).get("template") or {}
    for item in [*pods, template]:
        for container in (item.get("spec") or {}).get("containers") or []:
            if container["name"] == "istio-proxy" and container.get("image") not in (None, "", "auto"):
                return container["image"]
    raise VerifyError(
        f"no pod of the gateway ({selector} in {place.namespace}) tells an image with Envoy, which the probes run; "
        "name one as verify_image"
    )


def observed_registry(pod: Document, image: str) -> str:
    """The registry that a pod's status tells for an image, where it tells another than its name; else ''."""
    return pulled_from([pod]).get(image, "")
