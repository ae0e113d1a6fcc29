# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: todo_revisions
short_description: Names of the revisions that a Knative service has
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Lists the revisions of one Knative service.
  - The role P(selfhosted.serverless.todo#role) needs them, because a service that splits its traffic between two named
    revisions must have made the first before it can name both.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  namespace:
    description: The service's namespace.
    type: str
    required: true
  service:
    description: The service's name.
    type: str
    required: true
attributes:
  check_mode:
    description: Only reads.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Look for the revisions that there are
  selfhosted.serverless.todo_revisions:
    context: docker-desktop
    namespace: todo
    service: user
"""

RETURN = r"""
revisions:
  description: Their names, sorted; empty where there are none, or no Knative.
  returned: success
  type: list
  elements: str
"""
