# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: wait
short_description: Wait until Kubernetes objects are as they should be
version_added: "1.0.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Lists and then watches objects until every condition is true, with one time limit for all.
  - A state that cannot change by itself ends the task with its reason after a few seconds. Such are an image that the
    registry does not have or does not give, a command that is not in the image, a request that no node can take, a claim
    without a storage class, a pod that Pod Security, a LimitRange or a policy refuses, a failed job. A container that
    ends again and again ends it at the third restart.
  - What somebody or something may mend ends the task when it lasts, after 60 seconds or a third of O(timeout), whichever
    is longer. Such are a full quota, a Secret or ConfigMap that is not there, a volume that cannot be mounted.
  - What passes by itself never ends the task before its limit. Such are a registry that answers 429 or 5xx or not at all,
    a webhook whose server is away, a claim that is being provisioned, a cordoned node or one that is not ready, a node
    that an autoscaler adds.
  - All of them are told, with the time that has passed, every few seconds.
attributes:
  check_mode:
    support: full
    description: Returns at once.
  diff_mode:
    support: none
    description: Nothing is changed.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  for:
    description: What to wait for.
    type: list
    elements: dict
    required: true
    suboptions:
      api_version:
        description: API version of the object.
        type: str
        required: true
      kind:
        description: Kind of the object.
        type: str
        required: true
      namespace:
        description: Namespace of the object.
        type: str
      name:
        description: Name of the object; give either this or O(for[].label_selector).
        type: str
      label_selector:
        description: Selects objects, of which there must be at least one and every one must fulfil the condition.
        type: str
      condition:
        description:
          - V(rollout) for a Deployment, StatefulSet or DaemonSet whose newest pods are all available.
          - V(endpoints) for a Service with a ready endpoint.
          - V(absent) for objects that are gone.
          - Any other value is the type of a status condition that must be True, such as V(Available) or V(Ready).
          - Without it and without O(for[].expression) the object must exist.
        type: str
      expression:
        description: A JMESPath expression that must be true of the object.
        type: str
      reason:
        description: A JMESPath expression that finds, on an object of which O(for[].expression) is not true, the words that say why.
        type: str
        version_added: "1.1.0"
  timeout:
    description: Seconds.
    type: int
    default: 300
  hopeless:
    description: Whether a hopeless or lasting state ends the task before the time limit.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Wait until the application answers
  selfhosted.serverless.wait:
    for:
      - api_version: serving.knative.dev/v1
        kind: Service
        namespace: shop
        name: web
        condition: Ready
      - api_version: v1
        kind: ConfigMap
        namespace: shop
        name: state
        expression: data.phase == 'open'
    timeout: 120
"""

RETURN = r"""
ready:
  description: What came true, as C(Kind namespace/name, condition).
  returned: success
  type: list
  elements: str
  sample: ["Service shop/web: Ready"]
seconds:
  description: How long it took.
  returned: success
  type: float
"""
