# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose what is installed on a cluster; documented in plugins/modules/release_set.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from ansible.errors import AnsibleError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.store import read_inventories
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import Document
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.scc import are_in_force
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.choice import choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import (
    COMPONENTS,
    ReleaseSetError,
    read_releases,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.standing import (
    our_workloads,
    standing_versions,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.steps import is_downgrade, moves
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import PLATFORM, RELEASE_SET
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.survey import (
    AUTO,
    INSECURE_WORDS,
    Survey,
    Wanted,
    on_record,
    survey_of,
    survey_of_metrics,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.table import Row, table
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import (
    RECORD_NAMESPACE,
    ClusterAction,
)

REGISTERED, CLUSTER_REGISTERED = "__serverless_release", "__serverless_cluster"
NEVER, ALWAYS = "never", "always"


class ActionModule(ClusterAction):
    """Asks the server for its version, and changes nothing."""

    errors: ClassVar[tuple[type[Exception], ...]] = (*ClusterAction.errors, ReleaseSetError)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the set and its content; print it once a run, not by every role that asks."""
        cluster, _progress = self.connect(args)
        deadline = Deadline(args["timeout"])
        server = cluster.get_path("/version", deadline=deadline)["gitVersion"]
        recorded = read_inventories(cluster, RECORD_NAMESPACE, deadline) if args["upgrade"] else None
        workloads = our_workloads(cluster, recorded or [], deadline)
        standing = standing_versions(recorded or [], workloads)
        given = {name: args[f"{name}_version"] for name in COMPONENTS if args[f"{name}_version"]}
        releases = read_releases()
        chosen = choose(
            releases, args["release"], server, given, args["untried"], lambda versions: is_downgrade(standing, versions)
        )
        upgrades, untried = moves(releases, standing, chosen, args["untried"])
        survey = self._survey(cluster, args, bool(recorded), workloads, deadline)
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
            "kubelet_insecure_tls": survey.insecure,
            "platform": [vars(row) for row in survey.rows],
        }
        told = self.variables.get(REGISTERED) or {}
        if told.get("versions") != answer["versions"] or told.get("name") != answer["name"]:
            self.tell(chosen.line(server))
            for move in upgrades:
                self.tell(f"upgrade: {move}")
            for problem in [*chosen.untried, *untried]:
                self.warn(f"{problem}; serverless_release_untried is true, so the run goes on")
        return answer

    def _survey(
        self, cluster: Cluster, args: dict[str, Any], is_recorded: bool, workloads: list[Document], deadline: Deadline
    ) -> Survey:
        """Return what is known of the cluster, and print it; what has been found is not asked by every run anew."""
        told = self.variables.get(REGISTERED) or {}
        if told.get("platform"):
            return Survey([Row(**row) for row in told["platform"]], insecure=told["kubelet_insecure_tls"])
        wanted = self._wanted(args)
        found = on_record(workloads, wanted.insecure)
        if args["platform"] == NEVER:
            return Survey(insecure=found is not None and found.insecure)
        if args["platform"] == ALWAYS or not is_recorded:
            found = survey_of(cluster, replace(wanted, ours=found is not None), deadline)
        elif found is None:
            found = survey_of_metrics(cluster, wanted, deadline) if wanted.metrics else Survey()
        of_nodes = (self.variables.get(CLUSTER_REGISTERED) or {}).get("platform") or []
        found.rows = [*(Row(**row) for row in of_nodes), *found.rows]
        self.show([f"What is known of context {args['context']}:", *table(found.rows)])
        for holder in found.holders:
            self.warn(*holder.trouble())
        return found

    def _wanted(self, args: dict[str, Any]) -> Wanted:
        """What the inventory says of the same things; the roles that have its defaults come later."""
        gateway = args["gateway"]
        return Wanted(
            gateway=(gateway["namespace"], gateway["name"]),
            istio=self._said("istio_state", "present") == "present",
            balanced=self._said("istio_gateway_service_type", "LoadBalancer") == "LoadBalancer",
            told=args["gateway_address"],
            node=args["node_address"],
            storage_class=self._said("todo_database_storage_class", ""),
            insecure=INSECURE_WORDS.get(self._said("metrics_server_kubelet_insecure_tls", AUTO).lower(), AUTO),
            metrics=self._said("metrics_server_state", "present") == "present",
            uses_existing=self._said("metrics_server_existing", AUTO) in (AUTO, "leave"),
        )

    def _said(self, name: str, default: str) -> str:
        try:
            value = self._variable(name)
        except AnsibleError:  # made of what only its role knows
            return default
        return default if value is None else str(value)

    def notes(self, args: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
        """Return the set, its versions, and what they are an upgrade of."""
        return {
            RELEASE_SET: {key: done[key] for key in ("name", "versions", "upgrades")},
            PLATFORM: {"rows": done["platform"]} if done["platform"] else {},
        }
