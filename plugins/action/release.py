# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: apply or remove one release of documents. The logic is in module_utils/kube."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.loading import load_documents
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.present import apply_release
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.documents import (
    flatten,
    namespace_document,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.secrets import (
    is_generated,
    secret_document,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import RunLock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.outcome import Outcome
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.existing import ExistingPolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.options import PresentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import (
    AbsentOptions,
    plan_removal,
    remove_release,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_policy import apply_policy, lock_path

Tell = Callable[[str], None]


class ActionModule(ClusterAction):
    """Runs on the controller; the host of the task only stands for a context."""

    rules: ClassVar[dict[str, Any]] = {"required_if": [("create_namespace", True, ("namespace",))]}

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Apply or remove the release; in check mode its plan is printed, and nothing is written."""
        deadline = Deadline(args["timeout"])
        cluster, progress = self.connect(args)
        lock = self.run_lock(cluster, progress, args["record_namespace"], args["lock_timeout"])
        run = self._present if args["state"] == "present" else self._absent
        outcome = run(cluster, args, check, deadline, progress.tell, lock)
        for warning in outcome.warnings:
            self.warn(warning)
        if check and outcome.plan.changes:
            title = f"{args['context']}: plan of release '{args['name']}', {args['state']}"
            self.show([title, *(f"  {line}" for line in outcome.plan.lines())])
        return {
            **outcome.as_result(),
            "retries": cluster.transport.retries,
            "requests": cluster.transport.requests,
            "seconds": round(deadline.elapsed, 2),
            "diff": outcome.differences,
        }

    def _present(
        self, cluster: Cluster, args: dict[str, Any], check: bool, deadline: Deadline, tell: Tell, lock: RunLock
    ) -> Outcome:
        documents = self._documents(cluster, args, tell)
        generated = set()
        for item in args["secrets"]:
            document = secret_document(cluster, item, args["namespace"], deadline)
            documents.append(document)
            if is_generated(item):
                generated.add(ObjectRef.of(document))
        existing = {key: value for key, value in (args["existing"] or {}).items() if value is not None}
        options = PresentOptions(
            release=args["name"],
            namespace=args["namespace"],
            record_namespace=args["record_namespace"],
            version=args["version"],
            requires=tuple(args["requires"]),
            ignore_fields=args["ignore_fields"],
            force_conflicts=args["force_conflicts"],
            prune=args["prune"],
            check_mode=check,
            role=args["role"],
            existing=ExistingPolicy(**existing, role=args["role"]),
            data=frozenset(generated),
        )
        return apply_release(cluster, documents, options, deadline, tell, lock)

    def _absent(
        self, cluster: Cluster, args: dict[str, Any], check: bool, deadline: Deadline, tell: Tell, lock: RunLock
    ) -> Outcome:
        options = AbsentOptions(
            release=args["name"],
            record_namespace=args["record_namespace"],
            keep=args["keep"],
            residue=args["residue"],
            dependents=args["dependents"],
            purge=args["purge"],
            without=args["without"],
            data_hint=args["data_hint"],
            check_mode=check,
        )
        if check:
            return Outcome.of(remove_release(cluster, options, deadline, tell))
        plan = plan_removal(cluster, options, deadline)
        if plan.blockers:
            lock.await_others()
        elif plan.changes:
            with lock.held():
                return Outcome.of(remove_release(cluster, options, deadline, tell))
        return Outcome.of(remove_release(cluster, options, deadline, tell))

    def _documents(self, cluster: Cluster, args: dict[str, Any], tell: Tell) -> list[dict[str, Any]]:
        """The documents of the release without its secrets, with image references as the policy says."""
        documents = []
        for path in args["manifests"]:
            documents += flatten(load_documents(path), path)
        documents += flatten(args["definitions"], "definitions")
        if args["images"]:
            lock = lock_path(args["images"], self.variables)
            documents = apply_policy(documents, args["images"], cluster, lock, tell)
        if args["create_namespace"]:
            documents.insert(0, namespace_document(args["namespace"]))
        return documents
