# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an action, out of the documentation of its module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.plain_yaml import load_plain

PLUGINS = "ansible_collections.selfhosted.serverless.plugins"
# What an option's documentation and its argument spec say by the same word
_SAME = ("type", "elements", "required", "default", "aliases")


@dataclass(frozen=True)
class Options:
    """The options of a module.

    `spec` is their argument spec. `variables` are those that the inventory says once for all tasks: by option the
    variables of which the first that is set counts where a task does not give the option.
    """

    spec: dict[str, Any]
    variables: dict[str, tuple[str, ...]]


@cache
def options_of(module: str) -> Options:
    """Return what plugins/modules/<module>.py documents, with the fragments that it extends.

    The module holds documentation alone, so importing it needs nothing. One parse takes 1 to 4 ms.
    """
    document = _parse(import_module(f"{PLUGINS}.modules.{module}").DOCUMENTATION)
    documented, variables = dict(document.get("options") or {}), {}
    for name in document.get("extends_documentation_fragment") or []:
        fragment = import_module(f"{PLUGINS}.doc_fragments.{name.rpartition('.')[2]}").ModuleDocFragment
        documented = {**_parse(fragment.DOCUMENTATION)["options"], **documented}
        variables |= fragment.VARIABLES
    return Options(_spec(documented), variables)


def _spec(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: _option(option) for name, option in options.items()}


def _option(documented: Mapping[str, Any]) -> dict[str, Any]:
    spec = {key: documented[key] for key in _SAME if key in documented}
    if "choices" in documented:
        spec["choices"] = list(documented["choices"])  # a mapping where each choice has a description
    if "suboptions" in documented:
        spec["options"] = _spec(documented["suboptions"])
    return spec


def _parse(text: str) -> dict[str, Any]:
    # Ansible's own loader notes the origin of every value, which takes ten times as long.
    return load_plain(text)
