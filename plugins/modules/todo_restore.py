# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: todo_restore
short_description: Restore the database of the todo application
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Restores a file that M(selfhosted.serverless.todo_backup) wrote into a new database beside the live one, and then exchanges their
    names in one transaction. Until then the application goes on with what it has, and an error changes nothing.
  - A file that is no such backup, or one of a newer application, is refused. Restore no file of a stranger; a dump can hold any command.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
options:
  namespace:
    description: The application's namespace.
    type: str
    required: true
  file:
    description: The backup, on the controller.
    type: path
    required: true
  keep_former:
    description: Whether the database that was live before stays, under the name that is returned.
    type: bool
    default: true
attributes:
  check_mode:
    description: Looks at the file, for which the database's pod lists its contents.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Restore the to-dos
  selfhosted.serverless.todo_restore:
    context: docker-desktop
    namespace: todo
    file: ~/backups/todo.dump
"""

RETURN = r"""
rows:
  description: The number of rows of each table that was restored.
  returned: success, not in check mode
  type: dict
former:
  description: The name of the database that was live before; empty when it was dropped.
  returned: success, not in check mode
  type: str
size:
  description: The size of the file in bytes.
  returned: check mode
  type: int
"""
