# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of the drills have in common: the cluster and the application, and one failure for all errors."""

from __future__ import annotations

import signal
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import Ways
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError, Interrupted
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.run import prepare
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.stage import Stage
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress

_display = Display()

APPLICATION: dict[str, Any] = {
    "context": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
    "namespace": {"type": "str", "default": "todo"},
    "gateway_address": {"type": "str", "default": ""},
    "node_address": {"type": "str", "default": ""},
}


class DrillAction(ActionBase):
    """Runs in the controller's process: the requests come from there, and progress is seen there."""

    _requires_connection = False
    _supports_check_mode = True
    arguments: ClassVar[dict[str, Any]]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the arguments and act; the library's errors become the failure of the task."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=self.arguments)
        try:
            result.update(self.act(args, bool(self._task.check_mode)))
        except (DrillError, KubeError, ValueError) as error:
            raise AnsibleActionFail(str(error)) from error
        return result

    @abstractmethod
    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Do it, or in check mode only tell what would be done, and return the result of the task."""


def stage_of(args: dict[str, Any], drill: str, timeout: float, write: bool) -> Stage:
    """The checked stage of a drill. With `write`, what a killed drill left behind is put back first."""
    progress = Progress(_display.display, args["context"])
    cluster = Cluster.connect(args["context"], args["kubeconfig"] or None, progress.retry)
    ways = Ways(args["gateway_address"], args["node_address"])
    return prepare(cluster, drill, args["namespace"], ways, progress.tell, Deadline(timeout), write)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C, which Ansible hands to its worker, end the block as an error: then what was changed is put back."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)  # putting back must not be interrupted
        raise Interrupted(f"interrupted by {signal.Signals(number).name}; what the drill had changed is put back")

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def show(lines: list[str]) -> None:
    """Print a text."""
    _display.display("\n" + "\n".join(lines) + "\n")
