# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What diagnosis.py is told, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# imageGCHighThresholdPercent of KubeletConfiguration, as a fraction
THRESHOLD = 0.85


@dataclass(frozen=True)
class Finding:
    """A trap (its short name), the file or object that it is in, what will happen, and what to change.

    `fatal`: what is written for the node's runtime is certain not to be read.
    """

    trap: str
    where: str
    message: str
    remedy: str
    fatal: bool = False


@dataclass(frozen=True)
class ContainerdConfig:
    """containerd's configuration: `whole` with all defaults and imports, else the text of its file alone.

    `certs_dir` is where the node's hosts.toml are written, `address` the socket by which it is reached, `imported` the
    texts that a file alone imports, in their order, `path` where the file is.
    """

    text: str
    whole: bool = False
    certs_dir: str = ""
    address: str = ""
    imported: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True)
class TextFile:
    """A file on a node."""

    path: str
    text: str


@dataclass(frozen=True)
class Container:
    """A container of a pod or pod template: 'Deployment ns/name', its name, image and imagePullPolicy ('' unset)."""

    owner: str
    name: str
    image: str
    policy: str = ""


@dataclass(frozen=True)
class Disk:
    """The file system of a node's images; sizes in bytes, `to_come` as unpacked, `threshold` a fraction.

    `pressure` is the node's condition DiskPressure, None where unknown.
    """

    node: str
    capacity: int
    available: int
    to_come: int = 0
    threshold: float = THRESHOLD
    pressure: bool | None = None


@dataclass(frozen=True)
class TagResolution:
    """What Knative resolves: images of services as written, the list in config-deployment (None: key not set).

    `reachable` are the registries that the cluster's controller is known to reach by itself.
    """

    images: tuple[str, ...]
    skipping: str | None = None
    reachable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Facts:
    """What is known; None is unknown and finds nothing.

    By node: `containerd` holds the configuration, `docker` the text of daemon.json, `docker_versions` docker's major
    version, `crio` the texts of registries.conf
    and its drop-ins by file, `k3s` registries.yaml. `preloaded` and `images` are image names as manifests write them,
    `short` those without a registry. `sources` are the registries that settings are delivered for, `mirrored` the
    sources that have mirrors, `plain` the registries that are spoken to without TLS. `pods` are names of pods by a
    registry that is about to be refused.
    """

    containerd: Mapping[str, ContainerdConfig] | None = None
    docker: Mapping[str, str] | None = None
    docker_versions: Mapping[str, int] = field(default_factory=dict)
    crio: Mapping[str, Mapping[str, str]] | None = None
    k3s: Mapping[str, TextFile] | None = None
    images: tuple[str, ...] | None = None
    short: tuple[str, ...] | None = None
    sources: tuple[str, ...] = ()
    mirrored: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    containers: tuple[Container, ...] | None = None
    preloaded: tuple[str, ...] | None = None
    disks: tuple[Disk, ...] | None = None
    tags: TagResolution | None = None
    pods: Mapping[str, tuple[str, ...]] | None = None
