# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which contexts of a kubeconfig are hosts of the inventory, and which of them a run is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ..kube.client.kubeconfig import Kubeconfig
from .host_names import host_names
from .kind_hints import LAB, extension_of, kind_hint


class ChoiceError(Exception):
    """The options name what the kubeconfig does not have."""


@dataclass(frozen=True)
class ContextHost:
    """A host: its name, the context it stands for, and the kind of its cluster, '' where the kubeconfig tells none.

    `variables` are those that the program which made the cluster has left in the kubeconfig: of the lab, where it is.
    """

    name: str
    context: str
    kind: str
    variables: Mapping[str, Any] = field(default_factory=dict, compare=False)


def hosts_of(
    config: Kubeconfig, patterns: Sequence[str], excluded: Sequence[str], taken: Iterable[str]
) -> list[ContextHost]:
    """Return a host for each context that one of the shell patterns matches and none of the excluded, sorted by name.

    Raises ChoiceError for a pattern that matches no context: it is misspelt, or the kubeconfig is another one.
    """
    for pattern in (*patterns, *excluded):
        if not any(fnmatchcase(context, pattern) for context in config.contexts) and config.contexts:
            known = ", ".join(sorted(config.contexts))
            raise ChoiceError(f"no context of {config.location} is called {pattern}; contexts there: {known}")
    chosen = [context for context in config.contexts if _matches(context, patterns) and not _matches(context, excluded)]
    kinds = {context: _kind(config, context) for context in chosen}
    names = host_names(chosen, {*taken, *(group_of(kind) for kind in kinds.values())})
    hosts = [ContextHost(names[context], context, kinds[context], _left(config, context)) for context in chosen]
    return sorted(hosts, key=_by_name)


def group_of(kind: str) -> str:
    """Return the group of a kind of cluster: kind_docker_desktop; kind_unknown where nothing tells it."""
    return f"kind_{(kind or 'unknown').replace('-', '_')}"


def variables_of(context: str, said: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is said by pattern of contexts for one of them; what is said later counts. Raises ChoiceError."""
    found: dict[str, Any] = {}
    for pattern, variables in said.items():
        if not isinstance(variables, Mapping):
            raise ChoiceError(f"variables has for {pattern} no map of variables; write {pattern}: {{NAME: VALUE}}")
        if fnmatchcase(context, pattern):
            found.update(variables)
    return found


def is_lab(config: Kubeconfig, context: str) -> bool:
    """Whether a context leads to the lab of this collection, by what the lab has written into its kubeconfig."""
    cluster = config.contexts.get(context, {}).get("cluster", "")
    return bool(extension_of(config.clusters.get(cluster, {}), LAB))


def _kind(config: Kubeconfig, context: str) -> str:
    cluster = config.contexts[context].get("cluster", "")
    return kind_hint(context, cluster, config.clusters.get(cluster, {}))


def _left(config: Kubeconfig, context: str) -> dict[str, Any]:
    extension = extension_of(config.clusters.get(config.contexts[context].get("cluster", ""), {}), LAB)
    return {f"lab_{key}": extension[key] for key in ("directory", "address") if extension.get(key)}


def _matches(context: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(context, pattern) for pattern in patterns)


def _by_name(host: ContextHost) -> str:
    return host.name
