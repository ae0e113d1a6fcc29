# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliver planned images to nodes, or take them away; documented in plugins/modules/image_deliver.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.containerd_hosts import without_login
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.delivery import (
    Delivered,
    deliver,
    take_away,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.detection import (
    Delivery,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.lingering import (
    images_of_pods,
    take_away_lingering,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.node import Node, NodeError, Wanted
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_nodes import find_delivery


class ActionModule(ClusterAction):
    """Runs in the controller's process, so that progress is seen while nodes pull."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Bring every node to the state; in check mode only tell what that would change."""
        start = time.monotonic()
        delivery = find_delivery(args, lambda: self.connect(args)[0])
        done = self._all(args, delivery, check)
        return {
            "changed": any(item.changed for item in done),
            "delivery": delivery.way,
            "passed_over": list(delivery.passed_over),
            "nodes": [_described(item) for item in done],
            "seconds": round(time.monotonic() - start, 1),
            "diff": [difference for item in done for difference in _differences(item)],
        }

    def _all(self, args: dict[str, Any], delivery: Delivery, check: bool) -> list[Delivered]:
        nodes = [node_from_config(config) for config in delivery.nodes]
        self.tell(f"delivery: {delivery.way}, because {delivery.reason}")
        if delivery.passed_over:
            self.tell(f"passed over: {', '.join(delivery.passed_over)}")
        if args["state"] == "absent":
            if not check:
                _look_at_all(nodes, lambda node: take_away(node, check=True))
            taken = [take_away(node, check=check) for node in nodes]
            if args["context"] and not check and any(done.kept for done in taken):
                pods = self.connect(args)[0].list("v1", "Pod")
                take_away_lingering(list(zip(nodes, taken, strict=True)), images_of_pods(pods), self.tell)
            for done in taken:
                if done.kept:
                    self.tell(
                        f"{done.node}: containers use {', '.join(done.kept)}; removed by a run after they have ended"
                    )
            return taken
        layout = Layout.open(Path(args["layout"])) if args["layout"] else None
        if not nodes and layout:
            raise ImageError(
                "there is no way to bring the images of a bundle to the nodes; name in image_prefetch_nodes how a "
                "command is run on each"
            )
        if delivery.way == "references":
            self.tell(
                "Images are delivered by their references alone; the nodes must be able to pull them as they stand"
            )
            self.tell("in the table.")
        policy = ImagePolicy.from_config(args["images"])
        if policy.strict and not nodes:
            raise ImageError(
                "serverless_images.strict cannot be told to nodes on which no command can be run; write strict: false"
            )
        if layout and not args["pull"]:
            raise ImageError("image_prefetch_pull is false, but a run from a bundle has no registry to pull from later")
        rows = args["plan"] if args["pull"] else []
        images = [Wanted(row["delivered"], row["from"], row["digest"], row["size"]) for row in rows if row["prefetch"]]
        # All files first: what one runtime cannot be told is known before any node is changed.
        files = {node: node.files(policy) for node in nodes}

        def bring(node: Node, check: bool) -> Delivered:
            wait = args["rate_limit_wait"]
            return deliver(
                node, files[node], images, check=check, report=self.tell, layout=layout, rate_limit_wait=wait
            )

        if not check:
            _look_at_all(nodes, lambda node: bring(node, True))
        delivered = [bring(node, check) for node in nodes]
        for done in delivered if args["pull"] else []:
            if done.left:
                self.tell(
                    f"{done.node}: {len(done.left)} images of earlier deliveries are not wanted any more and stay "
                    f"(image_prefetch_state: absent takes them away): {', '.join(done.left)}"
                )
        return delivered


def _look_at_all(nodes: Sequence[Node], look: Callable[[Node], Delivered]) -> None:
    """Look at several nodes before the first is changed. Raises NodeError that names all that cannot be looked at."""
    faults = []
    for node in nodes if len(nodes) > 1 else ():
        try:
            look(node)
        except NodeError as error:
            faults.append(str(error))
    if faults:
        raise NodeError("\n".join([*faults, "Nothing was changed on any node."]))


def _described(done: Delivered) -> dict[str, Any]:
    return {
        "name": done.node,
        "files": [change.name for change in done.files],
        "pulled": done.pulled,
        "removed": done.removed,
    }


def _differences(done: Delivered) -> list[dict[str, str]]:
    files = [
        {
            "before_header": f"{done.node}: {change.name}",
            "after_header": f"{done.node}: {change.name}",
            "before": without_login(change.before),
            "after": without_login(change.after),
        }
        for change in done.files
    ]
    names = [("", f"{name}\n") for name in done.pulled] + [(f"{name}\n", "") for name in done.removed]
    header = f"{done.node}: images"
    images = [
        {
            "before_header": header,
            "after_header": header,
            "before": "".join(before for before, _after in names),
            "after": "".join(after for _before, after in names),
        }
    ]
    return files + (images if names else [])
