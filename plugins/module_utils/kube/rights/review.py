# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights a user lacks, as the API server says (authorization.k8s.io/v1, SelfSubjectAccessReview)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import KubeError
from ..parallel import for_each


@dataclass(frozen=True, order=True)
class Right:
    """A verb on a resource of a group, everywhere or in one namespace; a subresource follows a slash."""

    group: str
    resource: str
    verb: str
    namespace: str = ""


ALL = Right("*", "*", "*")


def lacking(cluster: Cluster, rights: Iterable[Right], deadline: Deadline) -> list[Right]:
    """Return the rights that the user has not, sorted. One request for who may do all, else one for each right.

    Where the server gives no answer nothing is lacking: what is refused then is told when it is asked for.
    """

    def is_denied(right: Right) -> bool:
        return not _is_allowed(cluster, right, deadline)

    try:
        if _is_allowed(cluster, ALL, deadline):
            return []
    except KubeError:
        return []
    wanted = sorted(set(rights))
    denied, errors = for_each(is_denied, wanted)
    return [] if errors else [right for right, is_lacking in zip(wanted, denied, strict=True) if is_lacking]


def told(rights: Iterable[Right]) -> list[str]:
    """Return the rights as words, those on the same resource in one: 'create, patch deployments.apps in shop, todo'."""
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for right in sorted(rights):
        verbs.setdefault((right.group, right.resource, right.namespace), []).append(right.verb)
    places: dict[tuple[str, str], list[str]] = {}
    for (group, resource, namespace), of in verbs.items():
        what = f"{', '.join(of)} {resource}{f'.{group}' if group else ''}"
        places.setdefault((what, "in" if namespace else ""), []).append(namespace)
    return [f"{what} in {', '.join(named)}" if word else what for (what, word), named in places.items()]


def refused_rights(missing: Iterable[str]) -> str:
    """Return what is said of rights that are lacking, as `told` has them, each on a line of its own."""
    lines = "".join(f"\n  {right}" for right in missing)
    return (
        f"the user of this context may not:{lines}\n"
        "Have that allowed, as by the ClusterRole in docs/rights.md, or use a context that may"
    )


def _is_allowed(cluster: Cluster, right: Right, deadline: Deadline) -> bool:
    resource, _slash, subresource = right.resource.partition("/")
    attributes = {"group": right.group, "resource": resource, "verb": right.verb}
    if subresource:
        attributes["subresource"] = subresource
    if right.namespace:
        attributes["namespace"] = right.namespace
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": {"resourceAttributes": attributes},
    }
    return bool((cluster.create(review, deadline=deadline).get("status") or {}).get("allowed"))
