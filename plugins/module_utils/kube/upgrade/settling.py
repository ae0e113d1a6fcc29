# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until applied releases are ready, has the jobs run that an upgrade needs, and completes it; or goes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...durations import elapsed
from ...plain_copy import plain_copy
from ..apply.present import apply_release
from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ReleaseError, WaitError
from ..inventory.run_lock import RunLock
from ..inventory.store import jobs_release
from ..objects import Document, ObjectRef
from ..plan.leaving.rehearsal import AbsentOptions
from ..plan.present.options import PresentOptions
from ..plan.present.stored_versions import DEFINITION, storage_version, stored
from ..remove.absent import remove_release
from ..wait.targets import Target
from ..wait.waiting import wait_for
from .going_back import Way, back_or_raise, complete, ways_back

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Jobs:
    """What a release has to run after an upgrade: `documents`, with the version that they are of.

    `unmigrated` are CRDs of which objects may be stored in an older version although the release stands: their
    migration is due without an upgrade too.
    """

    release: str
    version: str
    documents: list[Document] = field(default_factory=list)
    unmigrated: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The release of its own that they are for as long as they run."""
        return jobs_release(self.release)

    def named(self) -> list[Document]:
        """The documents with names that stay the same: upstream's are made up by the server at each apply.

        As Knative's operator names them, by the version, so that what has run is not run again while it is there.
        """
        return [_named(document, self.version) for document in self.documents]

    def due(self) -> tuple[str, ...]:
        """The unmigrated CRDs that the jobs say they migrate."""
        words = {word for document in self.documents for word in _arguments(document)}
        return tuple(name for name in self.unmigrated if name in words)


@dataclass(frozen=True)
class Settling:
    """How releases are settled: with `rollback` an upgrade that does not get ready goes back. Seconds for each part."""

    releases: Sequence[str]
    jobs: Sequence[Jobs] = ()
    rollback: bool = True
    role: str = ""
    record_namespace: str = "kube-system"
    seconds: float = 300.0
    hopeless: bool = True


def settle(
    cluster: Cluster, targets: list[Target], settling: Settling, tell: Tell, lock: RunLock | None = None
) -> list[str]:
    """Return what was done, in words: the upgrades that are complete now and the jobs that ran.

    Raises WaitError for what is not ready, and ReleaseError for an upgrade that went back or whose jobs failed.
    """
    ways = ways_back(cluster, settling.releases, settling.record_namespace, Deadline(settling.seconds))
    try:
        wait_for(cluster, targets, Deadline(settling.seconds), tell, settling.hopeless)
    except WaitError as error:
        _go_back_from(cluster, error, ways, settling, tell, lock)
        raise
    done = []
    upgraded = {way.release: way for way in ways}
    for jobs in settling.jobs:
        if jobs.documents and (jobs.release in upgraded or jobs.due()):
            done += _run(cluster, jobs, upgraded.get(jobs.release), settling, tell, lock)
    for way in ways[::-1]:
        complete(cluster, way, settling.record_namespace, Deadline(settling.seconds))
        done.append(f"{way.release} is upgraded from {way.inventory.before} to {way.reached}")
    return done


def _go_back_from(
    cluster: Cluster, error: WaitError, ways: Sequence[Way], settling: Settling, tell: Tell, lock: RunLock | None
) -> None:
    """Raise ReleaseError after going back; return where there is no upgrade, or no way."""
    if not ways:
        return
    named = ", ".join(map(str, ways))
    if not settling.rollback or any(way.former is None for way in ways):
        why = "serverless_upgrade_rollback is false" if not settling.rollback else "nothing was kept to go back to"
        raise ReleaseError(
            f"{error}\nThe upgrade is not taken back ({named}): {why}. The next run goes on from here; with "
            "serverless_release as it was before, it goes back"
        ) from error
    tell(f"the upgrade does not get ready: {str(error).splitlines()[0]}")
    seconds = settling.seconds
    raise back_or_raise(cluster, error, ways, settling.role, settling.record_namespace, seconds, tell, lock) from error


def _run(
    cluster: Cluster, jobs: Jobs, way: Way | None, settling: Settling, tell: Tell, lock: RunLock | None
) -> list[str]:
    """Apply the jobs as a release of their own, wait for their end, and take them away again."""
    why = f"after the upgrade from {way.inventory.before}" if way else f"for {', '.join(jobs.due())}"
    tell(f"{jobs.release}: the jobs of {jobs.version} {why}")
    watch = Deadline(settling.seconds)
    options = PresentOptions(
        release=jobs.name, record_namespace=settling.record_namespace, version=jobs.version, role=settling.role
    )
    try:
        _forget_ended(cluster, jobs, watch)
        outcome = apply_release(cluster, jobs.named(), options, watch, tell, lock)
        wait_for(cluster, [Target.from_item(item) for item in outcome.wait], watch, tell)
    except (ReleaseError, WaitError) as error:
        raise ReleaseError(
            f"release '{jobs.release}' {jobs.version} is ready, and a job that belongs to its upgrade did not end "
            f"well: {error}\nNothing is taken back; what the job migrates stays readable. The next run tries it again"
        ) from error
    remove_release(
        cluster,
        AbsentOptions(jobs.name, seconds=settling.seconds),
        tell,
        lock,
        record_namespace=settling.record_namespace,
    )
    names = [document["metadata"]["name"] for document in jobs.named() if document["kind"] == "Job"]
    left = _left(cluster, jobs, watch)
    told = f"{', '.join(names)} ended well in {elapsed(watch.elapsed)}"
    return [told + (f"; still stored in older versions: {', '.join(left)}" if left else "")]


def _forget_ended(cluster: Cluster, jobs: Jobs, deadline: Deadline) -> None:
    """Take away jobs of the same name that have ended: they say nothing of what is stored now, or failed."""
    for document in jobs.named():
        ref = ObjectRef.of(document)
        if ref.kind != "Job":
            continue
        live = cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, deadline)
        conditions = ((live or {}).get("status") or {}).get("conditions") or []
        ended = {entry["type"] for entry in conditions if entry.get("status") == "True"}
        if live and ended & {"Complete", "Failed"}:
            uid = live["metadata"]["uid"]
            cluster.delete(ref.api_version, ref.kind, ref.name, ref.namespace, uid=uid, deadline=deadline)


def _left(cluster: Cluster, jobs: Jobs, deadline: Deadline) -> list[str]:
    """The CRDs named in the jobs of which objects may still be stored in an older version."""
    words = {word for document in jobs.documents for word in _arguments(document)}
    items = cluster.list("apiextensions.k8s.io/v1", DEFINITION, deadline=deadline) if words else []
    return sorted(
        item["metadata"]["name"]
        for item in items
        if item["metadata"]["name"] in words and set(stored(item)) - {storage_version(item)}
    )


def _arguments(document: Document) -> list[str]:
    template: dict[str, Any] = ((document.get("spec") or {}).get("template") or {}).get("spec") or {}
    return [word for container in template.get("containers") or [] for word in container.get("args") or []]


def _named(document: Document, version: str) -> Document:
    metadata = document["metadata"]
    if metadata.get("name") or not metadata.get("generateName"):
        return document
    named = plain_copy(document)
    prefix = named["metadata"].pop("generateName")
    named["metadata"]["name"] = f"{prefix}{version}"
    return named
