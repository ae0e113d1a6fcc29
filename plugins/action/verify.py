# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make real requests to a site and tell what holds; documented in plugins/modules/verify.py."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.commands import kubectl
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.catalogue import questions
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.errors import Interrupted, VerifyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.facts import Fact, problem
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.files import write
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.run import verify
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.scene import Scene
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.settings import (
    GatewayPlace,
    Limits,
    PullSecret,
    Settings,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import LOOK_SECONDS, ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.interruption import ending_by

FULL = "full"


class ActionModule(ClusterAction):
    """What it makes on the cluster it takes away, so it never reports a change."""

    errors: ClassVar[tuple[type[Exception], ...]] = (VerifyError, *ClusterAction.errors)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the facts; those that do not hold fail the task, where it is not asked to only tell them."""
        full = args["form"] == FULL
        if check:
            return self._only_told(args, full)
        settings = _settings(args)
        cluster, progress = self.connect(args)
        scene = Scene(cluster, settings, progress.tell, kubectl(args["context"], args["kubeconfig"] or ""))
        started = datetime.now(UTC)
        facts = self._full(scene, cluster, progress) if full else self._short(scene, cluster, progress)
        folder = args["report_directory"]
        files = write(facts, Path(folder), args["context"], args["form"], started) if folder else []
        said = problem(facts)
        result = {
            "changed": False,
            "facts": [fact.as_json() for fact in facts],
            "problem": said,
            "files": [str(file) for file in files],
            "seconds": round(scene.deadline.elapsed, 2),
        }
        return {**result, "failed": True, "msg": said} if said and args["fail"] else result

    def _only_told(self, args: dict[str, Any], full: bool) -> dict[str, Any]:
        """In check mode nothing is asked."""
        wanted = questions(full)
        for question in wanted:
            self.tell(f"would {question.does}")
        asked = [question.name for question in wanted]
        return {"changed": False, "facts": [], "problem": "", "files": [], "seconds": 0.0, "would_ask": asked}

    def _short(self, scene: Scene, cluster: Cluster, progress: Progress) -> list[Fact]:
        with self.run_lock(cluster, progress).kept():
            return verify(scene, full=False)

    def _full(self, scene: Scene, cluster: Cluster, progress: Progress) -> list[Fact]:
        """With the lock of runs: what another verification makes must not be taken for something left behind."""
        lock = self.run_lock(cluster, progress)
        with ending_by(Interrupted, "what verification made is taken away"), lock.held():
            try:
                return verify(scene, full=True)
            finally:
                lock.give_up(Deadline(LOOK_SECONDS))


def _settings(args: dict[str, Any]) -> Settings:
    """Raises VerifyError for values that make no sense."""
    for name in ("split_requests", "warm_requests", "timeout", "metrics_seconds", "clock_seconds", "certificate_days"):
        if args[name] <= 0:
            raise VerifyError(f"{name} is {args[name]}; write a number above 0 (verify_{name})")
    gateway, secret = args["gateway"], args["pull_secret"]
    return Settings(
        namespace=args["namespace"],
        image=args["image"],
        pull=args["pull"],
        gateway=GatewayPlace(gateway["namespace"], gateway["name"], gateway["selector"]),
        gateway_address=args["gateway_address"],
        node_address=args["node_address"],
        application=args["application_namespace"],
        domain=args["domain"],
        user_traffic={version: int(percent) for version, percent in args["user_traffic"].items()},
        secret=PullSecret(
            secret["registry"], secret["name"], tuple(secret["namespaces"]), tuple(secret["service_accounts"])
        ),
        images=args["images"],
        limits=Limits(args["metrics_seconds"], args["clock_seconds"], args["certificate_days"]),
        split_requests=args["split_requests"],
        warm_requests=args["warm_requests"],
        timeout=args["timeout"],
    )
