# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has webhooks see objects again that were made while the webhooks were away, so that they get what they lack.

An update that asks for nothing goes through admission all the same; the server stores it only where a webhook adds
something.
"""

from __future__ import annotations

from ..client.cluster import FIELD_MANAGER, Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..objects import Document, ObjectRef
from ..parallel import for_each

try:
    import jmespath
except ImportError:  # told when it is needed
    jmespath = None  # type: ignore[assignment]

MERGE_PATCH = "application/merge-patch+json"


def readmit(
    cluster: Cluster, api_version: str, kind: str, expression: str, check_mode: bool, deadline: Deadline
) -> list[ObjectRef]:
    """The objects for which JMESPath `expression` is true and that a webhook completed, or would in check mode.

    Raises ReleaseError with every refusal.
    """
    items = _lacking(cluster.list(api_version, kind, deadline=deadline), expression)

    def update(item: Document) -> ObjectRef | None:
        ref = ObjectRef.of(item)
        query = {"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if check_mode else {})}
        path = cluster.resource(api_version, kind).path(ref.namespace, ref.name)
        after = cluster.transport.call("PATCH", path, query=query, body={}, content_type=MERGE_PATCH, deadline=deadline)
        return ref if _content(after) != _content(item) else None

    completed, errors = for_each(update, items)
    if errors:
        raise ReleaseError("; ".join(map(str, errors)))
    return [ref for ref in completed if ref is not None]


def _lacking(items: list[Document], expression: str) -> list[Document]:
    if jmespath is None:
        raise ReleaseError("the Python package 'jmespath' is missing; pip install -r requirements.txt")
    try:
        compiled = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise ReleaseError(f"'{expression}' is no valid JMESPath: {error}") from error
    return [item for item in items if compiled.search(item)]


def _content(item: Document) -> Document:
    """The object without what every write changes."""
    metadata = {
        key: value for key, value in item["metadata"].items() if key not in ("resourceVersion", "managedFields")
    }
    return {**item, "metadata": metadata}
