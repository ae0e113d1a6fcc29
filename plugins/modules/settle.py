# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: settle
short_description: Wait until releases are ready, and complete their upgrade or go back
version_added: "1.1.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Waits as M(selfhosted.serverless.wait) does. Where that is all right and no release is being upgraded, it does nothing
    else.
  - An upgrade is one of a release that M(selfhosted.serverless.release) has applied with O(selfhosted.serverless.release#module:upgrade)
    in another version than the one that stood. Until it is complete, what stood before is kept on the cluster.
  - When everything is ready, the jobs that belong to the upgrade run, such as the migration of stored objects. They are
    applied as a release of their own, waited for, and removed. Then the upgrade is complete, and there is no way back.
  - When it does not get ready, all releases of the list that are being upgraded are put back to what stood before, the
    last one first, and that is waited for. The task fails and says what happened.
  - With O(later) the wait is put off, so that what is applied starts while the run goes on. That is for releases that
    are RV(selfhosted.serverless.release#module:calm). An upgrade that does not come out well must go back at once.
  - Jobs also run without an upgrade where objects may still be stored in an older version than a CRD writes, because an
    earlier migration was broken off.
attributes:
  check_mode:
    support: full
    description: Returns at once.
  diff_mode:
    support: none
    description: The objects are those of the releases.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.images
  - selfhosted.serverless.rate_limits
  - selfhosted.serverless.rollback
  - selfhosted.serverless.run_lock
options:
  releases:
    description: The releases, in the order in which they were applied. They go back together.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the release.
        type: str
        required: true
      for:
        description: What to wait for because of this release, like O(for).
        type: list
        elements: dict
        default: []
      version:
        description: Its version, after which the jobs are named.
        type: str
        default: ""
      jobs:
        description: YAML files on the controller with what an upgrade has to run. C(generateName) is made a name.
        type: list
        elements: path
        default: []
      unmigrated:
        description: What M(selfhosted.serverless.release) returned under this name.
        type: list
        elements: str
        default: []
  for:
    description: What to wait for, as O(selfhosted.serverless.wait#module:for) takes it.
    type: list
    elements: dict
    default: []
  figures:
    description:
      - Whether to wait, after that, until the metrics API has figures of every node of Linux that is Ready. Nodes of
        Windows, virtual and KWOK nodes are named and not waited for.
    type: bool
    default: false
  later:
    description:
      - Puts the wait off until a task needs one of the releases (O(selfhosted.serverless.release#module:after)), or until
        one with O(rest). What is put off is lost with the end of the run.
    type: bool
    default: false
  rest:
    description: Whether all that earlier tasks of this run have put off is waited for, too.
    type: bool
    default: false
  role:
    description: The role whose options messages name as the remedy.
    type: str
    default: ""
  timeout:
    description: Seconds until all must be ready; so many again for going back, and for the jobs of each release.
    type: int
    default: 300
  hopeless:
    description: Whether a hopeless or lasting state ends the wait before the time limit.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Apply Knative Serving
  selfhosted.serverless.release:
    name: knative-serving
    version: 1.23.0
    upgrade: true
    manifests: ["{{ serverless_work_dir }}/knative_serving.yaml"]
  register: serving

- name: Wait until it is ready, or go back
  selfhosted.serverless.settle:
    releases:
      - name: knative-serving
        version: 1.23.0
        jobs: ["{{ serverless_work_dir }}/knative_serving_jobs.yaml"]
        unmigrated: "{{ serving.unmigrated }}"
    for: "{{ serving.wait }}"
"""

RETURN = r"""
ready:
  description: What came true, as C(Kind namespace/name, condition).
  returned: success
  type: list
  elements: str
done:
  description: The jobs that ran and the upgrades that are complete now, in words.
  returned: success
  type: list
  elements: str
  sample: ["knative-serving is upgraded from 1.22.1 to 1.23.0"]
later:
  description: Whether the wait was put off.
  returned: success
  type: bool
seconds:
  description: How long it took.
  returned: success
  type: float
"""
