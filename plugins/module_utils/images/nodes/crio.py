# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node with CRI-O, reached by its crictl."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..layout.layout import Layout
from ..policy.policy import ImagePolicy
from ..reference.reference import Reference
from .node import COMMAND_LIMIT, PULL_LIMIT, Moved, Node, NodeError, Wanted
from .registries_conf import registries_conf

# CRI-O keeps what it read of registries.conf until SIGHUP (crio(8)), which has no answer: so it gets a moment.
_RELOAD = (
    'for p in /proc/[0-9]*; do if [ "$(cat "$p/comm" 2>/dev/null)" = crio ]; then kill -HUP "${p#/proc/}"; fi; done; '
    "sleep 1"
)


@dataclass(frozen=True)
class CrioNode(Node):
    """certs_dir is /etc/containers on the node; `crictl` are the words that run it there."""

    certs_dir: str = "/etc/containers"
    crictl: tuple[str, ...] = ("crictl",)

    def files(self, policy: ImagePolicy) -> dict[str, bytes]:
        """Return the settings of the mirrors in registries.conf.d, and authorities in certs.d."""
        return registries_conf(policy)

    def reload(self) -> None:
        """Send CRI-O the signal; what others changed in these files without it counts from then on, too."""
        self.run(["sh", "-c", _RELOAD])

    def names(self) -> set[str]:
        """Return all tags and digests."""
        return {name for image in self._images() for name in _names(image)}

    def lacking(self, images: Iterable[Wanted], layout: Layout | None = None) -> list[str]:
        """Return the names that CRI-O does not have, or not with the wanted digest."""
        here = {name: image for image in self._images() for name in _names(image)}

        def there(image: Wanted) -> bool:
            found = here.get(image.name)
            return bool(found) and any(name.endswith(f"@{image.digest}") for name in found["repoDigests"])

        return sorted(image.name for image in images if not there(image))

    def pull(self, image: Wanted) -> None:
        """Have CRI-O pull an image through its mirrors."""
        self._crictl("pull", image.name, limit=PULL_LIMIT)

    def load(self, layout: Layout, names: Iterable[str], moved: Moved) -> None:
        """Raise NodeError: CRI-O takes no archive."""
        raise NodeError(
            f"node {self.name}: CRI-O takes no images from a bundle; copy the bundle into a registry of your own "
            "(images_verb=sync) and name it as the mirror"
        )

    def pin(self, names: Iterable[str]) -> None:
        """Do nothing: CRI-O pins what its own configuration names (pinned_images), which is the node's owner's."""

    def removable(self, names: Iterable[str], *, ended_count: bool = True) -> list[str]:
        """Return those of the names whose image no container uses; CRI-O gives no image of an ended one away."""
        containers = json.loads(self._crictl("ps", "--all", "--output", "json")).get("containers") or []
        used = {container.get("imageId") or container.get("imageRef") or "" for container in containers}
        ids = {name.removeprefix("sha256:") for name in used}
        images = [image for image in self._images() if image["id"] not in ids]
        here = {name for image in images for name in _names(image)}
        return sorted(set(names) & here)

    def remove_images(self, names: Iterable[str]) -> None:
        """Take the images away."""
        self._crictl("rmi", *names)

    def _images(self) -> list[dict[str, Any]]:
        images = json.loads(self._crictl("images", "--output", "json")).get("images") or []
        return [{**image, "id": image["id"].removeprefix("sha256:")} for image in images]

    def _crictl(self, *words: str, limit: float = COMMAND_LIMIT) -> bytes:
        return self.run([*self.crictl, *words], limit=limit)


def _names(image: dict[str, Any]) -> list[str]:
    names = [*(image.get("repoTags") or []), *(image.get("repoDigests") or [])]
    return [str(Reference.parse(name)) for name in names]
