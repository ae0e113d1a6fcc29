# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: site_check
short_description: Check that a cluster can take the documents of a run
version_added: "1.1.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Names at once what would stop a run in its middle, of all releases that it will apply. These are rights that the user of the
    context lacks, node ports that Services of others hold, storage classes that are not there, and what a release says that
    others must have.
  - A user who may do everything is asked about in one request, anybody else about each right.
  - What only a rehearsal tells is told by the plan of each release.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  releases:
    description:
      - What will be applied. A release that somebody else has installed, and that is left as it is, asks for nothing but the
        documents that are applied beside it.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the release.
        type: str
        required: true
      manifests:
        description: Its rendered files, as M(selfhosted.serverless.render) writes them.
        type: list
        elements: path
        required: true
      existing:
        description: What to do with an installation of somebody else, as M(selfhosted.serverless.release) takes it.
        type: dict
        default: {}
  timeout:
    description: Seconds for all of it.
    type: int
    default: 60
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Check that the cluster can take Knative
  selfhosted.serverless.site_check:
    releases:
      - name: knative-serving
        manifests: ["{{ serverless_work_dir }}/knative-serving.yaml"]
"""

RETURN = r"""
documents:
  description: How many documents there are.
  returned: success
  type: int
"""
