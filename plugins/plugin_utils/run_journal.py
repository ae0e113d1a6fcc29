# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions' part in the report of a run: each notes its step, and the end of ansible-playbook writes the files.

Whatever ends a run (a task of any kind that fails, Ctrl-C, its last task) ends the process that read the inventory, and
Python's atexit is the one place that sees all of these. Before, at the first action of a play, the files are written as
those of a run that goes on: so one that is killed leaves no report of an earlier one behind.
"""

from __future__ import annotations

import atexit
import os
import platform
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.release import __version__ as ANSIBLE_VERSION
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import (
    COMPLETE,
    SITE,
    Now,
    Software,
    build,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.files import RUN_PAGE, write_reports
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.journal import (
    BEGIN,
    END,
    PLAY,
    Journal,
    Record,
    read_journals,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.page import page
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.steps import Outcome

COLLECTION = "selfhosted.serverless"
DIRECTORY = "report_directory"  # the option of the role, which the inventory may say for the whole run
_ROLES = ("report", f"{COLLECTION}.report")
_INCLUDES = ("include_role", "ansible.builtin.include_role", "ansible.legacy.include_role")
_ROOT = Path(__file__).resolve().parents[2]


class Note:
    """The step of one action in the journal of its host, from its begin to its end."""

    def __init__(self, task: Task, variables: Mapping[str, Any], variable: Callable[[str], Any]) -> None:
        """Note the begin. `variable` gives the value of a variable. Raises AnsibleActionFail for a useless folder."""
        self._task = task
        host = str(variables.get("inventory_hostname", "localhost"))
        self._journal = Journal(C.DEFAULT_LOCAL_TMP, host)
        self._began = now = time.monotonic()
        self._step = f"{os.getpid()}-{now}"
        role, within = _roles(task, variables)
        begin = {
            "event": BEGIN,
            "at": now,
            "step": self._step,
            "name": task.name or task.action,
            "role": role,
            "within": within,
            "action": str(task.action).rpartition(".")[2],
            "task": task._uuid,
        }
        play = task.get_play()
        if self._journal.is_new(play._uuid):
            self._begin_play(play, host, variables, variable, begin)
        else:
            self._journal.append(begin)

    def end(
        self,
        outcome: Outcome,
        error: str,
        warnings: Sequence[tuple[str, str]],
        waits: bool,
        notes: Mapping[str, Any],
    ) -> None:
        """Note the end; `waits` tells that all was waiting. Of a task with no_log only how it ended is told."""
        if outcome is Outcome.FAILED and self._task.ignore_errors:
            outcome = Outcome.IGNORED
        now = time.monotonic()
        record: Record = {"event": END, "at": now, "step": self._step, "outcome": outcome.value}
        if not self._task.no_log:
            waited = now - self._began if waits else 0.0
            record |= {"error": error, "warnings": warnings, "waited": waited, "notes": notes}
        elif error:
            record["error"] = "What it says is not told, since the task has no_log."
        self._journal.append(record)

    def _begin_play(
        self, play: Play, host: str, variables: Mapping[str, Any], variable: Callable[[str], Any], begin: Record
    ) -> None:
        named = str(variable(DIRECTORY) or "") if DIRECTORY in variables and has_report(play) else ""
        directory = absolute(named)
        head = {
            "event": PLAY,
            "at": begin["at"],
            "wall": time.time(),
            "host": host,
            "play": play.get_name(),
            "strategy": str(play.strategy),
            "check": bool(self._task.check_mode),
            "directory": directory,
        }
        self._journal.append(head, begin)
        if directory:
            try:
                write(C.DEFAULT_LOCAL_TMP, over=False)
            except OSError as error:
                raise AnsibleActionFail(
                    f"{DIRECTORY} is {named}, and nothing can be written there: {error.strerror}: {error.filename}. "
                    "Name a folder that you may write in; nothing was changed"
                ) from None


def absolute(directory: str) -> str:
    """Return the whole path of a folder that the user named; '' for none."""
    return str(Path(directory).expanduser().absolute()) if directory else ""


def has_report(play: Play) -> bool:
    """Return whether a play has the role report: only such a run writes files, lest another one replaces them."""
    return any(role.get_name() in _ROLES for role in play.get_roles()) or any(
        _is_report(task) for task in _tasks_of(play)
    )


def tags_of(play: Play) -> set[str]:
    """Return the tags that the tasks of a play have."""
    return {str(tag) for task in _tasks_of(play) for tag in task.tags}


def write(directory: str | Path, *, over: bool) -> dict[str, str]:
    """Write the files of all journals below Ansible's folder of the run; return by folder how the run ended on them.

    Hosts whose inventory names another folder have reports of their own. Raises OSError.
    """
    now = Now(time.time(), time.monotonic())
    software = Software(collection_version(), ANSIBLE_VERSION, platform.python_version())
    folders: dict[str, list[list[Record]]] = {}
    for records in read_journals(directory):
        if folder := _folder(records):
            folders.setdefault(folder, []).append(records)
    outcomes = {}
    for folder, journals in folders.items():
        report = build(journals, software, now, over)
        hosts = {str(records[0]["host"]): build([records], software, now, over) for records in journals}
        write_reports(Path(folder), report, page(report), hosts)
        outcomes[folder] = report["run"]["outcome"]
    return outcomes


@cache
def write_at_exit() -> None:
    """Have the end of this process write the files; the processes of tasks, which are its children, do not."""
    atexit.register(_finish, os.getpid())


@cache
def collection_version() -> str:
    """Return the collection's version, of a checkout or as it is installed; '' where neither tells it."""
    for name, pattern in (("galaxy.yml", r"^version: *(\S+)"), ("MANIFEST.json", r'"version": *"([^"]+)"')):
        try:
            found = re.search(pattern, (_ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        except OSError:
            continue
        if found:
            return found[1]
    return ""


def _finish(process: int) -> None:
    if os.getpid() != process:
        return
    try:
        outcomes = write(C.DEFAULT_LOCAL_TMP, over=True)
    except OSError as error:
        Display().warning(f"the report of this run could not be written: {error.strerror}: {error.filename}")
        return
    for folder, outcome in outcomes.items():
        # Else the report that was printed has said where the files are.
        if outcome != COMPLETE:
            Display().display(f"The report of this run, {outcome}: {Path(folder, RUN_PAGE)}")


def _folder(records: Sequence[Record]) -> str:
    """Return the folder of a host's reports: what its role report was told, else what the inventory said before."""
    told = [record["notes"][SITE]["directory"] for record in records if SITE in (record.get("notes") or {})]
    said = [record["directory"] for record in records if record["event"] == PLAY and record.get("directory")]
    return str(([""] + (told or said))[-1])


def _roles(task: Task, variables: Mapping[str, Any]) -> tuple[str, str]:
    """Return the role that a task is of, and the outermost role that included that one, else the same."""
    role = task._role.get_name() if task._role else ""
    parents = variables.get("ansible_parent_role_names") or []
    within = str(parents[-1]) if role and parents else role
    return role.removeprefix(f"{COLLECTION}."), within.removeprefix(f"{COLLECTION}.")


def _tasks_of(play: Play) -> Iterable[Task]:
    return _tasks([*play.pre_tasks, *play.tasks, *play.post_tasks])


def _tasks(entries: Iterable[Block | Task]) -> Iterable[Task]:
    for entry in entries:
        if isinstance(entry, Block):
            yield from _tasks([*entry.block, *entry.rescue, *entry.always])
        else:
            yield entry


def _is_report(task: Task) -> bool:
    if task.action in _INCLUDES:
        return task.args.get("name") in _ROLES
    return bool(task._role) and task._role.get_name() in _ROLES
