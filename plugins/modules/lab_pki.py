# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_pki
version_added: "1.0.0"
short_description: Make the keys and certificates of the embedded cluster
description:
  - Makes certificate authorities once, and certificates again when they no longer fit what is asked for
    or are about to end.
  - It runs on the controller, as an action. Keys are readable by their owner alone and appear in no output.
options:
  directory:
    description: Where the files are, C(<name>.crt) and C(<name>.key).
    type: path
    required: true
  authorities:
    description: Certificate authorities, file name to common name. One that is there is kept.
    type: dict
    required: true
  certificates:
    description: The certificates that the authorities sign.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: File name without its ending.
        type: str
        required: true
      authority:
        description: File name of the authority that signs it.
        type: str
        required: true
      common_name:
        description: Common name of the subject; for Kubernetes, the user.
        type: str
        required: true
      organization:
        description: Organization of the subject; for Kubernetes, the group.
        type: str
      usages:
        description: What it is good for.
        type: list
        elements: str
        choices: [client, server]
        default: [client]
      names:
        description: DNS names it is good for.
        type: list
        elements: str
        default: []
      addresses:
        description: IP addresses it is good for.
        type: list
        elements: str
        default: []
  signing_keys:
    description: Keys without a certificate, such as the one that signs service account tokens.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Tells what would be written.
    support: full
  diff_mode:
    description: Keys are not shown.
    support: none
author:
  - "selfhosted.serverless contributors (@selfhosted)"
"""

EXAMPLES = r"""
- name: Make the keys and certificates
  selfhosted.serverless.lab_pki:
    directory: /srv/lab/pki
    authorities:
      ca: kubernetes
    certificates:
      - name: admin
        authority: ca
        common_name: admin
        organization: system:masters
    signing_keys: [service-accounts]
"""

RETURN = r"""
written:
  description: File names, without their ending, of what was written (in check mode, would be).
  type: list
  elements: str
  returned: success
"""

# The code is in plugins/action/lab_pki.py.
