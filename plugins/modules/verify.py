# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: verify
short_description: Make real requests to a site and tell what holds
version_added: "1.1.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Asks the API server, nodes, metrics-server, Istio, Knative and the to-do application, and prints one line with its figure for
    each fact. Parts that are not installed are skipped and said so.
  - The full form makes pods, a Knative service and a Broker in a namespace of its own and takes it away again, after a failure
    and an interruption as well. What a killed run left is taken away by the next one, by its label.
  - The probes run Envoy out of the image of the gateway's own proxy, which the nodes have already.
  - A fact that does not hold has its cause and a remedy.
attributes:
  check_mode:
    support: full
    description: Tells what would be asked, and asks nothing.
  diff_mode:
    support: none
    description: The cluster is afterwards as it was.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.gateway
  - selfhosted.serverless.images
options:
  form:
    description:
      - V(short) asks what is answered at once and stores nothing on the cluster.
      - V(full) asks all of it, in about a minute.
    type: str
    choices: [short, full]
    default: full
  fail:
    description: Whether a fact that does not hold fails the task. It is told in any case.
    type: bool
    default: true
  namespace:
    description: The namespace of what the full form makes. It must not be there.
    type: str
    default: serverless-verify
  image:
    description:
      - The image that the probes run, with Envoy at C(/usr/local/bin/envoy).
      - Empty, it is that of the gateway's pods.
    type: str
    default: ""
  pull:
    description:
      - Whether a kubelet is made to ask a registry for this image although its node has it.
      - Turn it off for a site whose nodes reach no registry, such as one from an archive of images.
    type: bool
    default: true
  application_namespace:
    description: The namespace of the to-do application.
    type: str
    default: todo
  domain:
    description: The domain that public services are to be in; empty, Knative's own configuration is not compared with one.
    type: str
    default: ""
  user_traffic:
    description:
      - Percent of the requests that each version of C(user) is to get. Empty, the answers are compared with the shares on the cluster
        alone.
    type: dict
    default: {}
  pull_secret:
    description: The pull secret and where it is needed.
    type: dict
    default: {}
    suboptions:
      registry:
        description: The registry that it is for, as host or host:port; empty for none.
        type: str
        default: ""
      name:
        description: Name of the secret.
        type: str
        default: registry
      namespaces:
        description: The namespaces that it is to be in.
        type: list
        elements: str
        default: [todo]
      service_accounts:
        description: The service accounts of each namespace that are to pull with it.
        type: list
        elements: str
        default: [default]
  split_requests:
    description: How many answers of C(user) are counted.
    type: int
    default: 100
  warm_requests:
    description: How many requests are made to a Knative service that has its pod.
    type: int
    default: 20
  metrics_seconds:
    description: How old the figures of a node may be.
    type: float
    default: 90
  clock_seconds:
    description: How far clocks may be apart.
    type: float
    default: 5
  certificate_days:
    description:
      - How many days a certificate must still be good for. One whose whole life is at most 100 days is renewed by a program late in it,
        and must have a twentieth left.
    type: float
    default: 30
  report_directory:
    description:
      - Folder on the controller for the facts as JSON and as JUnit's XML, C(verify-CONTEXT.json) and C(.xml). It is made if it is missing.
      - Empty, no file is written.
    type: path
  timeout:
    description: Seconds for all of it.
    type: int
    default: 420
"""

EXAMPLES = r"""
- name: Verify the site
  selfhosted.serverless.verify:
    context: docker-desktop
    domain: example.com

- name: Only tell what is answered at once
  selfhosted.serverless.verify:
    context: docker-desktop
    form: short
    fail: false
  register: verified
"""

RETURN = r"""
facts:
  description: The facts in the order in which they were asked.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The fact's name.
      type: str
    ok:
      description: Whether it holds; true for one that was skipped.
      type: bool
    skipped:
      description: Whether it was not asked, because its part is not installed.
      type: bool
    text:
      description: One line with the figure, or why it was skipped.
      type: str
    figures:
      description: What was measured, by name.
      type: dict
    cause:
      description: Why it does not hold; empty where it does.
      type: str
    remedy:
      description: What to do about it.
      type: str
    seconds:
      description: How long it took to ask.
      type: float
problem:
  description: All that does not hold in one line; empty where all holds.
  returned: always
  type: str
files:
  description: The files written.
  returned: always
  type: list
  elements: str
would_ask:
  description: The names of the facts that would be asked.
  returned: in check mode
  type: list
  elements: str
seconds:
  description: How long it took.
  returned: always
  type: float
"""
