# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether public services are in the domain that the inventory says."""

from __future__ import annotations

from ..kube.inventory.ownership import release_of
from ..site.summary import count, public_hosts
from .facts import Fact, fails, holds, skipped
from .scene import SERVING, Scene

NAME = "domain"
_EXAMPLE = "_example"


def ask(scene: Scene) -> Fact:
    """Knative's ConfigMap config-domain, and the hosts of the services that are public."""
    if not scene.installed(SERVING):
        return skipped(NAME, "Knative Serving is not installed")
    wanted = scene.settings.domain
    if not wanted:
        return skipped(NAME, "no domain is said to be wanted (verify_domain)")
    config = scene.cluster.get("v1", "ConfigMap", "config-domain", SERVING, scene.seconds(10))
    if config is not None and not release_of(config):
        return skipped(NAME, "config-domain is not of this collection")
    domains = sorted(set((config or {}).get("data") or {}) - {_EXAMPLE})
    hosts = public_hosts(scene.cluster.list("serving.knative.dev/v1", "Service", deadline=scene.seconds(10)))
    inside = [host for host in hosts if host.endswith(f".{wanted}")]
    text = f"{len(inside)} of {count(len(hosts), 'public service')} in {wanted}"
    figures = {"domains": domains, "services": len(hosts), "in_domain": len(inside)}
    if wanted not in domains:
        cause = f"ConfigMap {SERVING}/config-domain has {', '.join(domains) or 'no domain'}, the inventory {wanted}"
        remedy = "run site.yml --tags knative, or write the other one as knative_domain"
        return fails(NAME, text, cause, remedy, **figures)
    return holds(NAME, text, **figures)
