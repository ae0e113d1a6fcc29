# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan all images and check them at the mirrors; documented in plugins/modules/image_plan.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.rendered import read_rendered
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import (
    Lock,
    differences,
    extend_lock,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.offline import make_plan_of_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.plan import Plan, Row, make_plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.text import missing_message, table
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import (
    Found,
    extract_references,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.pods import images_of_pod, pod_name
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import IMAGES
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.images import planned_row
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_kinds import architectures_of
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """Runs in the controller's process, so that the table is seen in normal output."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Print the table; fail with every image that cannot be had, before the lock is written."""
        policy = ImagePolicy.from_config(args["images"], args["rate_limit_wait"])
        architectures = args["architectures"] or self._architectures(args)
        lock = Lock.read(Path(args["lock"])) if args["lock"] else Lock()
        plan = self._plan(args, policy, architectures, lock)
        lines = table(plan)
        if plan.rows:
            self.tell("\n  ".join(lines))
        for row in plan.doubtful:
            self.warn(f"{row.image} ({row.where[0]}) looks like an image, but no mirror has it; it is left alone")
        if plan.missing:
            # Without the table, so that the message is not buried in it.
            missing = [str(row.image) for row in plan.missing]
            return {"failed": True, "msg": missing_message(plan), "missing": missing}
        return {
            **self._keep(plan, policy, lock, args, check),
            "lines": lines,
            "architectures": architectures,
            "table": [_described(row, policy) for row in plan.rows],
            "size": _size(plan),
        }

    def notes(self, args: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
        """Return where each image comes from."""
        return {IMAGES: {"rows": [planned_row(row) for row in done["table"]]}}

    def _plan(self, args: dict[str, Any], policy: ImagePolicy, architectures: list[str], lock: Lock) -> Plan:
        trusted = Lock() if args["lock_update"] == "all" else lock
        references = [*_references(args), *(self._of_pods(args) if args["pods"] else [])]
        if args["layout"]:
            layout = Layout.open(Path(args["layout"]))
            return make_plan_of_layout(references, policy, architectures, layout, "bundle", trusted)
        check_only = [Found(text, "a build") for text in args["check_only"]]
        return make_plan(references, policy, architectures, check_only, self.tell, trusted, args["context"] or "")

    def _of_pods(self, args: dict[str, Any]) -> list[Found]:
        """Return the images of the context's pods, those of finished ones included."""
        if not args["context"]:
            raise ImageError("the images of running pods are wanted, but there is no context to ask")
        pods = self.connect(args)[0].list("v1", "Pod")
        return [Found(image, f"Pod {pod_name(pod)}") for pod in pods for image in images_of_pod(pod)]

    def _architectures(self, args: dict[str, Any]) -> list[str]:
        """Return the architectures of the context's nodes; without a context whatever the images have."""
        return architectures_of(self.connect(args)[0].list("v1", "Node")) if args["context"] else []

    def _keep(self, plan: Plan, policy: ImagePolicy, lock: Lock, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Write what is new into the lock, or tell it in check mode; the part of the result about that."""
        if not args["lock"] or args["layout"]:
            return {"changed": False}
        found = plan.locked()
        news = differences(lock, found)
        if news and args["lock_update"] == "none":
            lacking = "\n".join(news)
            raise ImageError(
                f"{len(news)} images are not in the lock {args['lock']}, and lock_update is none:\n{lacking}"
            )
        if args["lock_update"] == "all":
            self._tell_of_lock(news, lock, args["lock"])
        # A lock that is not to be extended keeps its choices as well.
        context, chosen = args["context"] or "", {} if args["lock_update"] == "none" else plan.chosen(policy)
        if check:
            before, after = lock.text(), lock.with_images(found).with_chosen(context, chosen).text()
        else:
            before, after = extend_lock(Path(args["lock"]), found, context, chosen)
        answer: dict[str, Any] = {"changed": before != after, "lock_changes": news}
        if before != after:
            header = args["lock"]
            answer["diff"] = {"before": before, "after": after, "before_header": header, "after_header": header}
        return answer

    def _tell_of_lock(self, news: list[str], lock: Lock, path: str) -> None:
        """Name what is another image than before, and count what is new; the diff has all of it."""
        other = [line for line in news if " -> " in line]
        for line in other:
            self.tell(f"lock: {line}")
        if lock.images and len(news) > len(other):
            self.tell(f"lock: {len(news) - len(other)} new in {path}")


def _references(args: dict[str, Any]) -> list[Found]:
    documents = [document for path in args["manifests"] for document in read_rendered(path)]
    extra = [Found(text, "image_prefetch_extra_images") for text in args["extra"]]
    return [*extract_references(documents), *extra]


def _described(row: Row, policy: ImagePolicy) -> dict[str, Any]:
    delivered = row.source if policy.mode == "rewrite" and row.source else row.image
    return {
        "image": str(row.image),
        "delivered": str(delivered.exact),
        "where": list(row.where),
        "from": str(row.source or ""),
        "rule": row.rule,
        "digest": row.inspected.digest if row.inspected else "",
        "size": row.inspected.size if row.inspected else 0,
        "prefetch": row.prefetch and not row.login,
        "check_only": not row.prefetch,
        "failures": [
            {"rule": item.rule, "place": item.place, "reason": item.reason, "detail": item.detail}
            for item in row.failures
        ],
    }


def _size(plan: Plan) -> int:
    return sum(row.inspected.size for row in plan.rows if row.inspected)
