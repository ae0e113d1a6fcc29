# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: apply or remove one release of documents. The logic is in module_utils/kube."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.loading import load_documents
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.applier import ApplyOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.present import (
    PresentOptions,
    apply_release,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.documents import (
    flatten,
    namespace_document,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.secrets import secret_document
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.outcome import Outcome
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import (
    AbsentOptions,
    remove_release,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_policy import apply_policy, lock_path

Tell = Callable[[str], None]


class ActionModule(ClusterAction):
    """Runs on the controller; the host of the task only stands for a context."""

    rules: ClassVar[dict[str, Any]] = {"required_if": [("create_namespace", True, ("namespace",))]}

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Apply or remove the release; in check mode the server rehearses."""
        deadline = Deadline(args["timeout"])
        cluster, progress = self.connect(args)
        run = self._present if args["state"] == "present" else self._absent
        outcome = run(cluster, args, check, deadline, progress.tell)
        for warning in outcome.warnings:
            self.warn(warning)
        return {
            **outcome.as_result(),
            "retries": cluster.transport.retries,
            "requests": cluster.transport.requests,
            "seconds": round(deadline.elapsed, 2),
            "diff": outcome.differences,
        }

    def _present(self, cluster: Cluster, args: dict[str, Any], check: bool, deadline: Deadline, tell: Tell) -> Outcome:
        documents = self._documents(cluster, args, deadline, tell)
        options = PresentOptions(
            ApplyOptions(
                release=args["name"],
                ignore_fields=args["ignore_fields"],
                force_conflicts=args["force_conflicts"],
                check_mode=check,
            ),
            namespace=args["namespace"],
            record_namespace=args["record_namespace"],
            prune=args["prune"],
            version=args["version"],
        )
        return apply_release(cluster, documents, options, deadline, tell)

    def _absent(self, cluster: Cluster, args: dict[str, Any], check: bool, deadline: Deadline, tell: Tell) -> Outcome:
        options = AbsentOptions(
            release=args["name"],
            record_namespace=args["record_namespace"],
            keep=args["keep"],
            residue=args["residue"],
            purge=args["purge"],
            check_mode=check,
        )
        return remove_release(cluster, options, deadline, tell)

    def _documents(
        self, cluster: Cluster, args: dict[str, Any], deadline: Deadline, tell: Tell
    ) -> list[dict[str, Any]]:
        documents = []
        for path in args["manifests"]:
            documents += flatten(load_documents(path), path)
        documents += flatten(args["definitions"], "definitions")
        if args["images"]:
            documents = apply_policy(
                documents, args["images"], cluster, lock_path(args["images"], self.variables), tell
            )
        if args["create_namespace"]:
            documents.insert(0, namespace_document(args["namespace"]))
        documents += [secret_document(cluster, item, args["namespace"], deadline) for item in args["secrets"]]
        return documents
