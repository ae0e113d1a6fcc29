# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: readmit
short_description: Have webhooks complete objects that were made while they were away
version_added: "1.1.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Updates objects without a change of its own, so that the API server's admission webhooks see them again and add what
    the objects lack. What needs nothing is not stored anew.
  - An API server takes a new webhook configuration into account after a moment, so what is still lacking is tried again
    for 10 seconds. What no webhook completes is named in a warning.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  api_version:
    description: API version of the objects.
    type: str
    required: true
  kind:
    description: Kind of the objects.
    type: str
    required: true
  expression:
    description: JMESPath that is true for the objects that lack something.
    type: str
    required: true
  timeout:
    description: Seconds for all of them.
    type: int
    default: 60
attributes:
  check_mode:
    description: The server rehearses (dry run).
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Give every PodAutoscaler its class
  selfhosted.serverless.readmit:
    api_version: autoscaling.internal.knative.dev/v1alpha1
    kind: PodAutoscaler
    expression: metadata.annotations."autoscaling.knative.dev/class" == `null`
"""

RETURN = r"""
completed:
  description: Objects that a webhook completed.
  returned: success
  type: list
  elements: str
  sample: ["PodAutoscaler default/hello-00001"]
lacking:
  description: Objects that no webhook completed; empty in check mode.
  returned: success
  type: list
  elements: str
"""
