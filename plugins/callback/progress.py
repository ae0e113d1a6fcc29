# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback plugin: what a run does and how long that takes, without a line for what did nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: What a run does, without a line for what did nothing
version_added: "1.1.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Prints a line where a role begins, with the time since the start, a line for each task that changed something or took five
    seconds or more, what actions tell, and failures with the task that failed. Tasks that did nothing are not shown.
  - What a role has other roles do belongs to its own line. What is asked and rendered before anything changes, of whatever role,
    has one line, that of the plan.
  - At the end of a run on several hosts a table says of each how it ended, after how long, and why it failed.
  - With C(-v) and more, the output is that of P(ansible.builtin.default#callback). E(ANSIBLE_STDOUT_CALLBACK=default) chooses that
    for good.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

import time
from typing import Any

from ansible import constants as C
from ansible.executor.stats import AggregateStats
from ansible.executor.task_result import CallbackTaskResult
from ansible.inventory.host import Host
from ansible.playbook.play import Play
from ansible.playbook.role_include import IncludeRole
from ansible.playbook.task import Task
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.selfhosted.serverless.plugins.module_utils.durations import duration, elapsed
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.ends import HostEnd, table_of

SHOWN_AFTER = 5.0  # seconds that a task takes to be shown, though it changed nothing
COLLECTION = "selfhosted.serverless."
SHARED = f"{COLLECTION}serverless"
PHASE = "__serverless_phase"  # of a task that says what it belongs to in place of its role
PHASES = {"plan": "plan: nothing is changed yet", "removal": "removal"}


class CallbackModule(Default):
    """Hides what did nothing; everything else is Ansible's own."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "selfhosted.serverless.progress"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._starts: dict[tuple[str, str], float] = {}  # by host and task
        self._headings: dict[str, str] = {}  # what each host is at, by the line that was shown last
        self._ends: dict[str, HostEnd] = {}
        self._has_several = False

    @property
    def _is_whole(self) -> bool:
        """Whether all is shown as Ansible does it."""
        return bool(self._display.verbosity)

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """Nothing of the play itself: its roles say what it does."""
        if self._is_whole:
            super().v2_playbook_on_play_start(play)
        self._play = play
        # All of the play, of which one batch may have one alone
        hosts = play.get_variable_manager()._inventory.get_hosts(play.hosts, ignore_restrictions=True)
        self._has_several = len(hosts) > 1

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        """No header yet: the task may do nothing."""
        if self._is_whole:
            super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: Task) -> None:
        """The same of handlers."""
        if self._is_whole:
            super().v2_playbook_on_handler_task_start(task)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """What is included is no work."""
        if self._is_whole:
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        """A line where a host comes to another role, or to another phase of the run."""
        super().v2_runner_on_start(host, task)
        name, now = host.get_name(), time.monotonic()
        self._starts[name, task._uuid] = now
        self._ends.setdefault(name, HostEnd(name, now))
        heading = "" if isinstance(task, TaskInclude) else _heading_of(task)
        if heading and heading != self._headings.get(name):
            self._headings[name] = heading
            if not self._is_whole:
                since = elapsed(now - self._began)
                self._display.display(f"[{since:>6}] {self._whose(name)}{heading}", color=C.COLOR_HIGHLIGHT)

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """A line where something changed or took its time, and what debug says."""
        self._pass(result)
        if self._is_whole:
            super().v2_runner_on_ok(result)
            return
        took = self._took(result)
        changed = bool(result.result.get("changed"))
        self._handle_warnings_and_exception(result)
        if result.task.action in C._ACTION_DEBUG:
            message = result.result.get("msg", "")
            for line in message if isinstance(message, list) else [message]:
                self._display.display(f"  {self._whose(result.host.get_name())}{line}")
        elif changed or (took >= SHOWN_AFTER and not _is_of_ansible(result.task)):
            said = "would change" if result.task.check_mode else "changed"
            word, color = (said, C.COLOR_CHANGED) if changed else ("done", C.COLOR_OK)
            name = result.task.name or result.task.action
            whose = self._whose(result.host.get_name())
            self._display.display(f"  {whose}{word}: {name} ({duration(took)})", color=color)

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        """Nothing."""
        self._pass(result)
        if self._is_whole:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_skipped(self, result: CallbackTaskResult) -> None:
        """Nothing."""
        if self._is_whole:
            super().v2_runner_item_on_skipped(result)

    def v2_runner_item_on_ok(self, result: CallbackTaskResult) -> None:
        """Nothing: the task says whether it changed something."""
        if self._is_whole:
            super().v2_runner_item_on_ok(result)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """The task and what it says, once; Ansible says it twice, with the place in the role."""
        message = str(result.result.get("msg") or "").strip()
        if self._is_whole or not message or result.task.loop or result.result.get("stderr"):
            super().v2_runner_on_failed(result, ignore_errors)
        else:
            word, color = ("ignored", C.COLOR_WARN) if ignore_errors else ("failed", C.COLOR_ERROR)
            where = f"{role}: " if (role := _role_of(result.task)) else ""
            whose = self._whose(result.host.get_name())
            lines = "\n".join(f"    {line}" for line in message.splitlines())
            self._display.display(
                f"  {whose}{word}: {where}{result.task.name or result.task.action}\n{lines}", color=color
            )
        if ignore_errors:
            self._pass(result)
        else:
            self._end(result)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """The same of a host that is not reached."""
        super().v2_runner_on_unreachable(result)
        self._end(result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Ansible's counts, or how each host ended."""
        if self._is_whole:
            super().v2_playbook_on_stats(stats)
            return
        now = time.monotonic()
        for name, end in self._ends.items():
            counts = stats.summarize(name)
            end.changed, end.check = bool(counts["changed"]), bool(self._play.check_mode)
        lines = table_of(list(self._ends.values()), now - self._began)
        self._display.display("\n" + "\n".join(lines))

    def _pass(self, result: CallbackTaskResult) -> HostEnd:
        """Note that a host has a task behind it: another may need longer, so the run's end is not the host's."""
        end = self._ends.setdefault(result.host.get_name(), HostEnd(result.host.get_name(), self._began))
        end.seconds = time.monotonic() - end.began
        return end

    def _end(self, result: CallbackTaskResult) -> None:
        end = self._pass(result)
        end.error = str(result.result.get("msg") or "failed").strip()
        end.task = result.task.name or result.task.action

    def _took(self, result: CallbackTaskResult) -> float:
        """Seconds that a task took on a host."""
        return time.monotonic() - self._starts.get((result.host.get_name(), result.task._uuid), time.monotonic())

    def _whose(self, host: str) -> str:
        """What a line begins with where there are several hosts."""
        return f"{host}: " if self._has_several else ""


def _role_of(task: Task) -> str:
    """The role of a task; the one that holds what all roles share does nothing."""
    return _name_of(str(task._role.get_name()) if task._role else "")


def _heading_of(task: Task) -> str:
    """What a task belongs to: the phase that it says, else the role that the play asked for, whatever that includes."""
    phase = task.get_vars().get(PHASE)
    if phase in PHASES:
        return PHASES[phase]
    heading, parent = _role_of(task), task._parent
    while parent is not None:
        if isinstance(parent, IncludeRole):
            heading = _role_of(parent) or _name_of(str(parent._role_name))
        parent = parent._parent
    return heading


def _name_of(role: str) -> str:
    return "" if role == SHARED else role.removeprefix(COLLECTION)


def _is_of_ansible(task: Task) -> bool:
    """Whether a task is no work of a role: an include, or the check of a role's options that Ansible puts before it."""
    return isinstance(task, TaskInclude) or task.action == "ansible.builtin.validate_argument_spec"
