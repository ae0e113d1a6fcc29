# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks behind something that is waited for and tells what keeps it from becoming ready, and whether waiting helps."""

from __future__ import annotations

from time import monotonic

from ..client.cluster import Cluster
from ..errors import KubeError
from ..objects import Document
from . import claims, containers, knative, pods, refusals
from .causes import Finding
from .events import Event
from .evidence import Evidence
from .targets import ABSENT, Target
from .workloads import Behind, behind

MOST_REASONS = 3
LOG_SECONDS = 3.0
NO_LOG = "unable to retrieve container logs"  # what the kubelet gives instead of a log that is gone


class Diagnosis:
    """Remembers since when each cause is seen, so that a passing one does not end the wait, and what kubelets said.

    `limit` is the wait's in seconds; some patience is a share of it.
    """

    def __init__(self, cluster: Cluster, limit: float = 0.0) -> None:
        self.cluster = cluster
        self.limit = limit
        self._since: dict[Target, dict[tuple[str, str], float]] = {}
        self._pull_words: dict[tuple[str, str], str] = {}

    def look(self, target: Target, evidence: Evidence) -> list[Finding]:
        """What is wrong behind `target`, the least patient first. Raises KubeError when the cluster does not answer."""
        if target.condition == ABSENT:
            return []
        found = [finding for live in self._lives(target, evidence) for finding in self._findings(live, evidence)]
        self._note(target, found)
        return sorted(dict.fromkeys(found), key=lambda finding: _left(finding, self.limit))

    def hopeless(self, target: Target, found: list[Finding]) -> Finding | None:
        """The finding that has lasted longer than waiting can help, or None."""
        since = self._since.get(target, {})
        for finding in found:
            patience = finding.patience.seconds(self.limit)
            started = since.get((finding.subject, finding.cause), monotonic())
            if patience is not None and monotonic() - started >= patience:
                return finding
        return None

    def reasons(self, target: Target, evidence: Evidence | None = None) -> list[str]:
        """What is wrong behind `target`, with the last words of logs, for a message that ends the wait."""
        evidence = evidence or Evidence(self.cluster)
        try:
            found = [self.in_full(finding) for finding in self.look(target, evidence)][:MOST_REASONS]
            warning = self._last_warning(target, evidence)
        except KubeError:
            return []  # a diagnosis that fails must not hide what is being waited for
        told = " ".join(found)
        return [*found, f"last warning: {warning}"] if warning and warning[:200] not in told else found

    def in_full(self, finding: Finding) -> str:
        """The finding, with the last line of the container's log where that tells more."""
        last = self._last_log_line(*finding.log_of) if finding.log_of else ""
        return f"{finding.subject}: {finding.what}{last}; {finding.advice}"

    def _lives(self, target: Target, evidence: Evidence) -> list[Document]:
        if target.name:
            live = evidence.get(target.api_version, target.kind, target.name, target.namespace)
            return [live] if live else []
        return evidence.list(target.api_version, target.kind, target.namespace, target.label_selector)

    def _findings(self, live: Document, evidence: Evidence) -> list[Finding]:
        what = behind(live, evidence)
        if what.claim:
            return self._of_claims([what.claim], evidence)
        found = self._refused(what, evidence)
        for pod in what.pods:
            found += self._of_pod(pod, evidence)
        # A revision repeats what its pods say, and knows less about it.
        return found or (knative.failed(what.revision) if what.revision else [])

    def _refused(self, what: Behind, evidence: Evidence) -> list[Finding]:
        for owner in what.owners:
            metadata = owner["metadata"]
            events = evidence.events(metadata["namespace"], metadata.get("uid", ""))
            if finding := refusals.refused(owner, what.pods, events):
                return [finding]
        return []

    def _of_pod(self, pod: Document, evidence: Evidence) -> list[Finding]:
        if _is_ready(pod):
            return []
        namespace, uid = pod["metadata"]["namespace"], pod["metadata"].get("uid", "")
        events = evidence.events(namespace, uid)
        words = self._remember(pod, uid, events)
        if not pods.has_no_node(pod):
            found = pods.findings(pod, pods.Surroundings(events, pull_words=words))
            return found or pods.still_pulling(pod, evidence.events_of_all_types(namespace, uid))
        names = claims.claim_names(pod)
        listed = evidence.list("v1", "PersistentVolumeClaim", namespace) if names else []
        of_claims = self._of_claims([claim for claim in listed if claim["metadata"]["name"] in names], evidence)
        if not pods.is_unschedulable(pod):
            return pods.findings(pod, pods.Surroundings(events, claims=of_claims, pull_words=words))
        every = evidence.events_of_all_types(namespace, uid)
        around = pods.Surroundings(every, evidence.nodes(), of_claims, evidence.is_leaving(namespace), words)
        return pods.findings(pod, around)

    def _of_claims(self, wanted: list[Document], evidence: Evidence) -> list[Finding]:
        found = []
        for claim in wanted:
            if (claim.get("status") or {}).get("phase") != "Bound":
                metadata = claim["metadata"]
                events = evidence.events_of_all_types(metadata["namespace"], metadata.get("uid", ""))
                found.append(claims.unbound(claim, evidence.storage(), events))
        return [finding for finding in found if finding]

    def _remember(self, pod: Document, uid: str, events: list[Event]) -> dict[str, str]:
        """By container, why its pull failed. The kubelet says it now and then only."""
        words = {}
        for entry in pods.container_entries(pod):
            name = entry.get("name", "")
            message = containers.pull_message(entry, events)
            if message:
                self._pull_words[(uid, name)] = message
            words[name] = self._pull_words.get((uid, name), "")
        return words

    def _note(self, target: Target, found: list[Finding]) -> None:
        """A subject without any trouble starts anew; one that goes from one trouble to the next and back does not."""
        in_trouble = {finding.subject for finding in found}
        since = {key: start for key, start in self._since.get(target, {}).items() if key[0] in in_trouble}
        for finding in found:
            since.setdefault((finding.subject, finding.cause), monotonic())
        self._since[target] = since

    def _last_warning(self, target: Target, evidence: Evidence) -> str:
        """The newest warning among the events of the object itself."""
        lives = self._lives(target, evidence) if target.namespace and target.name else []
        for live in lives:
            for event in evidence.events(live["metadata"]["namespace"], live["metadata"].get("uid", "")):
                return f"{event.reason}: {event.message[:300]}"
        return ""

    def _last_log_line(self, namespace: str, pod: str, container: str) -> str:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        for previous in ("true", "false"):
            query = {"container": container, "tailLines": "5", "previous": previous}
            try:
                text = self.cluster.transport.read_text(path, query, LOG_SECONDS)
            except KubeError:
                continue
            lines = [line for line in text.splitlines() if line.strip() and not line.startswith(NO_LOG)]
            if lines:
                return f", its last words: {lines[-1][:300]}"
        return ""


def _left(finding: Finding, limit: float) -> float:
    seconds = finding.patience.seconds(limit)
    return float("inf") if seconds is None else seconds


def _is_ready(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(entry.get("type") == "Ready" and entry.get("status") == "True" for entry in conditions)
