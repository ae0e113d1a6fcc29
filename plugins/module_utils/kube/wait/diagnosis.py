# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks behind something that is waited for and tells what keeps it from becoming ready, and whether waiting helps."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from ..client.cluster import Cluster
from ..errors import KubeError
from ..objects import Document
from ..wait import claims, containers, knative, pods, refusals
from .causes import Finding, Patience
from .events import Event
from .evidence import Evidence
from .logs import last_words
from .mended import if_mended
from .scheduling import AUTOSCALER_REASONS
from .targets import ABSENT, Target
from .workloads import Behind, behind

MOST_REASONS = 3


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
            wrong = [finding for finding in self.look(target, evidence) if finding.patience is not Patience.UNDERWAY]
            found = [self.in_full(finding) for finding in wrong[:MOST_REASONS]]
            warning = self._last_warning(target, evidence)
        except KubeError:
            return []  # a diagnosis that fails must not hide what is being waited for
        # The event's message without its reason: a finding may have it from the same event.
        words = warning.partition(": ")[2][:200]
        return [*found, f"last warning: {warning}"] if words and words not in " ".join(found) else found

    def in_full(self, finding: Finding) -> str:
        """The finding, with the last line of the container's log where that tells more."""
        last = last_words(self.cluster, *finding.log_of) if finding.log_of else ""
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
        for pod in what.older:
            found += [replace(finding, older=True) for finding in self._of_pod(pod, evidence)]
        # A revision repeats what its pods say, and knows less about it.
        found = found or (knative.failed(what.revision) if what.revision else [])
        found = found or self._underway(what.pods, evidence)
        return [if_mended(finding, evidence) for finding in found]

    def _refused(self, what: Behind, evidence: Evidence) -> list[Finding]:
        for owner in what.owners:
            if finding := refusals.refused(owner, what.pods, evidence.events(owner)):
                return [finding]
        return []

    def _of_pod(self, pod: Document, evidence: Evidence) -> list[Finding]:
        if _is_ready(pod):
            return []
        namespace, uid = pod["metadata"]["namespace"], pod["metadata"].get("uid", "")
        events = evidence.events(pod)
        words = self._remember(pod, uid, events)
        if not pods.has_no_node(pod):
            return pods.findings(pod, pods.Surroundings(events, pull_words=words))
        names = claims.claim_names(pod)
        listed = evidence.list("v1", "PersistentVolumeClaim", namespace) if names else []
        of_claims = self._of_claims([claim for claim in listed if claim["metadata"]["name"] in names], evidence)
        if not pods.is_unschedulable(pod):
            return pods.findings(pod, pods.Surroundings(events, claims=of_claims, pull_words=words))
        heard = [*events, *evidence.with_reasons(pod, *AUTOSCALER_REASONS)]
        around = pods.Surroundings(heard, evidence.nodes(), of_claims, evidence.is_leaving(namespace), words)
        return pods.findings(pod, around)

    def _underway(self, of_target: list[Document], evidence: Evidence) -> list[Finding]:
        """What the first pod that is not ready is doing; one stands for all, however many there are."""
        unready = next((pod for pod in of_target if not _is_ready(pod)), None)
        return pods.still_pulling(unready, evidence.events_of_all_types(unready)) if unready else []

    def _of_claims(self, wanted: list[Document], evidence: Evidence) -> list[Finding]:
        found = []
        for claim in wanted:
            if (claim.get("status") or {}).get("phase") != "Bound":
                found.append(claims.unbound(claim, evidence.storage(), evidence.events_of_all_types(claim)))
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
        for live in self._lives(target, evidence) if target.name else []:
            for event in evidence.events(live):
                return f"{event.reason}: {event.message[:300]}"
        return ""


def _left(finding: Finding, limit: float) -> float:
    seconds = finding.patience.seconds(limit)
    return float("inf") if seconds is None else seconds


def _is_ready(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(entry.get("type") == "Ready" and entry.get("status") == "True" for entry in conditions)
