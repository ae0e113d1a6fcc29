# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drill
short_description: Make a drill on the to-do application and tell what happened
version_added: "1.0.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Sends requests to the application while something happens to it, follows its pods, and prints figures.
  - Writes all requests, replicas and events as JSON, and a plot of them over time as SVG.
  - What it changes on the cluster it puts back, after a failure as well. What a killed drill has changed is put back by
    the next one.
  - A drill that does not show what it is to show fails.
attributes:
  check_mode:
    support: full
    description: Checks the preconditions and changes nothing.
  diff_mode:
    support: none
    description: The cluster is afterwards as it was.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.drill
  - selfhosted.serverless.gateway
options:
  drill:
    description:
      - V(scale_out) sends requests until the autoscaler has brought web from 1 pod to 3, within 180 s, and waits until it
        is back, within 360 s.
      - V(pod_loss) deletes one of two pods of web; no request may fail.
      - V(cold_start) waits until user and rule have no pods and compares their first answers with later ones.
      - V(bad_version) rolls out a version of rule that never gets ready, and rolls it back; no request may fail.
      - V(topology) sends O(requests) requests and draws their way, by Kiali's graph and, on Knative, by what its queue-proxies
        have counted; each number must be that of the requests within 2 %.
    type: str
    required: true
    choices: [scale_out, pod_loss, cold_start, bad_version, topology]
  output:
    description: Folder on the controller for the JSON and the SVG, DRILL-VARIANT.json and .svg; it is made if it is missing.
    type: path
    required: true
  timeout:
    description: The most seconds that the drill may take in all.
    type: int
    default: 1200
  rate:
    description: Requests a second of pod_loss and bad_version.
    type: float
    default: 10.0
  load_workers:
    description: How many callers at a time drive scale_out.
    type: int
    default: 8
  keep_alive:
    description:
      - Whether callers keep their connections. Kubernetes spreads connections and not requests, so that kept ones stay with
        their pod.
    type: bool
    default: false
  cold_rounds:
    description: How often cold_start waits until there are no pods.
    type: int
    default: 3
  warm_requests:
    description: How many warm answers of each service cold_start takes in every round.
    type: int
    default: 30
  hold:
    description: Seconds that bad_version goes on after the cluster has said what is wrong.
    type: int
    default: 20
  requests:
    description: How many requests topology sends, half of them to user and half to rule.
    type: int
    default: 400
"""

EXAMPLES = r"""
- name: See the autoscaler at work
  selfhosted.serverless.drill:
    context: docker-desktop
    drill: scale_out
    output: ~/drills
"""

RETURN = r"""
variant:
  description: kubernetes, istio or knative.
  returned: always
  type: str
met:
  description: Whether the drill showed what it is to show.
  returned: always
  type: bool
figures:
  description: Seconds, counts and latencies by name; latencies are in seconds.
  returned: always
  type: dict
files:
  description: The files written.
  returned: always
  type: list
  elements: str
"""
