# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights that a run needs: those of every run, those that its documents ask for, and those of a removal.

Applying is patching, and creating what is not there yet (apiserver, endpoints/handlers/patch.go); all of a kind that is
ours is listed at once, in all namespaces. Who gives roles away must hold what is in them, or may escalate and bind
(Kubernetes documentation, "Privilege escalation prevention and bootstrapping"). Deleting a CRD deletes what others have
of its kind, which must be looked at before.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..client.discovery import Discovery
from ..inventory.inventory import Entry
from ..objects import Document, ObjectRef
from .review import Right

_APPLIED = ("get", "create", "patch")
_RBAC = "rbac.authorization.k8s.io"
_RECORDS = ("get", "list", "create", "patch", "delete")


def rights_of_every_run(record_namespace: str) -> set[Right]:
    """Return what each run does: it looks at nodes and namespaces, keeps records, and holds its lease."""
    records = {Right("", "configmaps", verb, record_namespace) for verb in _RECORDS}
    lease = {Right("coordination.k8s.io", "leases", verb, record_namespace) for verb in _RECORDS if verb != "list"}
    looks = {Right("", "nodes", "list"), Right("", "namespaces", "list"), Right("", "secrets", "list")}
    return records | lease | looks | {Right("apiextensions.k8s.io", "customresourcedefinitions", "list")}


def rights_of_documents(documents: Iterable[Document], discovery: Discovery) -> set[Right]:
    """Return what applying documents asks for. Kinds that nobody defines are passed over: the plan tells them."""
    documents = list(documents)
    own = _own_resources(documents)
    found: set[Right] = set()
    for document in documents:
        ref = ObjectRef.of(document)
        served = discovery.find(ref.api_version, ref.kind)
        resource, namespaced = (
            (served.plural, served.namespaced) if served else own.get((ref.group, ref.kind), ("", False))
        )
        if not resource:
            continue
        namespace = ref.namespace if namespaced else ""
        found |= {Right(ref.group, resource, verb, namespace) for verb in _APPLIED}
        found.add(Right(ref.group, resource, "list"))
        if ref.group == _RBAC:
            place = resource.replace("bindings", "s")
            found.add(Right(_RBAC, place, "bind" if "bindings" in resource else "escalate", namespace))
    return found


def rights_of_removal(entries: Iterable[Entry]) -> set[Right]:
    """Return what planning a removal asks for besides: CRDs are called PLURAL.GROUP, by what they define.

    What may not be deleted is told by the plan, object by object.
    """
    names = (entry.ref.name for entry in entries if entry.ref.kind == "CustomResourceDefinition")
    return {Right(group, plural, "list") for plural, _dot, group in (name.partition(".") for name in names)}


def _own_resources(documents: Iterable[Document]) -> dict[tuple[str, str], tuple[str, bool]]:
    """Resource and scope of the kinds that the documents themselves define, by group and kind."""
    found = {}
    for document in documents:
        if document["kind"] == "CustomResourceDefinition":
            spec = document.get("spec") or {}
            names = spec.get("names") or {}
            key = (str(spec.get("group") or ""), str(names.get("kind") or ""))
            found[key] = (str(names.get("plural") or ""), spec.get("scope") == "Namespaced")
    return found
