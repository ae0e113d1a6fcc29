# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the pods behind something that is waited for and tells what keeps it from becoming ready."""

from __future__ import annotations

import time

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ApiError, KubeError
from ..objects import Document
from .pods import Trouble, troubles
from .targets import Target

LOOK_SECONDS = 5.0  # a diagnosis must not take long
NO_LOG = "unable to retrieve container logs"  # what the kubelet gives instead of a log that is gone
MOST_REASONS = 3
REVISION = "deployment.kubernetes.io/revision"


class Diagnosis:
    """Remembers since when each trouble is seen, so that a passing one does not end the wait."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._since: dict[Target, dict[tuple[str, str], float]] = {}

    def hopeless(self, target: Target) -> str | None:
        """The reason why waiting for `target` cannot help any more, or None."""
        found = self._troubles(target)
        in_trouble = {trouble.pod for trouble in found}
        # A pod without any trouble starts anew; one that goes from one trouble to the next and back does not.
        since = {key: start for key, start in self._since.get(target, {}).items() if key[0] in in_trouble}
        self._since[target] = since
        for trouble in found:
            if trouble.wants_room and self._room_is_coming(target):
                since.pop((trouble.pod, trouble.advice), None)
                continue
            started = since.setdefault((trouble.pod, trouble.advice), time.monotonic())
            if trouble.patience is not None and time.monotonic() - started >= trouble.patience:
                return self._tell(trouble)
        return None

    def _room_is_coming(self, target: Target) -> bool:
        """Whether pods beside the target's are on their way out, as in a rolling update on a full node."""
        try:
            pods = self.cluster.list("v1", "Pod", target.namespace, deadline=Deadline(LOOK_SECONDS))
        except KubeError:
            return False
        return any(pod["metadata"].get("deletionTimestamp") for pod in pods)

    def reasons(self, target: Target) -> list[str]:
        """What is wrong with the pods behind `target`, and its own last warning, for the message at the time limit."""
        found = [self._tell(trouble) for trouble in self._troubles(target)][:MOST_REASONS]
        warning = self._last_warning(target)
        return [*found, warning] if warning else found

    def _troubles(self, target: Target) -> list[Trouble]:
        try:
            return [trouble for pod in self._pods(target) for trouble in troubles(pod)]
        except KubeError:
            return []  # a diagnosis that fails must not hide what is being waited for

    def _pods(self, target: Target) -> list[Document]:
        selector = self._selector(target)
        if target.namespace is None or selector is None:
            return []
        pods = self.cluster.list("v1", "Pod", target.namespace, selector, Deadline(LOOK_SECONDS))
        if target.kind == "Pod" and target.name:
            return [pod for pod in pods if pod["metadata"]["name"] == target.name]
        return pods

    def _selector(self, target: Target) -> str | None:
        """Label selector of the pods behind the target; None when it has none."""
        if target.kind == "Pod":
            return target.label_selector or ""
        if target.name is None:
            return None
        live = self.cluster.get(target.api_version, target.kind, target.name, target.namespace, Deadline(LOOK_SECONDS))
        if live is None:
            return None
        if target.api_version.startswith("serving.knative.dev/"):
            newest = (live.get("status") or {}).get("latestCreatedRevisionName")
            return f"serving.knative.dev/revision={newest or target.name}"
        selector = (live.get("spec") or {}).get("selector") or {}
        labels = dict(selector if target.api_version == "v1" else selector.get("matchLabels") or {})
        if target.kind == "Deployment" and labels:
            labels.update(self._newest_template(live, labels))
        return ",".join(f"{key}={value}" for key, value in labels.items()) or None

    def _newest_template(self, deployment: Document, labels: dict[str, str]) -> dict[str, str]:
        """The label of the newest ReplicaSet's pods: trouble of older ones is on its way out."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        namespace = deployment["metadata"]["namespace"]
        revision = (deployment["metadata"].get("annotations") or {}).get(REVISION)
        for replica_set in self.cluster.list("apps/v1", "ReplicaSet", namespace, selector, Deadline(LOOK_SECONDS)):
            metadata = replica_set["metadata"]
            if revision and (metadata.get("annotations") or {}).get(REVISION) == revision:
                template_hash = (metadata.get("labels") or {}).get("pod-template-hash")
                return {"pod-template-hash": template_hash} if template_hash else {}
        return {}

    def _tell(self, trouble: Trouble) -> str:
        last = self._last_log_line(trouble) if trouble.log_of else ""
        return f"pod {trouble.pod}: {trouble.what}{last}; {trouble.advice}"

    def _last_warning(self, target: Target) -> str:
        """The newest warning among the events of the object itself."""
        if not (target.namespace and target.name):
            return ""
        path = f"/api/v1/namespaces/{target.namespace}/events"
        chosen = f"involvedObject.kind={target.kind},involvedObject.name={target.name},type=Warning"
        try:
            events = self.cluster.transport.call(
                "GET", path, query={"fieldSelector": chosen}, deadline=Deadline(LOOK_SECONDS)
            )["items"]
        except KubeError:
            return ""
        newest = max(events, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "", default=None)
        return f"last warning: {newest.get('reason', '')}: {newest.get('message', '')[:300]}" if newest else ""

    def _last_log_line(self, trouble: Trouble) -> str:
        namespace, name = trouble.pod.split("/", 1)
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/log"
        for previous in ("true", "false"):
            query = {"container": trouble.log_of, "tailLines": "5", "previous": previous}
            try:
                text = self.cluster.transport.read_text(path, query, LOOK_SECONDS)
            except (ApiError, KubeError):
                continue
            lines = [line for line in text.splitlines() if line.strip() and not line.startswith(NO_LOG)]
            if lines:
                return f", its last words: {lines[-1][:300]}"
        return ""
