# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to bring one source of a content item here; each verifies what it brings."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .access import Access
from .checksum import plain, sha256_of, verify
from .download import Patience, fetch, shown, without_login
from .errors import ContentError
from .go_module import GoModule
from .go_proxies import hosts_of, proxy_list
from .image_file import ImageFile
from .transfers import Transfer

Bring = Callable[[Patience, Transfer], Path]


@dataclass(frozen=True)
class Attempt:
    """One way: the complete source, what it is called, its checksum ('' where another sum pins it), and how it is gone.

    `keeps` says whether what it brings is kept in the store. `hosts` are those of which one must answer; () for none.
    `lacks` is what this machine lacks to use it, '' for nothing.
    """

    source: dict[str, Any]
    label: str
    sha256: str
    bring: Bring
    keeps: bool = True
    hosts: tuple[str, ...] = ()
    lacks: str = ""


def attempts_of(source: dict[str, Any], access: Access) -> list[Attempt]:
    """The attempts for one source: one, or one for each mirror of its URL; none needs the network yet."""
    lacks = _lacking(source)
    return [replace(attempt, lacks=lacks) for attempt in _attempts_of(source, access)]


def _lacking(source: dict[str, Any]) -> str:
    program = source.get("kubectl") or "kubectl"
    if source.get("kind") == "kustomize" and not shutil.which(str(Path(program).expanduser())):
        return f"it is built by kubectl, and there is no program {program}"
    if source.get("kind") == "istioctl" and source.get("image") and not sys.platform.startswith("linux"):
        return f"the programs in it are for Linux, and this machine is {sys.platform}"
    return ""


def _attempts_of(source: dict[str, Any], access: Access) -> list[Attempt]:
    sha256 = plain(source.get("sha256"))
    if source.get("url"):
        return _of_url(source, sha256 or plain(access.pins.get(source["url"])), access)
    if source.get("go_module"):
        return _of_module(source, sha256, access)
    if source.get("image"):
        return [_of_image(source, sha256, access)]
    place = Path(source["path"]).expanduser()
    return [
        Attempt(source, str(place), sha256, lambda _patience, _transfer: _checked(place, sha256, str(place)), False)
    ]


def _of_url(source: dict[str, Any], sha256: str, access: Access) -> list[Attempt]:
    def bring(url: str) -> Bring:
        def fetched(patience: Patience, transfer: Transfer) -> Path:
            place = fetch(url, sha256, access.store, patience, transfer)
            transfer.source = _host(url)
            return place

        return fetched

    return [Attempt(source, shown(url), sha256, bring(url), hosts=(_host(url),)) for url in access.urls(source["url"])]


def _host(url: str) -> str:
    return urlsplit(without_login(url)).netloc


def _of_module(source: dict[str, Any], sha256: str, access: Access) -> list[Attempt]:
    module, path = GoModule(source["go_module"], source.get("sum") or ""), source.get("path") or ""
    label = f"{module.name}/{path}".rstrip("/")
    cached = module.cached(path)
    attempts = []
    if cached and (sha256 or not module.sum):
        attempts.append(Attempt(source, label, sha256, lambda _p, _t: _checked(cached, sha256, label), False))

    proxies = proxy_list(access.go_proxy)

    def bring(patience: Patience, transfer: Transfer) -> Path:
        keep = _keeper(access, sha256, label, pinned=bool(module.sum))
        return module.fetched(path, keep, access.store, proxies, patience, transfer, access.away)

    return [*attempts, Attempt(source, label, sha256, bring, hosts=hosts_of(proxies))]


def _of_image(source: dict[str, Any], sha256: str, access: Access) -> Attempt:
    label = f"{source['image']}, file {source.get('path')}"
    file = ImageFile(source["image"], source.get("path") or "", access.images)

    def bring(patience: Patience, transfer: Transfer) -> Path:
        if not source.get("path"):
            raise ContentError(f"{label}: path must say which file of the image is meant")
        if not (sha256 or file.is_pinned):
            raise ContentError(
                f"{label}: nothing pins it; give a sha256, an image with its digest, or a lock file "
                "(serverless_images.lock)"
            )
        keep = _keeper(access, sha256, label, pinned=file.is_pinned)
        place = file.fetch(keep, access.store, patience, transfer, access.away)
        if file.newly_locked and not sha256:
            access.transfers.tell(
                f"{file.reference} is locked as {file.newly_locked}; no checksum but this first answer says what it is"
            )
        if sha256:  # what was kept of this image may have come under another checksum
            verify(place, sha256, label)
        return place

    return Attempt(source, label, sha256, bring, hosts=file.hosts())


def _keeper(access: Access, sha256: str, label: str, pinned: bool) -> Callable[[Path], Path]:
    """What verifies a file or folder and moves it into the store; what another sum pins needs none of its own."""

    def keep(place: Path) -> Path:
        digest = verify(place, sha256, label) if sha256 or not pinned else sha256_of(place)
        with access.store.alone(digest):
            return access.store.keep(place, digest)

    return keep


def _checked(place: Path, sha256: str, label: str) -> Path:
    if not place.exists():
        raise ContentError(f"{label}: there is no {place}")
    verify(place, sha256, label)
    return place
