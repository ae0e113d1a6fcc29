# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by everything that the choice of releases concerns."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """Which releases are meant."""

    VARIABLES: ClassVar = {
        "release": ("serverless_release",),
        "untried": ("serverless_release_untried",),
        "upgrade": ("__serverless_upgrade",),
        "metrics_server_version": ("metrics_server_version",),
        "istio_version": ("istio_version",),
        "knative_serving_version": ("knative_serving_version",),
        "knative_net_istio_version": ("knative_net_istio_version",),
        "knative_eventing_version": ("knative_eventing_version",),
    }

    DOCUMENTATION = r"""
options:
  release:
    description:
      - Name of a set, or V(auto) for the one that is meant for the server's version.
      - A task that does not give it takes the variable C(serverless_release).
    type: str
    default: auto
  untried:
    description:
      - Whether to go on, with a warning, across the oldest and newest Kubernetes of a set, and with versions that are
        not known to work together.
      - A task that does not give it takes the variable C(serverless_release_untried).
    type: bool
    default: false
  upgrade:
    description:
      - Whether the releases are to take the place of those that stand, so that steps that are too wide, or go back, are
        refused. With V(false) it does not matter what stands, as for an archive that is made for a later step.
    type: bool
    default: true
  metrics_server_version:
    description: Another version of metrics-server than the set's; empty for the set's. So with the other components.
    type: str
    default: ""
  istio_version:
    description: Another version of Istio.
    type: str
    default: ""
  knative_serving_version:
    description: Another version of Knative Serving.
    type: str
    default: ""
  knative_net_istio_version:
    description: Another version of net-istio.
    type: str
    default: ""
  knative_eventing_version:
    description: Another version of Knative Eventing.
    type: str
    default: ""
"""
