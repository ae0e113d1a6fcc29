# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What controllers of a release made outside of it, such as Istio's root certificate in every namespace."""

from __future__ import annotations

from typing import Any

from ...client.cluster import Cluster
from ...deadline import Deadline
from ...errors import ReleaseError
from ...inventory.owners import Going
from ...objects import Document, ObjectRef, matches
from ..plan import Action, Step
from .cluster_made import managers_of


def is_residue(rules: list[dict[str, Any]], item: Document) -> bool:
    """True when a rule describes the object.

    A rule has api_version and kind; name and namespace, shell patterns; label_selector, equalities alone; and
    `managers`, the field managers of the controller that makes it: what anybody else has written to is not residue.
    """
    return any(_fits(rule, item) for rule in rules)


def plan_residue(cluster: Cluster, rules: list[dict[str, Any]], going: Going, deadline: Deadline) -> list[Step]:
    """A step DELETE for each object that a rule describes and that no other installation serves.

    `unless` of a rule, {api_version, kind, namespace, label_selector}, describes what another installation of the same
    product would have: the objects stay while there is one that does not go. Raises ReleaseError.
    """
    steps: dict[ObjectRef, Step] = {}
    for rule in rules:
        if not (rule.get("name") or rule.get("label_selector")):
            raise ReleaseError(
                f"{rule} of residue needs a name or a label_selector: it would delete every {rule['kind']}"
            )
        if _served_by_another(cluster, rule.get("unless") or {}, going, deadline):
            continue
        reason = "made by a controller of the release"
        for item in _listed(cluster, rule, deadline):
            if _fits(rule, item) and not going.includes(item):
                steps[ObjectRef.of(item)] = Step(Action.DELETE, ObjectRef.of(item), reason, live=item)
    return list(steps.values())


def _fits(rule: dict[str, Any], item: Document) -> bool:
    if (item["apiVersion"], item["kind"]) != (rule["api_version"], rule["kind"]):
        return False
    managers = set(rule.get("managers") or [])
    if managers and not (managers_of(item) and managers_of(item) <= managers):
        return False
    if not _selected(rule.get("label_selector") or "", item["metadata"].get("labels") or {}):
        return False
    return matches({"name": rule.get("name"), "namespace": rule.get("namespace")}, item)


def _selected(selector: str, labels: dict[str, str]) -> bool:
    pairs = [part.strip().partition("=") for part in selector.split(",") if part.strip()]
    return all(key in labels and (not equals or labels[key] == value) for key, equals, value in pairs)


def _served_by_another(cluster: Cluster, unless: dict[str, Any], going: Going, deadline: Deadline) -> bool:
    if not unless:
        return False
    found = [
        item for item in _listed(cluster, unless, deadline) if matches({"namespace": unless.get("namespace")}, item)
    ]
    return any(not going.includes(item) for item in found)


def _listed(cluster: Cluster, rule: dict[str, Any], deadline: Deadline) -> list[Document]:
    kind = (rule["api_version"], rule["kind"])
    return cluster.list(*kind, None, rule.get("label_selector"), deadline, metadata_only=True)
