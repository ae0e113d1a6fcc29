# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: image_mirror_sets
short_description: Make the objects that tell OpenShift's nodes the mirrors
version_added: "1.1.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - On OpenShift the Machine Config Operator owns the files on nodes. It tells them the mirrors that ImageDigestMirrorSets
    and ImageTagMirrorSets (C(config.openshift.io/v1)) say. Returns such objects; nothing is applied.
  - They name the repositories of the planned images alone, so that all other images go on as before. What objects of others
    say already is left out; what contradicts them is refused, and what concerns them is told.
  - Mirrors of digests are told to nodes while they work. Mirrors of tags, and all that is taken away, have the operator
    drain nodes; none is rebooted (since OpenShift 4.7).
  - What C(image.config.openshift.io/cluster) lacks for a mirror (its authority, that it is reached without TLS) is told.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.images
options:
  state:
    description: Whether the objects are to be there; V(absent) tells what follows from their removal.
    type: str
    choices: [present, absent]
    default: present
  plan:
    description: The RV(selfhosted.serverless.image_plan#module:table) of P(selfhosted.serverless.image_plan#module).
    type: list
    elements: dict
    default: []
  drain:
    description:
      - Whether nodes may be drained for it. If not, O(state=present) fails where they would be, and O(state=absent)
        returns RV(kept).
    type: bool
    default: false
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
  diff_mode:
    description: Changes nothing in any mode.
    support: none
"""

EXAMPLES = r"""
- name: Make the objects
  selfhosted.serverless.image_mirror_sets:
    context: openshift
    plan: "{{ planned.table }}"
    drain: true
"""

RETURN = r"""
definitions:
  description: The objects.
  returned: success
  type: list
  elements: dict
drains:
  description: Why nodes are drained; empty where they are not.
  returned: success
  type: list
  elements: str
stands:
  description: Whether there are such objects of this collection already.
  returned: success
  type: bool
kept:
  description: Whether the objects must stay, because nodes may not be drained.
  returned: success
  type: bool
wait:
  description: What P(selfhosted.serverless.wait#module) is to wait for where nothing was changed.
  returned: success
  type: list
  elements: dict
wait_changed:
  description: The same where something was changed, until all MachineConfigPools are Updated to it.
  returned: success
  type: list
  elements: dict
"""
