# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose what is installed on a cluster; documented in plugins/modules/release_set.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.store import read_inventories
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.scc import are_in_force
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.choice import choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import (
    COMPONENTS,
    ReleaseSetError,
    read_releases,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.standing import standing_versions
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.steps import is_downgrade, moves
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import RELEASE_SET
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import (
    RECORD_NAMESPACE,
    ClusterAction,
)

REGISTERED = "__serverless_release"


class ActionModule(ClusterAction):
    """Asks the server for its version, and changes nothing."""

    errors: ClassVar[tuple[type[Exception], ...]] = (*ClusterAction.errors, ReleaseSetError)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the set and its content; print it once a run, not by every role that asks."""
        cluster, _progress = self.connect(args)
        deadline = Deadline(args["timeout"])
        server = cluster.get_path("/version", deadline=deadline)["gitVersion"]
        recorded = read_inventories(cluster, RECORD_NAMESPACE, deadline) if args["upgrade"] else None
        standing = standing_versions(cluster, recorded or [], deadline)
        given = {name: args[f"{name}_version"] for name in COMPONENTS if args[f"{name}_version"]}
        releases = read_releases()
        chosen = choose(
            releases, args["release"], server, given, args["untried"], lambda versions: is_downgrade(standing, versions)
        )
        upgrades, untried = moves(releases, standing, chosen, args["untried"])
        answer = {
            "changed": False,
            "name": chosen.release.name,
            "kubernetes": {"from": chosen.release.oldest, "to": chosen.release.newest},
            "upgrade_from": list(chosen.release.upgrade_from),
            "versions": dict(chosen.versions),
            "manifests": dict(chosen.manifests),
            "post_install": dict(chosen.post_install),
            "addons": dict(chosen.addons),
            "scc": are_in_force(cluster, deadline),
            "recorded": None if recorded is None else sorted(one.release for one in recorded),
            "upgrades": {move.component: {"from": move.before, "to": move.after} for move in upgrades},
        }
        told = self.variables.get(REGISTERED) or {}
        if told.get("versions") != answer["versions"] or told.get("name") != answer["name"]:
            self.tell(chosen.line(server))
            for move in upgrades:
                self.tell(f"upgrade: {move}")
            for problem in [*chosen.untried, *untried]:
                self.warn(f"{problem}; serverless_release_untried is true, so the run goes on")
        return answer

    def notes(self, args: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
        """Return the set, its versions, and what they are an upgrade of."""
        return {RELEASE_SET: {key: done[key] for key in ("name", "versions", "upgrades")}}
