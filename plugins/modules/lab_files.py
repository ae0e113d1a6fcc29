# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_files
version_added: "1.0.0"
short_description: Write the folders, links and files of the embedded cluster
description:
  - Makes what is missing or different in a folder, and leaves everything else in it alone.
  - It runs on the controller, as an action, so that dozens of files take one short task.
options:
  directory:
    description: The folder that all paths are relative to.
    type: path
    required: true
  folders:
    description: Folders, path to octal mode.
    type: dict
    default: {}
  links:
    description: Symbolic links, path to target.
    type: dict
    default: {}
  files:
    description: Files.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where it is.
        type: str
        required: true
      content:
        description: Its text.
        type: str
        required: true
      mode:
        description: Its octal mode.
        type: str
        default: "0644"
      secret:
        description: Whether it must not be shown as a difference.
        type: bool
        default: false
attributes:
  check_mode:
    description: Tells what would be written.
    support: full
  diff_mode:
    description: Shows the files that differ, but for those that are secret.
    support: full
author:
  - "selfhosted.serverless contributors (@selfhosted)"
"""

EXAMPLES = r"""
- name: Write the configuration
  selfhosted.serverless.lab_files:
    directory: /srv/lab
    folders:
      etc: "0755"
    files:
      - path: etc/resolv.conf
        content: "nameserver 127.0.0.1\n"
"""

RETURN = r"""
written:
  description: Paths of what was written (in check mode, would be).
  type: list
  elements: str
  returned: success
"""

# The code is in plugins/action/lab_files.py.
