# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: site_report
short_description: Tell what stands on a cluster
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Prints what is installed with its versions, what this run did, how to open the public services, to verify them and to remove it all.
  - The end of the run writes all it has noted, and this, into the files of a report, where O(directory) names a folder for it.
  - Everything is read from the cluster, so it is right after a partial run as well.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.images
  - selfhosted.serverless.gateway
options:
  remove:
    description: The commands that remove it all, as lines to print.
    type: list
    elements: str
    default: []
  verify:
    description: The commands that verify what stands, as lines to print.
    type: list
    elements: str
    default: []
    version_added: "1.1.0"
  facts:
    description:
      - What a verification has found, each C(name), C(ok), C(text), C(figures), C(cause) and C(remedy). What does not hold is printed,
        and all of it goes into the report of the run.
    type: list
    elements: dict
    default: []
    version_added: "1.1.0"
  list_images:
    description: Whether every image is printed with where it came from.
    type: bool
    default: false
    version_added: "1.1.0"
  directory:
    description:
      - The folder on the controller into which the end of the run writes its report, C(report.json) and C(report.html) over all hosts and
        a C(HOST.json) of each; empty for none. In check mode they tell what would be done.
    type: str
    default: ""
    version_added: "1.1.0"
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Report
  selfhosted.serverless.site_report:
    context: docker-desktop
    remove: ["ansible-playbook playbooks/uninstall.yml --limit docker-desktop"]
"""

RETURN = r"""
lines:
  description: The text that was printed.
  returned: success
  type: list
  elements: str
releases:
  description: Versions of the installed releases by name.
  returned: success
  type: dict
hosts:
  description: Host names of the public services.
  returned: success
  type: list
  elements: str
gateway:
  description: Where the gateway is reached, as host:port; empty when no address outside the cluster answers from here.
  returned: success
  type: str
gateway_rung:
  description: >-
    By which way that is, such as C(load balancer) or C(node port); C(port-forward) where no address answers, and empty where
    nothing is behind the gateway.
  returned: success
  type: str
  sample: load balancer
at_nodes:
  description: What is reached at a port of the nodes, as host:port.
  returned: success
  type: list
  elements: str
"""
