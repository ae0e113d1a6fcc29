# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node whose kubelet uses docker (Docker Desktop, minikube with docker): pull from the mirror, then name as wanted.

docker's own mirror setting serves docker.io alone, so it is not used. The mirror's name keeps its digest beside ours:
that is how docker itself says what the image is, and no record can be out of step with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import PolicyError
from ..layout.bundle import config_digest, stream_docker_images
from ..layout.layout import Layout
from ..policy.policy import ImagePolicy
from ..reference.reference import Reference
from .node import COMMAND_LIMIT, PULL_LIMIT, Moved, Node, NodeError, Wanted

_MANY = 40  # images in one command line


@dataclass(frozen=True)
class DockerNode(Node):
    """certs_dir is where docker looks for authorities, `docker` are the words that run its command line client.

    `config` is the daemon's configuration.
    """

    certs_dir: str = "/etc/docker/certs.d"
    docker: tuple[str, ...] = ("docker",)
    config: str = "/etc/docker/daemon.json"

    def files(self, policy: ImagePolicy) -> dict[str, bytes]:
        """Return the authority of each registry that has one of its own, as HOST/ca.crt (docker's own place for it).

        Raises PolicyError for `strict`: docker cannot be kept from a registry.
        """
        if policy.strict:
            raise PolicyError("serverless_images.strict cannot be told to docker; write strict: false")
        return {f"{host}/ca.crt": one.authority() for host, one in policy.registries.items() if one.ca_file}

    def names(self) -> set[str]:
        """Return all tags and digests, as full references."""
        return {_full(name) for image in self._images() for name in _names(image)}

    def lacking(self, images: Iterable[Wanted], layout: Layout | None = None) -> list[str]:
        """Return the names that docker does not have, or for another image.

        What came from a registry is known by the digest there, what came out of a layout by the image's ID, which is
        the digest of its configuration.
        """
        here = {_full(name): image for image in self._images() for name in _names(image)}
        architecture = self._architecture() if layout else ""

        def there(image: Wanted) -> bool:
            found = here.get(_full(image.name))
            if not found:
                return False
            digests = {name.partition("@")[2] for name in found.get("RepoDigests") or []}
            return image.digest in digests or bool(
                layout and found["Id"] in (image.digest, config_digest(layout, image.name, architecture))
            )

        return sorted(image.name for image in images if not there(image))

    def pull(self, image: Wanted) -> None:
        """Pull by digest from where the plan found it, and give it the name under which the kubelet asks."""
        source = str(Reference.parse(image.source).at(image.digest))
        if "@" in image.name and _full(image.name) != _full(source):
            raise NodeError(
                f"node {self.name}: docker cannot name {source} {image.name}, because it gives no digest to an image "
                "that it did not pull from there; write serverless_images.mode: rewrite"
            )
        self._docker("pull", "--quiet", source, limit=PULL_LIMIT)
        if "@" not in image.name:
            self._docker("tag", source, image.name)

    def load(self, layout: Layout, names: Iterable[str], moved: Moved) -> None:
        """Have docker load images. Raises NodeError for names by digest, which docker load cannot give."""
        names, architecture = list(names), self._architecture()
        by_digest = [name for name in names if "@" in name]
        if by_digest:
            raise NodeError(
                f"node {self.name}: docker load cannot give the names {', '.join(by_digest)}, which have a digest; "
                "copy the bundle into a registry of your own (images_verb=sync) and name it as the mirror"
            )
        self.feed(
            [*self.docker, "load", "--quiet"],
            lambda stream: stream_docker_images(layout, names, architecture, stream),
            moved,
        )

    def pin(self, names: Iterable[str]) -> None:
        """Do nothing: docker's images have no such mark."""

    def removable(self, names: Iterable[str], *, ended_count: bool = True) -> list[str]:
        """Return those of the names that no container uses, each with the digests by which it was pulled.

        docker gives no image of an ended container away.
        """
        ours, used = set(names), set(self._docker("ps", "--all", "--quiet", "--no-trunc").split())
        in_use = {item["Image"] for item in (json.loads(self._docker("inspect", *sorted(used))) if used else [])}
        found: set[str] = set()
        for image in self._images():
            mine = {name for name in _names(image) if _full(name) in ours}
            if not mine or image["Id"] in in_use:
                continue
            others = {name for name in image.get("RepoTags") or [] if _full(name) not in ours}
            found |= mine | (set() if others else set(_names(image)))
        return sorted(found)

    def remove_images(self, names: Iterable[str]) -> None:
        """Take the names away; docker drops an image with its last name."""
        for name in sorted(names, key=lambda name: "@" in name):  # tags first: with the last tag its digests may go too
            try:
                self._docker("rmi", name)
            except NodeError as error:
                if "No such image" not in str(error):
                    raise

    def _images(self) -> list[dict[str, Any]]:
        ids = sorted(set(self._docker("images", "--quiet", "--no-trunc").split()))
        batches = (ids[start : start + _MANY] for start in range(0, len(ids), _MANY))
        return [image for batch in batches for image in json.loads(self._docker("image", "inspect", *batch))]

    def _architecture(self) -> str:
        return self._docker("version", "--format", "{{.Server.Arch}}").strip()

    def _docker(self, *words: str, limit: float = COMMAND_LIMIT) -> str:
        return self.run([*self.docker, *words], limit=limit).decode()


def _names(image: dict[str, Any]) -> list[str]:
    names = [*(image.get("RepoTags") or []), *(image.get("RepoDigests") or [])]
    return [name for name in names if "<none>" not in name]


def _full(name: str) -> str:
    """Return a name as references are written in full: docker leaves out docker.io and library."""
    return str(Reference.parse(name))
