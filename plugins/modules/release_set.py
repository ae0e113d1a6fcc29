# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_set
short_description: Choose the releases that are installed on a cluster
version_added: "1.0.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - A set of releases says which versions of metrics-server, Istio and Knative are installed together, on which versions of
    Kubernetes, and where the content of each is had from, with its checksums.
  - The set is chosen by the server's version or by its name; single versions come on top. What is not known to work is
    refused, with the reason.
  - So is a step from what stands that upstream does not know, which is more than one minor of Istio or Knative at a time,
    or any step back. The message names the sets that lead there. An upgrade that has begun and not ended may go back. With V(auto)
    a set that is older than what stands is not chosen as long as another one fits.
attributes:
  check_mode:
    support: full
    description: Nothing is ever written.
  diff_mode:
    support: none
    description: There is nothing to compare.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.releases
  - selfhosted.serverless.gateway
options:
  platform:
    description:
      - Whether to find out what else matters about the cluster, and to print it as one table, each fact with how it is known. Who serves
        metrics, whether the kubelets' certificates can be verified, how the gateway is reached, who has its ports, and the storage class.
      - V(auto) asks the cluster where nothing of this collection is on record there; else it goes by what stands. V(always) asks each time.
      - What may not be read is told in the table and ends nothing.
    type: str
    choices: [never, auto, always]
    default: never
    version_added: "1.1.0"
  timeout:
    description: Seconds to wait for the server's answer.
    type: float
    default: 90
"""

EXAMPLES = r"""
- name: Choose the releases
  selfhosted.serverless.release_set:
  register: __serverless_release

- name: Use an older Knative
  selfhosted.serverless.release_set:
    release: knative-1.22
    knative_serving_version: 1.22.0
"""

RETURN = r"""
name:
  description: The set.
  returned: success
  type: str
  sample: knative-1.22
kubernetes:
  description: The oldest and the newest Kubernetes that the set is known on.
  returned: success
  type: dict
  sample: {from: "1.34", to: "1.37"}
upgrade_from:
  description: Sets that may be installed before it.
  returned: success
  type: list
  elements: str
versions:
  description: The version of each component.
  returned: success
  type: dict
  sample: {knative_serving: 1.22.1}
manifests:
  description: By component, the items that M(selfhosted.serverless.render) takes; without those of versions that are in no set.
  returned: success
  type: dict
scc:
  description: Whether pods meet security context constraints on this cluster, as on OpenShift.
  returned: success
  type: bool
  version_added: "1.1.0"
recorded:
  description: All releases of this collection that are recorded on the cluster, complete or not; null
    without O(upgrade), where they are not read.
  returned: success
  type: list
  elements: str
  sample: [istio, metrics-server]
upgrades:
  description: By component, the version that stands and the one that takes its place; those that stay are left out.
  returned: success
  type: dict
  sample: {istio: {from: 1.30.5, to: 1.31.1}}
kubelet_insecure_tls:
  description: >-
    Whether metrics-server is to do without verified certificates of the kubelets, where O(platform) has it found out and
    C(metrics_server_kubelet_insecure_tls) is C(auto).
  returned: success
  type: bool
platform:
  description: The rows of the table; empty where nothing was to be found out.
  returned: success
  type: list
  elements: dict
  sample: [{fact: storage class, value: standard, how: "the cluster's default, made by rancher.io/local-path"}]
post_install:
  description: By component, the items that an upgrade applies afterwards.
  returned: success
  type: dict
addons:
  description: By component, the items that its release brings for other purposes, such as Istio's Prometheus and Kiali.
  returned: success
  type: dict
"""
