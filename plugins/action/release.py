# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: apply or remove one release of documents. The logic is in module_utils/kube."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.present import apply_release
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.documents import namespace_document
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.secrets import (
    generated_keys,
    secret_document,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import (
    Refused,
    ReleaseError,
    WaitError,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import RunLock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.rehearsal import AbsentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.outcome import Outcome
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.existing import ExistingPolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.options import PresentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import remove_release
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.upgrade.going_back import (
    back_or_raise,
    ways_back,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.manifest_files import documents_of
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.pending_waits import PendingWaits
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.release_action import ReleaseAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.settle_waits import settle_waits

Tell = Callable[[str], None]


class ActionModule(ReleaseAction):
    """Runs on the controller; the host of the task only stands for a context."""

    rules: ClassVar[dict[str, Any]] = {"required_if": [("create_namespace", True, ("namespace",))]}

    def work(self, cluster: Cluster, args: dict[str, Any], check: bool, progress: Progress, lock: RunLock) -> Outcome:
        """Apply or remove the release."""
        if args["state"] == "present":
            if not check:
                self._make_up_for(cluster, args, progress, lock)
            outcome = self._present_or_back(cluster, args, check, progress.tell, lock)
        else:
            outcome = self._absent(cluster, args, check, progress.tell, lock)
        if check:
            self.show_plan(args, outcome.plan, args["state"])
        return outcome

    def _make_up_for(self, cluster: Cluster, args: dict[str, Any], progress: Progress, lock: RunLock) -> None:
        """Wait for what this release needs, where that was put off."""
        needed = args["requires"] if args["after"] is None else args["after"]
        waits = PendingWaits(args["context"], args["kubeconfig"]).take(needed)
        if waits:
            settle_waits(cluster, waits, self.variables, progress, lock)

    def _present_or_back(
        self, cluster: Cluster, args: dict[str, Any], check: bool, tell: Tell, lock: RunLock
    ) -> Outcome:
        """Apply the release; an upgrade that fails on the way goes back, with those that belong to it."""
        try:
            return self._present(cluster, args, check, tell, lock)
        except (ReleaseError, WaitError) as error:
            if check or not (args["upgrade"] and args["rollback"]):
                raise
            names = [*args["together"], args["name"]]
            ways = ways_back(cluster, names, args["record_namespace"], Deadline(args["timeout"]))
            # What is refused has changed nothing: only what others of the same upgrade have done is to be taken back.
            begun = [way for way in ways if not isinstance(error, Refused) or way.release in args["together"]]
            if not begun or any(way.former is None for way in ways):
                raise
            place, seconds = args["record_namespace"], args["timeout"]
            raise back_or_raise(cluster, error, ways, args["role"], place, seconds, tell, lock) from error

    def _present(self, cluster: Cluster, args: dict[str, Any], check: bool, tell: Tell, lock: RunLock) -> Outcome:
        deadline = Deadline(args["timeout"])
        documents = self._documents(cluster, args, tell)
        generated = {}
        for item in args["secrets"]:
            document = secret_document(cluster, item, args["namespace"], deadline)
            documents.append(document)
            if generated_keys(item):
                generated[ObjectRef.of(document)] = generated_keys(item)
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
            upgrade=args["upgrade"],
            minor_steps=args["minor_steps"],
            last=args["last"],
            keep=args["keep"],
            keep_while=args["keep_while"],
            existing=ExistingPolicy(**existing, role=args["role"]),
            generated=generated,
        )
        return apply_release(cluster, documents, options, deadline, tell, lock)

    def _absent(self, cluster: Cluster, args: dict[str, Any], check: bool, tell: Tell, lock: RunLock) -> Outcome:
        options = AbsentOptions(args["name"], seconds=args["timeout"])
        place = args["record_namespace"]
        return Outcome.of(remove_release(cluster, options, tell, lock, record_namespace=place, check_mode=check))

    def _documents(self, cluster: Cluster, args: dict[str, Any], tell: Tell) -> list[dict[str, Any]]:
        """The documents of the release without its secrets, with image references as the policy says."""
        check = bool(self._task.check_mode)
        documents = documents_of(cluster, args["manifests"], args["definitions"], args, self.variables, check, tell)
        if args["create_namespace"]:
            documents.insert(0, namespace_document(args["namespace"]))
        return documents
