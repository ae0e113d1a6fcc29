# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of the drills have in common: the cluster and the application, and one failure for all errors."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import Endpoints, Gateway
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError, Interrupted
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.run import prepare
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.stage import Stage
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction


class DrillAction(ClusterAction):
    """An action of a drill; the requests come from the controller's process."""

    errors: ClassVar[tuple[type[Exception], ...]] = (DrillError, *ClusterAction.errors)

    def stage(self, args: dict[str, Any], drill: str, timeout: float, write: bool) -> Stage:
        """The checked stage of a drill. With `write`, what a killed drill left behind is put back first."""
        cluster, progress = self.connect(args)
        endpoints = Endpoints(
            args["gateway_address"],
            args["node_address"],
            Gateway(args["gateway"]["namespace"], args["gateway"]["name"]),
        )
        return prepare(cluster, drill, args["namespace"], endpoints, progress.tell, Deadline(timeout), write)


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
