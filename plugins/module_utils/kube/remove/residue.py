# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes what controllers of a release made outside of it, such as Istio's root certificate in every namespace."""

from __future__ import annotations

from typing import Any

from ..apply.refusals import explain
from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ApiError, ReleaseError
from ..objects import ObjectRef, matches
from ..parallel import for_each


def sweep(cluster: Cluster, rules: list[dict[str, Any]], check_mode: bool, deadline: Deadline) -> list[ObjectRef]:
    """Delete all objects that a rule of {api_version, kind, name, namespace, label_selector} describes.

    `name` and `namespace` may be shell patterns; a rule needs a name or a label selector. Gives what was deleted.
    Raises ReleaseError.
    """
    found: dict[ObjectRef, str] = {}
    for rule in rules:
        if not (rule.get("name") or rule.get("label_selector")):
            raise ReleaseError(
                f"{rule} of residue needs a name or a label_selector: it would delete every {rule['kind']}"
            )
        matcher = {"name": rule.get("name"), "namespace": rule.get("namespace")}
        items = cluster.list(rule["api_version"], rule["kind"], None, rule.get("label_selector"), deadline)
        found |= {ObjectRef.of(item): item["metadata"]["uid"] for item in items if matches(matcher, item)}

    def delete(ref: ObjectRef) -> None:
        try:
            cluster.delete(
                ref.api_version,
                ref.kind,
                ref.name,
                ref.namespace,
                uid=found[ref],
                dry_run=check_mode,
                deadline=deadline,
            )
        except ApiError as error:
            raise ReleaseError(explain(ref, error)) from error

    errors = for_each(delete, found)[1]
    if errors:
        raise ReleaseError("removing residue: " + "\n".join(str(error) for error in errors))
    return list(found)
