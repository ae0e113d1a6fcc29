# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drill_check
short_description: Tell whether a drill can be made on the to-do application
version_added: "1.0.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Finds the application's variant, asks for its page once, and checks what the drill needs besides.
  - What is missing is the failure of the task, with what to do about it.
attributes:
  check_mode:
    support: full
    description: Does the same, and tells what the drill would do.
  diff_mode:
    support: none
    description: Nothing is changed.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.drill
  - selfhosted.serverless.gateway
options:
  drill:
    description: Name of the drill; a name that there is not fails with the list of those that there are.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: See whether the drill can be made
  selfhosted.serverless.drill_check:
    context: docker-desktop
    drill: scale_out
"""

RETURN = r"""
variant:
  description: kubernetes, istio or knative.
  returned: success
  type: str
address:
  description: Where the requests go.
  returned: success
  type: str
user_traffic:
  description: Percent of the requests to C(user) that each version gets; for the drill C(traffic) alone.
  returned: success
  type: dict
  sample: {v1: 50, v2: 50}
plan:
  description: What the drill would do.
  returned: success
  type: str
"""
