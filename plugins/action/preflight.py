# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the inventory and the cluster before anything changes; documented in plugins/modules/preflight.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible_collections.selfhosted.serverless.plugins.module_utils.contexts.kind_hints import LAB_KIND
from ansible_collections.selfhosted.serverless.plugins.module_utils.contexts.same_cluster import first_of, identity_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.durations import elapsed
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.detection import openshift_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.options.names import (
    defaults_of_roles,
    misspelt,
    misspelt_tags,
    no_contexts,
    options_of_roles,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.repeats import Repeats
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import CLUSTER
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_facts import (
    ClusterFacts,
    cluster_facts,
    older_than,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_kind import kind_of, told_by
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.commands import kubectl
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.survey import rows_of_nodes
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_nodes import delivery_to
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.option_values import faulty_values
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.run_journal import tags_of

LOOK_EVERY = 1.0  # seconds
_OPENSHIFT = "the API server serves OpenShift's kinds"
_OTHERWISE = {LAB_KIND: "the lab has written that into its kubeconfig"}
BATCH = "serverless_batch"
# Set by measurements that have few clusters for many hosts
MAY_SHARE = "__serverless_may_share"
ROLES = Path(__file__).resolve().parents[2] / "roles"


class ActionModule(ClusterAction):
    """Reads only."""

    _is_of_inventory = False  # what is told is of no cluster

    def subject(self, args: dict[str, Any]) -> str:
        """The context, but for what is wrong with the inventory."""
        return "" if self._is_of_inventory else super().subject(args)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what the cluster is. Fail with every problem of the inventory at once, else with the cluster's."""
        problem = self._problem_of_options(args)
        if problem:
            self._is_of_inventory = True
            return {"failed": True, "msg": problem}
        cluster, progress = self.connect(args)
        facts, nodes = _facts_with_a_node(cluster, Deadline(args["timeout"]), progress.tell, self.leads_to_lab(args))
        problem = self._problem_of_hosts(cluster) or _problem(facts, args)
        if problem:
            return {"failed": True, "msg": problem}
        how = told_by(nodes) if facts.kind == kind_of(nodes) else _OTHERWISE.get(facts.kind, _OPENSHIFT)
        rows = rows_of_nodes(facts, how, self._delivery(nodes))
        return {"changed": False, **vars(facts), "platform": [vars(row) for row in rows]}

    def _delivery(self, nodes: list[dict[str, Any]]) -> tuple[str, str]:
        """How images will get to the nodes, and why that way, in words."""
        if self._variable("image_prefetch_state") == "absent":
            return "none", "image_prefetch_state: absent"
        try:
            wanted, configured = self._variable("image_prefetch_delivery"), self._variable("image_prefetch_nodes")
            found = delivery_to(str(wanted or "auto"), configured or [], nodes)
            policy = ImagePolicy.from_config(self._variable("serverless_images"))
        except (ImageError, AnsibleError) as error:
            return "not possible", str(error)
        return found.way, f"{found.reason}; serverless_images.mode: {policy.mode}"

    def _problem_of_options(self, args: dict[str, Any]) -> str:
        if self._is_without_contexts():
            return no_contexts(self.variables.get("ansible_inventory_sources") or [])
        options = options_of_roles(ROLES)
        unknown = misspelt(self.variables, options) if args["check_names"] else []
        problems = ["the inventory has unknown options: " + "; ".join(unknown)] if unknown else []
        if args["check_values"]:
            problems += self._problems_of_values(options)
        return "\n".join(problems)

    def _problems_of_values(self, options: dict[str, dict[str, Any]]) -> list[str]:
        """What is wrong with what the command line and the inventory say, each kind of fault in one text."""
        problems = []
        to_run, to_skip = (self.variables.get(f"ansible_{what}_tags") or [] for what in ("run", "skip"))
        tags = misspelt_tags(map(str, to_run), map(str, to_skip), tags_of(self._task.get_play()))
        if tags:
            problems.append("; ".join(tags))
        faults = faulty_values(options, self.variables, self._variable, defaults_of_roles(ROLES))
        if faults:
            problems.append("the inventory has values that are none for their options:\n" + "\n".join(faults))
        elif self._is_batch_unheard():
            problems.append(
                "serverless_batch stands in the inventory, which is read too late for it: it is of the run, not of a "
                f"host. Say it on the command line: -e serverless_batch={self._variable(BATCH)}"
            )
        return problems

    def _problem_of_hosts(self, cluster: Cluster) -> str:
        """Why another host of the run stands in the way: it leads to the same cluster, by whatever context."""
        if len(self.variables.get("ansible_play_hosts_all") or ()) < 2 or self.variables.get(MAY_SHARE):
            return ""
        host = str(self.variables["inventory_hostname"])
        other = first_of(C.DEFAULT_LOCAL_TMP, identity_of(cluster), host)
        if other == host:
            return ""
        return (
            f"the host {other} of this run leads to the same cluster. Take one of the two out of the inventory, or "
            f"leave it out of the run: --limit 'clusters:!{host}'"
        )

    def _is_without_contexts(self) -> bool:
        """Whether the play runs on Ansible's own localhost, as the playbooks do where nothing else is to be had."""
        groups = self.variables.get("groups") or {}
        is_implicit = "localhost" not in groups.get("all", ())
        return self.variables.get("inventory_hostname") == "localhost" and is_implicit and not groups.get("clusters")

    def _is_batch_unheard(self) -> bool:
        """Whether hosts are taken in batches by the inventory's word, which Ansible does not ask for that."""
        said, heard = str(self._variable(BATCH) or "0"), self._task.get_play().serial
        return said != "0" and [str(part) for part in heard] != [said]

    def notes(self, args: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
        """Return what the cluster is."""
        openshift = {"openshift": done["openshift"]} if done["openshift"] else {}
        return {CLUSTER: {key: done[key] for key in ("version", "kind", "nodes")} | openshift}


def _problem(facts: ClusterFacts, args: dict[str, Any]) -> str:
    """Return why the releases cannot be installed on such a cluster, or ''."""
    if args["minimum_kubernetes"] and older_than(facts.version, args["minimum_kubernetes"]):
        return (
            f"the cluster runs Kubernetes {facts.version}, older than {args['minimum_kubernetes']}, which "
            "preflight_minimum_kubernetes asks for. Upgrade the cluster, or set another minimum."
        )
    if facts.nodes and not facts.ready:
        return f"no node is Ready; see {kubectl(args['context'], args['kubeconfig'] or '')} describe nodes"
    return ""


def _facts_with_a_node(
    cluster: Cluster, deadline: Deadline, tell: Callable[[str], None], is_lab: bool
) -> tuple[ClusterFacts, list[dict[str, Any]]]:
    """The facts, and the nodes that they are of, once one is Ready, or at the deadline.

    A restarted control plane misses its nodes for a moment.
    """
    repeats = Repeats()
    while True:
        version = cluster.get_path("/version", deadline=deadline)["gitVersion"]
        nodes = cluster.list("v1", "Node", deadline=deadline)
        facts = cluster_facts(version, nodes, openshift_of(cluster, deadline), is_lab)
        if facts.ready or not facts.nodes or deadline.passed:
            return facts, nodes
        if repeats.age(facts) is not None:
            tell(f"waiting for a node to be Ready, {elapsed(deadline.elapsed)} of {deadline.seconds:.0f} s")
        time.sleep(min(LOOK_EVERY, deadline.remaining))
