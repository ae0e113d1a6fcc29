# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One drill from its preconditions to its files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from ..drills import report
from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.errors import KubeError
from .application import Endpoints, find_application
from .bad_version import bad_version
from .cold_start import cold_start
from .errors import DrillError, Interrupted
from .pod_loss import pod_loss
from .preconditions import check, check_name
from .result import Check, Result
from .scale_out import scale_out
from .settings import Settings
from .stage import Stage
from .topology import run_topology
from .undo import Undo

RUNS: dict[str, Callable[[Stage, Settings], Result]] = {
    "scale_out": scale_out,
    "pod_loss": pod_loss,
    "cold_start": cold_start,
    "bad_version": bad_version,
    "topology": run_topology,
}


def prepare(
    cluster: Cluster,
    drill: str,
    namespace: str,
    endpoints: Endpoints,
    tell: Callable[[str], None],
    deadline: Deadline,
    write: bool,
) -> Stage:
    """Undo what a killed drill left behind (if `write`) and check the preconditions. Raises DrillError, KubeError."""
    check_name(drill)
    if write:
        for what in Undo(cluster, namespace).restore_former():
            tell(f"put back what an earlier drill, which did not end, had changed: {what}")
    application = find_application(cluster, namespace, endpoints)
    check(cluster, application, drill)
    return Stage(cluster, application, tell, deadline)


def run(stage: Stage, drill: str, settings: Settings) -> Result:
    """A drill that does not come to its end gives a result as well: what happened until then, and why it ended.

    Raises Interrupted.
    """
    stage.tell(f"requests go to {stage.application.address}")
    try:
        return RUNS[drill](stage, settings)
    except Interrupted:
        raise
    except (DrillError, KubeError, ValueError) as error:
        result = Result(stage.title(drill), stage.timeline())
        result.requests("requests", "requests until then", result.timeline.shots)
        result.checks.append(Check(str(error), False))
        return result


def finish(
    result: Result, folder: Path, drill: str, variant: str, started: datetime
) -> tuple[list[str], dict[str, Any]]:
    """Write the files; the lines to print, and what a task returns. Raises DrillError."""
    try:
        files = report.write(result, folder, drill, variant, started)
    except OSError as error:
        raise DrillError(f"the result could not be written: {error}") from error
    values = {"variant": variant, "met": result.met, "figures": result.figures, "files": [str(file) for file in files]}
    if not result.met:
        unmet = "; ".join(check.what for check in result.checks if not check.met)
        values.update(failed=True, msg=f"the drill {drill} did not show what it is to show: {unmet}")
    return report.lines(result, files), values
