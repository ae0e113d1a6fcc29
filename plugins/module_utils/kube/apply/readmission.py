# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has webhooks see objects again that were made while the webhooks were away, so that they get what they lack.

An update that asks for nothing goes through admission all the same; the server stores it only where a webhook adds
something.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from ..client.answers import object_fault
from ..client.cluster import FIELD_MANAGER, Cluster
from ..deadline import Deadline
from ..errors import ApiError, ReleaseError
from ..objects import Document, ObjectRef
from ..parallel import for_each

try:
    import jmespath
except ImportError:  # told when it is needed
    jmespath = None  # type: ignore[assignment]

MERGE_PATCH = "application/merge-patch+json"
# An API server takes a new webhook configuration into account after a moment, each server for itself.
PATIENCE = 10.0  # seconds
PAUSE = 1.0  # seconds between tries


class Readmission(NamedTuple):
    """What a webhook completed (or would, in check mode), and what still lacks something. The latter may be meant so:
    webhooks can leave namespaces out. It is empty in check mode, in which webhooks may be missing yet."""

    completed: list[ObjectRef]
    lacking: list[ObjectRef]


def readmit(
    cluster: Cluster, api_version: str, kind: str, expression: str, check_mode: bool, deadline: Deadline
) -> Readmission:
    """Update the objects for which JMESPath `expression` is true, without a change of our own.

    What is still lacking is tried again for PATIENCE seconds. Raises ReleaseError with every refusal.
    """
    lacks = _compiled(expression)
    items = [item for item in cluster.list(api_version, kind, deadline=deadline) if lacks(item)]
    waiting = [item for item in items if "deletionTimestamp" not in item["metadata"]]
    patience = Deadline(min(PATIENCE, deadline.remaining))
    completed: list[ObjectRef] = []
    while True:
        answers, errors = for_each(lambda item: (item, _updated(cluster, item, check_mode, deadline)), waiting)
        if errors:
            raise ReleaseError.of("", errors)
        there = [(before, after) for before, after in answers if after is not None]
        completed += [ObjectRef.of(after) for before, after in there if _content(after) != _content(before)]
        waiting = [after for before, after in there if lacks(after)]
        if check_mode or not waiting or patience.passed:
            return Readmission(completed, [] if check_mode else [ObjectRef.of(item) for item in waiting])
        time.sleep(min(PAUSE, patience.remaining))


def _updated(cluster: Cluster, item: Document, check_mode: bool, deadline: Deadline) -> Document | None:
    """The object after an update that asks for nothing; None when it is gone by now. Raises KubeError."""
    ref = ObjectRef.of(item)
    query = {"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if check_mode else {})}
    try:
        return cluster.transport.call(
            "PATCH",
            cluster.resource(ref.api_version, ref.kind, deadline).path(ref.namespace, ref.name),
            query=query,
            body={},
            content_type=MERGE_PATCH,
            deadline=deadline,
            fault_of=lambda answer: object_fault(
                answer, ref.api_version, ref.kind, ref.name, ref.namespace, stored=True
            ),
        )
    except ApiError as error:
        if error.is_not_found_of(ref.name):
            return None
        raise


def _compiled(expression: str) -> Callable[[Document], bool]:
    if jmespath is None:
        raise ReleaseError("the Python package 'jmespath' is missing; pip install -r requirements.txt")
    try:
        compiled = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise ReleaseError(f"'{expression}' is no valid JMESPath: {error}") from error
    return lambda item: bool(compiled.search(item))


def _content(item: Document) -> Document:
    """The object without what every write changes."""
    metadata = {
        key: value for key, value in item["metadata"].items() if key not in ("resourceVersion", "managedFields")
    }
    return {**item, "metadata": metadata}
