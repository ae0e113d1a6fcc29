# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run revokes the tokens that were got for it, whatever ends it (see run_journal.py)."""

from __future__ import annotations

import atexit
import os
from functools import cache

from ansible import constants as C
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.login import revoke_all


@cache
def revoke_at_exit() -> None:
    """Have the end of this process revoke them; the processes of tasks, which are its children, do not."""
    atexit.register(_finish, os.getpid())


def _finish(process: int) -> None:
    if os.getpid() != process:
        return
    for warning in revoke_all(C.DEFAULT_LOCAL_TMP):
        Display().warning(warning)
