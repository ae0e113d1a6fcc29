# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of a content item: with a list of sources, or the short form of one that names a single place."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from .errors import ContentError

KINDS = ("manifests", "kustomize", "istioctl")
# What an item says for all its sources, each of which may say it for itself
_SHARED = ("kind", "sha256", "build", "kubectl", "version", "values")


def sources_of(item: dict[str, Any], places: tuple[str, ...]) -> list[dict[str, Any]]:
    """The sources of an item, each complete in itself, in the order of `places`; () leaves them as they stand.

    Raises ContentError for contradictions, and where `places` leaves none.
    """
    given = item.get("sources") or [{key: value for key, value in item.items() if key not in _SHARED}]
    shared = {key: item[key] for key in _SHARED if item.get(key) is not None}
    sources = [
        {**shared, **{key: value for key, value in one.items() if value is not None}}
        for source in given
        for one in _one_url_each(source)
    ]
    if item.get("sources") and any(map(item.get, ("path", "url", "go_module", "image"))):
        raise ContentError(
            f"content item {name_of(item)} must have either sources or one of path, url, go_module, image"
        )
    for source in sources:
        if source.get("kind", "manifests") not in KINDS:
            raise ContentError(f"content kind '{source['kind']}' is unknown; there are {', '.join(KINDS)}")
    by_place = [(place_of(source, item), source) for source in sources]
    if not places:
        return [source for _place, source in by_place]
    # What lies on this machine needs no network, and whoever names it wants it.
    order = places if "path" in places else ("path", *places)
    kept = [source for wanted in order for place, source in by_place if place == wanted]
    if not kept:
        named = ", ".join(dict.fromkeys(place for place, _source in by_place))
        raise ContentError(
            f"{name_of(item)} has sources of the kind {named} alone, which serverless_content_places leaves out"
        )
    return kept


def place_of(source: dict[str, Any], item: dict[str, Any]) -> str:
    """Which kind of place a source names. Raises ContentError where it is none, or several."""
    given = [key for key in ("url", "go_module", "image") if source.get(key)]
    if not given and (source.get("path") or source.get("kind") == "istioctl"):
        return "path"
    if len(given) != 1:
        raise ContentError(f"content item {item} must have one of path, url, go_module, image, or sources")
    return given[0]


def name_of(item: dict[str, Any]) -> str:
    """What an item is called in messages: its name, else the last part of where its first source has it."""
    if item.get("name"):
        return str(item["name"])
    first = (item.get("sources") or [item])[0]
    urls = first.get("url") or ""
    place = (
        first.get("path")
        or (urls if isinstance(urls, str) else urls[0])
        or first.get("go_module")
        or first.get("image")
    )
    return PurePosixPath(str(place or item.get("kind") or "content")).name


def _one_url_each(source: dict[str, Any]) -> list[dict[str, Any]]:
    urls = source.get("url")
    return [{**source, "url": url} for url in urls] if isinstance(urls, list) and urls else [source]
