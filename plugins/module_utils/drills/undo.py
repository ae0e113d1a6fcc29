# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to objects of the application for a drill's time, and back.

A drill speaks as the role does: it applies the role's own configuration of an object with one thing changed, under the
role's field manager, and afterwards that configuration as it was. So nobody else comes to own a field, and the next run
of the role finds nothing to do. What is to be taken back stands in a ConfigMap meanwhile: a drill that was killed is
undone by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ..kube.client.cluster import FIELD_MANAGER, Cluster
from ..kube.deadline import Deadline
from ..kube.errors import KubeError
from ..kube.inventory.managed_fields import owned_fields
from ..kube.objects import Document, ObjectRef
from ..kube.wait.targets import Target
from ..kube.wait.waiting import wait_for
from ..plain_copy import plain_copy
from .application import KNATIVE_SERVING
from .errors import DrillError

NAME = "drill"
LABEL = "serverless.selfhosted/drill"  # on what only a drill has made, a Knative revision
MANAGER = "selfhosted.serverless-drill"
SECONDS = 60.0


class Undo:
    """For one namespace. Use as a context manager: leaving it restores, whatever happened."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self._steps: list[dict[str, Document]] = []

    def change(self, api_version: str, kind: str, name: str, edit: Callable[[Document], None]) -> Document:
        """Apply the role's configuration of an object as `edit` changes it in place; the object as stored.

        Raises DrillError for an object that the role did not apply, KubeError for one that the server refuses.
        """
        before = self._configuration(api_version, kind, name)
        if before is None:
            what = f"{kind} {self.namespace}/{name}"
            raise DrillError(f"{what} was not applied by this collection; a drill leaves it alone")
        after = plain_copy(before)
        edit(after)
        self._steps.append({"before": before, "after": after})
        self._remember()
        return self.cluster.apply(after, deadline=Deadline(SECONDS))

    def restore(self) -> None:
        """Put all back, the last change first."""
        self._take_back(self._steps)
        self._steps = []

    def restore_former(self) -> list[str]:
        """Put back what a drill that did not come to its end has changed; the objects put back.

        What someone changed since, a run of the role for one, is left alone.
        """
        stored = self.cluster.get("v1", "ConfigMap", NAME, self.namespace)
        if stored is None:
            return []
        steps = json.loads((stored.get("data") or {}).get("steps") or "[]")
        refs = [ObjectRef.of(step["after"]) for step in steps]
        left = [
            step
            for step, ref in zip(steps, refs, strict=True)
            if self._configuration(ref.api_version, ref.kind, ref.name) == step["after"]
        ]
        self._take_back(left)
        return [str(ObjectRef.of(step["before"])) for step in left]

    def _take_back(self, steps: list[dict[str, Document]]) -> None:
        for step in reversed(steps):
            self.cluster.apply(step["before"], deadline=Deadline(SECONDS))
        revisions = self.cluster.list(KNATIVE_SERVING, "Revision", self.namespace, LABEL)
        names = [revision["metadata"]["name"] for revision in revisions]
        self._await_others([step["before"] for step in steps], names)
        for name in names:
            self.cluster.delete(KNATIVE_SERVING, "Revision", name, self.namespace, deadline=Deadline(SECONDS))
        self.cluster.delete("v1", "ConfigMap", NAME, self.namespace, deadline=Deadline(SECONDS))

    def _await_others(self, objects: list[Document], revisions: list[str]) -> None:
        """Wait until Knative has newer revisions of the services than these; before that it would make them anew."""
        newer = (
            "status.observedGeneration == metadata.generation"
            f" && !contains(`{json.dumps(revisions)}`, status.latestCreatedRevisionName)"
        )
        services = [
            Target(KNATIVE_SERVING, "Service", self.namespace, document["metadata"]["name"], expression=newer)
            for document in objects
            if revisions and document["apiVersion"] == KNATIVE_SERVING
        ]
        wait_for(self.cluster, services, Deadline(SECONDS), lambda line: None, hopeless=False)

    def __enter__(self) -> Undo:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            self.restore()
        except KubeError as problem:
            raise DrillError(
                f"what the drill changed could not be put back: {problem}. Run any drill again, or site.yml --tags todo"
            ) from (error or problem)

    def _configuration(self, api_version: str, kind: str, name: str) -> Document | None:
        """What the role applied of an object, in a form that can be applied again; None when it did not."""
        live = self.cluster.get(api_version, kind, name, self.namespace, Deadline(SECONDS))
        owned = owned_fields(live, FIELD_MANAGER)
        if not owned:
            return None
        metadata = {**owned.pop("metadata", {}), "name": name, "namespace": self.namespace}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **owned}

    def _remember(self) -> None:
        document = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": self.namespace},
            "data": {"steps": json.dumps(self._steps)},
        }
        self.cluster.apply(document, manager=MANAGER, force=True, deadline=Deadline(SECONDS))
