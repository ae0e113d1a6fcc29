# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies images into a registry of one's own, by way of a layout on disk, so that an interrupted copy goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ..errors import ImageError, Reason, RegistryError
from ..layout.layout import Layout
from ..progress import PERIOD, Progress
from ..reference.reference import Reference, split_registry
from ..registry.client import Registry
from ..registry.clients import Clients
from .copy import push
from .fetch import LIMITS, Limits, Wanted, fetch_images

_PUSHES = 4  # images at a time, each with several blobs
_HEADS = 16


@dataclass
class Synced:
    """Where each image is now, by name, which of them were missing, and how many bytes were sent."""

    images: dict[str, Reference] = field(default_factory=dict)
    copied: list[str] = field(default_factory=list)
    bytes: int = 0


def place_in(target: str, name: str) -> Reference:
    """Return where an image goes: below `target` (host, or host/path), with its source registry in the path."""
    image = Reference.parse(name)
    host, _slash, path = target.strip("/").partition("/")
    return image.with_name(host, f"{path}/{image.registry.replace(':', '_')}/{image.repository}".lstrip("/"))


def mirror_variables(target: str, names: Iterable[str]) -> list[str]:
    """Return the lines that an inventory needs for its next run to take these images from `target`."""
    lines = ["serverless_images:", "  mirrors:"]
    for host in sorted({split_registry(name)[0] for name in names}):
        lines.append(f"    {host}: [{target.strip('/')}/{host.replace(':', '_')}]")
    return lines


def lacking_in(wanted: Iterable[Wanted], registry: Registry, target: str) -> list[Wanted]:
    """Return the images that a registry lacks, or has otherwise, with one request for each. Raises RegistryError."""
    items = list(wanted)

    def is_there(item: Wanted) -> bool:
        place = place_in(target, item.name)
        return bool(item.digest) and registry.has_manifest(place.repository, place.version) == item.digest

    with ThreadPoolExecutor(_HEADS) as pool:
        return [item for item, there in zip(items, pool.map(is_there, items), strict=True) if not there]


def sync_images(
    wanted: Iterable[Wanted],
    target: str,
    staging: Layout,
    clients: Clients,
    limits: Limits = LIMITS,
    report: Callable[[str], None] = lambda line: None,
    period: float = PERIOD,
) -> Synced:
    """Have all images below `target`, where `place_in` says. What is there is skipped; each is sent when it has come.

    Raises FetchError for what cannot be had (nothing is sent if it is known before), RegistryError for what the target
    does not take.
    """
    items = list(wanted)
    registry = clients.of(target.partition("/")[0])
    registry.be_patient()
    lacking = lacking_in(items, registry, target)
    done = Synced({item.name: place_in(target, item.name) for item in items}, [item.name for item in lacking])
    if not lacking:
        return done
    elsewhere: dict[str, str] = {}
    pushes: list[Future[Wanted | None]] = []

    with (
        Progress(lambda line: report(f"to {registry.host}: {line}"), len(lacking), period) as progress,
        ThreadPoolExecutor(_PUSHES) as pool,
    ):

        def bring(item: Wanted) -> None:
            _push_one(item, registry, target, staging, elsewhere, progress)

        def begin(item: Wanted) -> None:
            pushes.append(pool.submit(_unless_sparse, bring, item))

        try:
            fetch_images(lacking, staging, clients, limits, report, period, begin)
            refused = [item for push_of in pushes if (item := push_of.result())]
        except BaseException:
            # What is under way is finished; what has not begun is not worth waiting for.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        # Some registries take an index only with all that it points to.
        for item in refused:
            fetch_images([replace(item, architectures=())], staging, clients, limits, report, period)
            bring(item)
        done.bytes = progress.bytes
    return done


def _unless_sparse(bring: Callable[[Wanted], None], item: Wanted) -> Wanted | None:
    """Push an image; return it if the registry may have refused it because architectures were left out."""
    try:
        bring(item)
    except RegistryError as error:
        if not item.architectures or error.reason not in (Reason.NOT_FOUND, Reason.PROTOCOL):
            raise
        return item
    return None


def _push_one(
    item: Wanted, registry: Registry, target: str, staging: Layout, elsewhere: dict[str, str], progress: Progress
) -> None:
    entry = staging.named().get(item.name)
    if entry is None:
        raise ImageError(f"{staging.directory} lacks {item.name}")
    push(staging, staging.manifest(entry), registry, place_in(target, item.name), progress.moved, elsewhere)
    progress.image_done()
