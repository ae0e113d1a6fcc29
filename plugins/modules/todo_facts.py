# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: todo_facts
short_description: What of the todo application stands on a cluster
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Looks for the application in one namespace. The role P(selfhosted.serverless.todo#role) decides by it how to get from one variant
    to another, whether the database's volume is new, and whether Knative has made the first of the revisions that share the traffic.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  namespace:
    description: The application's namespace.
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
- name: Look what of the application stands on the cluster
  selfhosted.serverless.todo_facts:
    context: docker-desktop
    namespace: todo
"""

RETURN = r"""
runs_on:
  description: What runs the services, V(deployments) or V(knative). Both after an interrupted change of the variant; empty for neither.
  returned: success
  type: list
  elements: str
database:
  description: Whether the database is there.
  returned: success
  type: bool
scc:
  description: Whether pods meet security context constraints on this cluster, as on OpenShift.
  returned: success
  type: bool
  version_added: "1.1.0"
revisions:
  description: Names of Knative's revisions of the service user, sorted.
  returned: success
  type: list
  elements: str
routes:
  description: Whether the cluster serves OpenShift's Routes.
  returned: success
  type: bool
"""
