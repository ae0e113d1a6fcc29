# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one content item to its documents: found, verified by checksum, rendered where a tool must."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .access import Access
from .attempts import Attempt, attempts_of
from .checksum import plain, sha256_of, verify
from .download import ONLY_SOURCE, OTHERS_FOLLOW, Unreachable
from .errors import ContentError
from .items import name_of, sources_of
from .loading import load_documents, parse_documents
from .program_archive import program_of
from .tools import istio_manifest, istioctl_version, kustomize

SUFFIXES = (".yaml", ".yml", ".json")
WORKERS = 8  # items at a time
_NOT_REACHED = (
    "Where a host is not reached: look at the network, VPN and proxy (HTTPS_PROXY, NO_PROXY), or name other sources by "
    "serverless_content_mirrors and serverless_content_places; serverless_network: china has what is reached there"
)


@dataclass(frozen=True)
class Source:
    """A verified source: `place` on disk, `label` for people, `digest` of what is there.

    `item` is the content item as this source has it: what a source says of itself comes before what the item says.
    """

    item: dict[str, Any]
    place: Path
    label: str
    digest: str


def locate_all(items: Sequence[dict[str, Any]], access: Access) -> list[Source]:
    """Find and verify items, several at a time. Raises ContentError with every item that cannot be had."""
    with access.transfers, ThreadPoolExecutor(WORKERS) as pool:
        futures = [pool.submit(locate, item, access) for item in items]
    access.store.tidy()
    failures = [error for future in futures if isinstance(error := future.exception(), ContentError)]
    if failures:
        remedy = [_NOT_REACHED] if any(isinstance(error, Unreachable) for error in failures) else []
        raise ContentError("\n".join(dict.fromkeys([*map(str, failures), *remedy])))
    return [future.result() for future in futures]


def locate(item: dict[str, Any], access: Access | None = None) -> Source:
    """Find and verify one content item; nothing is parsed yet.

    Its sources are asked in order, and the first whose bytes have the checksum is taken. Raises ContentError with the
    reason of each, Unreachable where a host is among them.
    """
    access = access or Access()
    sources = sources_of(item, access.places)
    if _is_installed_program(sources):
        return _installed_istioctl(sources[0])
    attempts = [attempt for source in sources for attempt in attempts_of(source, access)]
    passed_over = [(attempt, why) for attempt in attempts if (why := _unusable(attempt, len(attempts)))]
    usable = [attempt for attempt in attempts if not _unusable(attempt, len(attempts))]
    for attempt in usable:
        if attempt.keeps and attempt.sha256 and (kept := access.store.kept(attempt.sha256)):
            return _located(attempt, kept, attempt.sha256, access)
    away = access.away
    usable.sort(key=lambda attempt: away.knows_all(attempt.hosts))
    said: list[tuple[Attempt, Exception]] = []
    for attempt in usable:
        patience = ONLY_SOURCE if attempt is usable[-1] else OTHERS_FOLLOW
        transfer, came = access.transfers.begin(name_of(item), attempt.label), False
        try:
            place = attempt.bring(patience, transfer)
            if attempt.source.get("url"):
                away.forget(attempt.hosts[0])
            came = attempt.keeps
            located = _located(attempt, place, attempt.sha256 or access.store.checksum_of(place), access)
            for other, error in said:
                if not isinstance(error, Unreachable):  # which is told once, of the host
                    access.transfers.tell(f"{name_of(item)} is taken from {transfer.source}: {_line(other, error)}")
            return located
        except (ContentError, OSError) as error:
            if isinstance(error, Unreachable) and attempt.source.get("url"):
                away.note(attempt.hosts[0], error.reason)
            said.append((attempt, error))
        finally:
            access.transfers.end(transfer, came)
    reasons = {id(attempt): reason for attempt, reason in passed_over} | {id(one): str(error) for one, error in said}
    told = _nowhere(item, [(attempt, reasons[id(attempt)]) for attempt in attempts])
    raise (Unreachable if any(isinstance(error, Unreachable) for _attempt, error in said) else ContentError)(told)


def documents_of(source: Source) -> list[Any]:
    """The documents of a verified source. Raises ContentError or ValueError."""
    kind = source.item.get("kind") or "manifests"
    if kind == "istioctl":
        return parse_documents(istio_manifest(str(source.place), source.item.get("values") or {}), source.label)
    if kind == "kustomize":
        directory = source.place / (source.item.get("build") or "")
        return parse_documents(kustomize(source.item.get("kubectl") or "kubectl", directory), source.label)
    if source.place.is_dir():
        files = sorted(file for file in source.place.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        if not files:
            raise ContentError(f"{source.label} holds no YAML file")
        return [document for file in files for document in load_documents(file)]
    return load_documents(source.place)


def _located(attempt: Attempt, place: Path, digest: str, access: Access) -> Source:
    source = Source(attempt.source, place, attempt.label, digest.lower())
    if attempt.source.get("kind") == "istioctl":
        # The checked file is the program, or an archive with it.
        return replace(
            source, place=program_of(place, "istioctl", access.store.directory / f"{source.digest}-istioctl")
        )
    return source


def _unusable(attempt: Attempt, count: int) -> str:
    """Why one of `count` attempts is not made at all, '' where it is."""
    if attempt.source.get("url") and not attempt.sha256 and count > 1:
        return "no checksum is known for it; serverless_pins may give one"
    return attempt.lacks


def _line(attempt: Attempt, error: Exception) -> str:
    """Why an attempt failed, in one line: without the advice that stands below a wrong checksum."""
    text = str(error).partition(":\n")[0]
    return " ".join((text if text.startswith(attempt.label) else f"{attempt.label}: {text}").split())


def _nowhere(item: dict[str, Any], said: list[tuple[Attempt, str]]) -> str:
    lines = [text if text.startswith(attempt.label) else f"{attempt.label}: {text}" for attempt, text in said]
    if len(lines) == 1:
        return lines[0]
    listed = "\n".join(f"  {line}" for line in lines)
    return f"{name_of(item)} cannot be had from any of its {len(said)} sources:\n{listed}"


def _is_installed_program(sources: list[dict[str, Any]]) -> bool:
    """Whether the item is an istioctl of this machine, which its version may pin as well."""
    first = sources[0]
    return (
        len(sources) == 1 and first.get("kind") == "istioctl" and not any(map(first.get, ("url", "image", "go_module")))
    )


def _installed_istioctl(item: dict[str, Any]) -> Source:
    named = item.get("path") or "istioctl"
    found = shutil.which(str(Path(named).expanduser()))
    if found is None:
        raise ContentError(f"istioctl: there is no program {named}")
    place = Path(found)
    if item.get("sha256"):
        return Source(item, place, named, verify(place, plain(item["sha256"]), named))
    if not item.get("version"):
        raise ContentError(
            f"{named} needs its version or sha256; it says it is\n  version: {istioctl_version(found)!r}\n"
            f"and has\n  sha256: {sha256_of(place)}"
        )
    actual = istioctl_version(found)
    if actual != str(item["version"]):
        raise ContentError(f"{named} is version {actual!r}, not {item['version']!r}")
    stat = place.stat()  # enough to notice another binary, without reading a hundred megabytes in every run
    return Source(item, place, named, f"{actual}-{stat.st_size}-{stat.st_mtime_ns}")
