# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would break without a release although it is none of its objects, such as namespaces that ask for sidecars."""

from __future__ import annotations

from typing import Any

try:
    import jmespath
except ImportError:  # told when an expression is used
    jmespath = None  # type: ignore[assignment]

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..inventory.owners import Going
from ..objects import Document, matches


def find_dependents(
    cluster: Cluster, rules: list[dict[str, Any]], going: Going, deadline: Deadline
) -> list[tuple[dict[str, Any], Document]]:
    """Each object that a rule describes and that does not go, with its rule. Raises ReleaseError.

    A rule has api_version and kind, and optionally namespace (a shell pattern), label_selector and expression, JMESPath
    that must be truthy on the object. `what` says what the object has to do with the release, `blocks` whether it
    forbids the removal.
    """
    return [(rule, item) for rule in rules for item in _described(cluster, rule, deadline) if not going.includes(item)]


def _described(cluster: Cluster, rule: dict[str, Any], deadline: Deadline) -> list[Document]:
    fits = _expression(rule)
    items = cluster.list(rule["api_version"], rule["kind"], None, rule.get("label_selector"), deadline)
    return [item for item in items if matches({"namespace": rule.get("namespace")}, item) and fits(item)]


def _expression(rule: dict[str, Any]) -> Any:
    text = rule.get("expression")
    if not text:
        return lambda item: True
    if jmespath is None:
        raise ReleaseError(
            "the Python package 'jmespath' is missing on the controller; pip install -r requirements.txt"
        )
    try:
        return jmespath.compile(text).search
    except jmespath.exceptions.JMESPathError as error:
        raise ReleaseError(f"'{text}' of dependents is no valid JMESPath: {error}") from error
