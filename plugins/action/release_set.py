# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose what is installed on a cluster; documented in plugins/modules/release_set.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.choice import choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import (
    COMPONENTS,
    ReleaseSetError,
    read_releases,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction

REGISTERED = "__serverless_release"


class ActionModule(ClusterAction):
    """Asks the server for its version, and changes nothing."""

    errors: ClassVar[tuple[type[Exception], ...]] = (*ClusterAction.errors, ReleaseSetError)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the set and its content; print it once a run, not by every role that asks."""
        cluster, _progress = self.connect(args)
        server = cluster.get_path("/version", deadline=Deadline(args["timeout"]))["gitVersion"]
        given = {name: args[f"{name}_version"] for name in COMPONENTS if args[f"{name}_version"]}
        chosen = choose(read_releases(), args["release"], server, given, args["untried"])
        answer = {
            "changed": False,
            "name": chosen.release.name,
            "kubernetes": {"from": chosen.release.oldest, "to": chosen.release.newest},
            "upgrade_from": list(chosen.release.upgrade_from),
            "versions": dict(chosen.versions),
            "manifests": dict(chosen.manifests),
            "post_install": dict(chosen.post_install),
        }
        told = self.variables.get(REGISTERED) or {}
        if told.get("versions") != answer["versions"] or told.get("name") != answer["name"]:
            self.tell(chosen.line(server))
            for problem in chosen.untried:
                self.warn(f"{problem}; serverless_release_untried is true, so the run goes on")
        return answer
