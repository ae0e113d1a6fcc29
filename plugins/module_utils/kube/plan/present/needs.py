# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others must have on a cluster before a release is installed, such as the package of an operator in a catalog."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from ...client.cluster import Cluster
from ...deadline import Deadline
from ...objects import Document
from ...wait.targets import Target, judge
from ..plan import Blocker


def unmet(cluster: Cluster, needs: list[dict[str, Any]], deadline: Deadline) -> list[Blocker]:
    """A blocker for each need that is not met. Raises KubeError where the cluster does not answer.

    A need is {api_version, kind, namespace, name, label_selector, expression, state, what, remedy}. An object that fits
    the name, which may be a pattern, and the selector, and on which `expression` (JMESPath) is truthy, meets it; with
    the state absent none may fit. `what` says what is wrong where it is not met.
    """
    return [
        Blocker(str(_target(need)), need["what"], need["remedy"])
        for need in needs
        if any(judge(_target(need), item).fulfilled for item in _found(cluster, need, deadline)) == _is_unwanted(need)
    ]


def _is_unwanted(need: dict[str, Any]) -> bool:
    return need.get("state") == "absent"


def _target(need: dict[str, Any]) -> Target:
    return Target.from_item({key: need.get(key) for key in ("api_version", "kind", "namespace", "name", "expression")})


def _found(cluster: Cluster, need: dict[str, Any], deadline: Deadline) -> list[Document]:
    """Several can have one name: packages are shown once for each catalog."""
    place = (need.get("namespace"), need.get("label_selector"))
    items = cluster.list(need["api_version"], need["kind"], *place, deadline)
    return [item for item in items if fnmatchcase(item["metadata"]["name"], need["name"])]
