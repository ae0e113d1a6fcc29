# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes quantities such as 250m, 2Gi or 1e3, as numbers; what a pod asks for, and whether any node has it."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from typing import Any

from ..objects import Document

_FORM = re.compile(r"^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(m|u|n|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$")
_BINARY = {unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
_DECIMAL = {unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)}
_SMALL = {unit: Decimal(1000) ** -power for power, unit in enumerate(("m", "u", "n"), 1)}
_FACTORS = {"": Decimal(1), **_BINARY, **_DECIMAL, **_SMALL}


def number(quantity: Any) -> Decimal:
    """The value of a quantity; 0 for what is none."""
    match = _FORM.match(str(quantity).strip())
    try:
        return Decimal(match[1]) * _FACTORS[match[2] or ""] if match else Decimal(0)
    except ArithmeticError:
        return Decimal(0)


def requests_of(pod: Document) -> dict[str, Decimal]:
    """What a scheduler reserves for a pod: its containers together, or one init container that asks for more.

    Init containers that are restarted always run on beside the others, and beside the init containers after them
    (KEP-753); what the pod asks for as a whole counts instead (KEP-2837).
    """
    spec = pod.get("spec") or {}
    total: dict[str, Decimal] = defaultdict(Decimal)
    most: dict[str, Decimal] = defaultdict(Decimal)
    for container in spec.get("initContainers") or []:
        stays = container.get("restartPolicy") == "Always"
        for name, quantity in _requests(container).items():
            most[name] = max(most[name], total[name] + quantity)
            total[name] += quantity if stays else 0
    for container in spec.get("containers") or []:
        for name, quantity in _requests(container).items():
            total[name] += quantity
    total |= {name: max(most[name], total[name]) for name in most}
    total |= _requests(spec)
    for name, quantity in (spec.get("overhead") or {}).items():
        total[name] += number(quantity)
    return dict(total)


def nobody_has(pod: Document, nodes: list[Document]) -> str:
    """In words, what the pod asks for and not one node could give even if it were empty; "" when some node could."""
    wanted = requests_of(pod)
    capacities = [(node.get("status") or {}).get("allocatable") or {} for node in nodes]
    if not capacities or any(all(number(has.get(name, 0)) >= wanted[name] for name in wanted) for has in capacities):
        return ""
    for name in sorted(wanted):
        largest = max((has.get(name, "0") for has in capacities), key=number)
        if number(largest) < wanted[name]:
            return f"it asks for {_plain(wanted[name])} {name}, and no node has more than {largest}"
    return "no single node has all that it asks for together"


def _requests(container: dict[str, Any]) -> dict[str, Decimal]:
    resources = container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: number(quantity) for name, quantity in asked.items()}


def _plain(value: Decimal) -> str:
    for unit, factor in reversed(_BINARY.items()):
        if value >= factor and value % factor == 0:
            return f"{value / factor:f}{unit}"
    return f"{value.normalize():f}"
