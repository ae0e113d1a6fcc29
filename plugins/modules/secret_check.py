# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_check
short_description: Look whether the secrets that a later task needs can be had
version_added: "1.1.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Names every source of a secret that gives no value, before anything changes.
  - Reads on the controller; no cluster is asked. The values are neither kept nor returned.
options:
  sources:
    description:
      - Sources by the option that names them, each a dict of one entry, C(env), C(file) or C(value), as in
        P(selfhosted.serverless.release#module).
    type: dict
    required: true
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Look whether the registry's password can be had
  selfhosted.serverless.secret_check:
    sources:
      serverless_registry_password: "{{ serverless_registry_password }}"
"""

RETURN = r"""
"""
