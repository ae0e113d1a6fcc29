# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until targets are fulfilled: list, watch, and a look at the pods of what is not ready."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...durations import elapsed
from ...repeats import Repeats
from ..client.backoff import worth_retrying
from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ApiError, KubeError, WaitError
from ..parallel import SIGN_OF_LIFE, for_each
from .causes import Finding
from .diagnosis import Diagnosis
from .evidence import Evidence
from .targets import ABSENT, ENDPOINTS, Target, Verdict, judge
from .views import informers_for, objects_of
from .webhooks import has_ready_endpoint

DIAGNOSIS_EVERY = 3.0  # seconds
# What may pass is no reason to do anything yet: until then it is told without advice
ADVISED_AFTER = 30.0
MOST_WORDS = 400  # characters of a reason in a line of progress


def wait_for(
    cluster: Cluster,
    targets: list[Target],
    deadline: Deadline,
    progress: Callable[[str], None],
    hopeless: bool = True,
) -> None:
    """Return when every target is fulfilled. Raises WaitError at the deadline, or at once for a hopeless state."""
    if targets:
        _Wait(cluster, targets, deadline, progress, hopeless).run()


class _Wait:
    def __init__(
        self,
        cluster: Cluster,
        targets: list[Target],
        deadline: Deadline,
        progress: Callable[[str], None],
        hopeless: bool,
    ) -> None:
        self.cluster = cluster
        self.pending = list(dict.fromkeys(targets))
        self.total = len(self.pending)
        self.deadline = deadline
        self.progress = progress
        self.look_for_hopeless = hopeless
        self.diagnosis = Diagnosis(cluster, deadline.seconds)
        self.found: dict[Target, list[Finding]] = {}
        self.informers = informers_for(cluster, self.pending, deadline)
        self.why: dict[Target, str] = {}
        self._something_new = threading.Event()
        self._repeats = Repeats()

    def run(self) -> None:
        self.cluster.discovery.ensure(self.deadline)
        self._list_first()
        self._settle()
        if not self.pending:
            return
        for informer in {self.informers[target] for target in self.pending}:
            informer.start(self._something_new.set)
        try:
            self._loop()
        finally:
            for informer in set(self.informers.values()):
                informer.stop()

    def _list_first(self) -> None:
        """Raises what will not pass by itself; a listing that fails otherwise is begun anew by its informer."""
        errors = for_each(lambda informer: informer.list(), set(self.informers.values()))[1]
        for error in errors:
            if isinstance(error, ApiError) and not worth_retrying(error):
                raise error

    def _loop(self) -> None:
        diagnosed = told = self.deadline.elapsed
        while self.pending:
            if self.deadline.passed:
                raise WaitError(self._timeout_message())
            self._something_new.wait(min(1.0, self.deadline.remaining))
            self._something_new.clear()
            self._settle()
            now = self.deadline.elapsed
            if self.pending and now - diagnosed >= DIAGNOSIS_EVERY:
                self._diagnose()
                diagnosed = self.deadline.elapsed
            if self.pending and now - told >= SIGN_OF_LIFE:
                told = now
                self._tell()

    def _tell(self) -> None:
        """One line about the target of which most is known, where there is news, and every 30 s."""
        first = next((target for target in self.pending if self.found.get(target)), self.pending[0])
        why = self._why(first, self.deadline.elapsed >= ADVISED_AFTER)
        why = why if len(why) <= MOST_WORDS else f"{why[:MOST_WORDS]}…"
        count = f"{len(self.pending)} of {self.total}"
        if self._repeats.age((count, first, why)) is not None:
            self.progress(f"waiting for {count}, such as {first} ({why}), {elapsed(self.deadline.elapsed)}")

    def _settle(self) -> None:
        """Take what is fulfilled off the list."""
        still = []
        for target in self.pending:
            verdict = self._judge(target)
            if verdict.hopeless and self.look_for_hopeless:
                reasons = "; ".join([verdict.why, *self.diagnosis.reasons(target)])
                raise WaitError(f"{target} cannot come true: {reasons}")
            if not verdict.fulfilled:
                self.why[target] = verdict.why
                still.append(target)
        self.pending = still

    def _judge(self, target: Target) -> Verdict:
        informer = self.informers[target]
        if informer.objects is None:
            return Verdict(False, "it could not be looked up yet")
        found = objects_of(target, informer)
        if target.condition == ENDPOINTS:
            return Verdict(has_ready_endpoint(found), "no ready endpoint")
        if target.condition == ABSENT:
            held = [finalizer for item in found for finalizer in item["metadata"].get("finalizers") or []]
            return Verdict(not found, f"{len(found)} still there" + (f", held by {', '.join(held)}" if held else ""))
        if not informer.served:
            return Verdict(False, f"the cluster does not serve {target.kind} of {target.api_version}")
        if not found:
            return Verdict(False, "it does not exist")
        verdicts = [judge(target, item) for item in found]
        return next((verdict for verdict in verdicts if not verdict.fulfilled), Verdict(True))

    def _why(self, target: Target, with_advice: bool = True) -> str:
        """Why not yet; first of all when nothing new is known."""
        no_news, why = self.informers[target].no_news, self.why.get(target, "unknown")
        if no_news:
            return f"{no_news}; before that: {why}"
        found = [finding.in_short(with_advice) for finding in self.found.get(target, [])[:1]]
        return "; ".join([*found, why])

    def _diagnose(self) -> None:
        """Look behind everything pending, within a few seconds. Raises WaitError for what waiting cannot help."""
        evidence = Evidence(self.cluster)
        for target in self.pending:
            try:
                found = self.found[target] = self.diagnosis.look(target, evidence)
            except KubeError:
                return  # what was found before still holds; the informers tell that the server does not answer
            hopeless = self.diagnosis.hopeless(target, found) if self.look_for_hopeless else None
            if hopeless:
                raise WaitError(f"{target} cannot come true: {self.diagnosis.in_full(hopeless)}")

    def _timeout_message(self) -> str:
        lines = [f"not fulfilled after {self.deadline.seconds:.0f} s:"]
        evidence = Evidence(self.cluster)
        for target in self.pending[:8]:
            found = self.diagnosis.reasons(target, evidence) or [str(finding) for finding in self.found.get(target, [])]
            reasons = [self.informers[target].no_news, self.why.get(target, "unknown"), *found]
            lines.append(f"{target}: {'; '.join(filter(None, reasons))}{_where_to_look(target)}")
        if len(self.pending) > 8:
            lines.append(f"and {len(self.pending) - 8} more")
        return "\n".join(lines)


def _where_to_look(target: Target) -> str:
    """The command that shows more."""
    place = f" -n {target.namespace}" if target.namespace else ""
    group, slash, version = target.api_version.rpartition("/")
    kind = f"{target.kind}.{version}.{group}" if slash else target.kind
    chosen = target.name or f"-l {target.label_selector}"
    return f" (more: kubectl{place} describe {kind.lower()} {chosen})"
