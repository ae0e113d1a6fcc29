# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node with containerd, reached by its ctr."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..layout.bundle import stream_images
from ..layout.layout import Layout
from ..policy.policy import ImagePolicy
from .containerd_hosts import host_files
from .node import COMMAND_LIMIT, PULL_LIMIT, Moved, Node, Wanted

# The label that containerd's CRI plugin tells the kubelet as pinned (containerd internal/cri/labels)
PINNED = "io.cri-containerd.pinned=pinned"
FILTERS = 50  # in one command, which is at most a few kB long then


@dataclass(frozen=True)
class ContainerdNode(Node):
    """containerd's config_path is certs_dir; its socket, namespace and configuration; the words that run its ctr."""

    certs_dir: str = "/etc/containerd/certs.d"
    address: str = "/run/containerd/containerd.sock"
    namespace: str = "k8s.io"
    ctr: tuple[str, ...] = ("ctr",)
    config: str = "/etc/containerd/config.toml"

    def files(self, policy: ImagePolicy) -> dict[str, bytes]:
        """Return hosts.toml for each source registry, see containerd_hosts."""
        return host_files(policy)

    def names(self) -> set[str]:
        """Return the names of all images."""
        return self._names()

    def lacking(self, images: Iterable[Wanted], layout: Layout | None = None) -> list[str]:
        """Return the names that containerd does not have, or with another digest."""
        wanted = {f"name=={image.name},target.digest=={image.digest}": image.name for image in images}
        filters = list(wanted)
        there: set[str] = set()
        for start in range(0, len(filters), FILTERS):
            there |= self._names(*filters[start : start + FILTERS])
        return sorted(name for name in wanted.values() if name not in there)

    def images(self) -> dict[str, str]:
        """Return the digests of the images that containerd has, by name."""
        lines = self._ctr("images", "ls").decode().splitlines()[1:]
        return {words[0]: words[2] for words in map(str.split, lines) if len(words) > 2}

    def images_in_use(self, ended_count: bool = True) -> set[str]:
        """Return the names of the images that containers were made of; those that have ended have no task that runs."""
        lines = self._ctr("containers", "ls").decode().splitlines()[1:]
        images = {words[0]: words[1] for words in map(str.split, lines) if len(words) > 1}
        if images and not ended_count:
            tasks = map(str.split, self._ctr("tasks", "ls").decode().splitlines()[1:])
            alive = {words[0] for words in tasks if words and words[-1] != "STOPPED"}
            images = {container: image for container, image in images.items() if container in alive}
        return set(images.values())

    def pull(self, image: Wanted) -> None:
        """Have containerd pull an image through its mirrors."""
        self._ctr("images", "pull", "--hosts-dir", self.hosts_dir, image.name, limit=PULL_LIMIT)

    def load(self, layout: Layout, names: Iterable[str], moved: Moved) -> None:
        """Have containerd import images from an archive in OCI layout, under the names that it gives them."""
        words = [*self._ctr_words(), "images", "import", "-"]
        self.feed(words, lambda stream: stream_images(layout, names, stream), moved)

    def pin(self, names: Iterable[str]) -> None:
        """Keep images from the kubelet's collection of unused ones."""
        for name in names:
            self._ctr("images", "label", name, PINNED)

    def removable(self, names: Iterable[str], *, ended_count: bool = True) -> list[str]:
        """Return those of the names that no container uses, and what containerd's CRI plugin made of them.

        It keeps an image under its ID (and, pulled by the kubelet, under its digest) as well, which would hold it.
        """
        names, here, used = set(names), self.images(), self.images_in_use(ended_count)
        digests_in_use = {here[name] for name in used if name in here}
        ours = [name for name in names if name in here and name not in used and here[name] not in digests_in_use]
        digests = {here[name] for name in ours}
        others = {digest for name, digest in here.items() if name not in names and not _derived(name)}
        twins = [name for name, digest in here.items() if _derived(name) and digest in digests - others]
        return sorted({*ours, *twins})

    def remove_images(self, names: Iterable[str]) -> None:
        """Take names of images away from containerd, which then drops what no other name needs."""
        self._ctr("images", "rm", *names)

    @property
    def hosts_dir(self) -> str:
        """The directory with hosts.toml files that ctr is given."""
        return self.certs_dir

    def _names(self, *filters: str) -> set[str]:
        """Return the names of the images that one of the filters matches (containerd, pkg/filters), or of all.

        Without -q ctr reads the manifests of each image, for its size: 2 ms an image.
        """
        return set(self._ctr("images", "ls", "-q", *filters).decode().split())

    def _ctr(self, *words: str, limit: float = COMMAND_LIMIT) -> bytes:
        return self.run([*self._ctr_words(), *words], limit=limit)

    def _ctr_words(self) -> list[str]:
        return [*self.ctr, "--address", self.address, "--namespace", self.namespace]


def _derived(name: str) -> bool:
    return name.startswith("sha256:") or "@" in name
