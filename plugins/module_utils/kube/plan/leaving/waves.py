# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which things leave. Within a wave all at once; each wave is gone before the next begins."""

from __future__ import annotations

from enum import IntEnum

from ...desired.stages import POLICY_KINDS, WEBHOOK_KINDS, WORKLOAD_KINDS, is_custom
from ...inventory.ownership import release_of
from ..plan import Action, Step


class Wave(IntEnum):
    """Finalizers of custom resources need controllers, webhooks, gateways and settings: these live until then."""

    OTHERS = 0  # objects of others, of kinds that go: they may need our own custom resources, such as gateways
    CUSTOM = 1
    WEBHOOKS = 2  # before their servers, or they block the rest
    WORKLOADS = 3
    REST = 4
    DEFINITIONS = 5
    NAMESPACES = 6


def wave_of(release: str, step: Step) -> Wave:
    """The wave of one step of `release`."""
    ref = step.ref
    if is_custom(ref.api_version):
        foreign = step.action is Action.DELETE and release_of(step.live) != release
        return Wave.OTHERS if foreign else Wave.CUSTOM
    if ref.kind in WEBHOOK_KINDS | POLICY_KINDS or ref.kind == "APIService":
        return Wave.WEBHOOKS
    if ref.kind in WORKLOAD_KINDS:
        return Wave.WORKLOADS
    return {"CustomResourceDefinition": Wave.DEFINITIONS, "Namespace": Wave.NAMESPACES}.get(ref.kind, Wave.REST)
