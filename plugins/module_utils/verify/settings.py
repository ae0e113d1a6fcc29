# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What verification is told; the defaults are those of the action's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class GatewayPlace:
    """Namespace and name of the ingress gateway's Service, and the labels of its pods."""

    namespace: str = "istio-system"
    name: str = "istio-ingressgateway"
    selector: Mapping[str, str] = field(default_factory=lambda: {"istio": "ingressgateway"})


@dataclass(frozen=True)
class PullSecret:
    """The secret `name` for the registry, host or host:port; in all `namespaces`, with all `accounts` of each."""

    registry: str = ""
    name: str = "registry"
    namespaces: tuple[str, ...] = ("todo",)
    accounts: tuple[str, ...] = ("default",)


@dataclass(frozen=True)
class Limits:
    """What a figure may be at the most: figures' age and clocks' difference in seconds, certificates' rest in days."""

    metrics_seconds: float = 90.0
    clock_seconds: float = 5.0
    certificate_days: float = 30.0


@dataclass(frozen=True)
class Settings:
    """The rest: where the site is reached, what the inventory says of it, and how much is asked.

    `namespace` is that of the probes, `image` what they run (empty: the gateway's own), `pull` whether a node is made
    to ask a registry. `domain` is that of public services and `user_traffic` the percent that each version of user is
    to get; empty, neither is compared with what the cluster says. `images` is the image policy as the inventory has it.
    `timeout` is in seconds, for all of it.
    """

    namespace: str = "serverless-verify"
    image: str = ""
    pull: bool = True
    gateway: GatewayPlace = GatewayPlace()
    gateway_address: str = ""
    node_address: str = ""
    application: str = "todo"
    domain: str = ""
    user_traffic: Mapping[str, int] = field(default_factory=dict)
    secret: PullSecret = PullSecret()
    images: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = Limits()
    split_requests: int = 100
    warm_requests: int = 20
    timeout: float = 420.0
