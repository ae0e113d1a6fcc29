# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: todo_backup
short_description: Back up the database of the todo application
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Runs pg_dump in the database's pod and writes the dump, in PostgreSQL's custom format, to a file on the controller.
  - The dump is restored into a scratch database in the same pod. Only when all tables have the rows there that they had at the moment
    of the dump, by number and by checksum, the file gets its name. It appears complete or not at all, with mode 0600.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  namespace:
    description: The application's namespace.
    type: str
    required: true
  file:
    description: The file to write; it must not exist. Its folder is made where it is missing.
    type: path
    required: true
attributes:
  check_mode:
    description: Only tells which file would be written.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Back up the to-dos
  selfhosted.serverless.todo_backup:
    context: docker-desktop
    namespace: todo
    file: ~/backups/todo.dump
"""

RETURN = r"""
file:
  description: The file.
  returned: success
  type: str
size:
  description: Its size in bytes.
  returned: success, not in check mode
  type: int
sha256:
  description: Its checksum.
  returned: success, not in check mode
  type: str
rows:
  description: The number of rows of each table.
  returned: success, not in check mode
  type: dict
"""
