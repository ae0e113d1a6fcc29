# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivery left on a node, kept there, so that it can be taken away exactly."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from .node import Node, NodeError

RECORD = ".selfhosted-serverless.json"


@dataclass
class DeliveryRecord:
    """Files by name, each with the text that was there before ours (None: nothing), and names of images pulled."""

    files: dict[str, str | None] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, node: Node) -> DeliveryRecord:
        """Return the record of a node, an empty one where there is none. Raises NodeError for a damaged one."""
        data = node.read_files([RECORD]).get(RECORD)
        if data is None:
            return cls()
        try:
            document = json.loads(data)
            return cls(dict(document["files"]), list(document["images"]))
        except (ValueError, KeyError, TypeError):
            raise NodeError(
                f"node {node.name}: {node.certs_dir}/{RECORD}, the record of what was written there, is damaged; "
                "remove it and what the files beside it name as written by selfhosted.serverless"
            ) from None

    def save(self, node: Node) -> None:
        """Write the record, or remove it when nothing is left in it."""
        if not self.files and not self.images:
            node.remove_files([RECORD])
            return
        document = {"files": self.files, "images": sorted(set(self.images))}
        node.write_file(RECORD, json.dumps(document, sort_keys=True).encode(), "0600")
