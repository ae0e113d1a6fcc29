# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every place in a Kubernetes document where an image reference stands, the hidden ones included.

One walk serves both reading (extract.py) and writing (rewrite.py), so what is planned is what is rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidReference
from .injector import injector_place
from .reference import Reference

Document = dict[str, Any]

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
# Istio's placeholder in gateways, which its injector replaces by the image of its values.
_PLACEHOLDERS = frozenset({"auto"})
_IMAGE_NAME = re.compile(r"(^|[-_.])image$|[a-z0-9]Image$", re.IGNORECASE)
# A whole reference with a registry that is unmistakably a host, and with a version.
_QUALIFIED = re.compile(
    r"(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]+)?|localhost:[0-9]+)/[a-z0-9._/-]+(?::[A-Za-z0-9_][\w.-]*|@sha256:[0-9a-f]{64})"
    r"(?:@sha256:[0-9a-f]{64})?"
)


@dataclass(frozen=True)
class Place:
    """A reference, where it stands in words, and how to put another one there.

    `certain` is False where only its looks say that a text is an image (values of env, arguments).
    """

    reference: str
    where: str
    put: Callable[[str], None]
    certain: bool = True


def places(document: Document) -> Iterator[Place]:
    """Yield the places of one document; putting changes the document. Definitions of resources have none."""
    kind = document.get("kind") or ""
    if kind == "CustomResourceDefinition":
        return
    metadata = document.get("metadata") or {}
    owner = f"{kind} {'/'.join(filter(None, [metadata.get('namespace'), metadata.get('name')]))}".strip()
    if kind == "ConfigMap":
        yield from _of_config_map(document, owner)
    elif kind == "Image" and str(document.get("apiVersion")).startswith("caching.internal.knative.dev/"):
        yield from _value(document.get("spec"), "image", f"{owner}: spec.image")
    else:
        yield from _within(document, owner)


def _of_config_map(document: Document, owner: str) -> Iterator[Place]:
    data = document.get("data") or {}
    for key, value in data.items():
        if isinstance(value, str) and _IMAGE_NAME.search(key) and _looks_like_one(value.strip()):
            yield Place(value.strip(), f"{owner}: {key}", _putter(data, key))
    if isinstance(data.get("values"), str) and isinstance(data.get("config"), str):
        place = injector_place(data)
        if place:
            yield Place(place[0], f"{owner}: proxy image of the injected sidecars", place[1])


def _within(node: Any, owner: str) -> Iterator[Place]:
    """Walk to every pod specification, at whatever depth: workloads, Knative Services, templates elsewhere."""
    if isinstance(node, list):
        for item in node:
            yield from _within(item, owner)
    elif isinstance(node, dict):
        for key in _CONTAINERS:
            for container in _dictionaries(node.get(key)):
                yield from _of_container(container, f"{owner}: {container.get('name') or key}")
        for volume in _dictionaries(node.get("volumes")):
            yield from _value(volume.get("image"), "reference", f"{owner}: volume {volume.get('name')}")
        for key, value in node.items():
            if key not in _CONTAINERS:
                yield from _within(value, owner)


def _of_container(container: Document, where: str) -> Iterator[Place]:
    yield from _value(container, "image", where)
    for variable in _dictionaries(container.get("env")):
        value, name = variable.get("value"), str(variable.get("name"))
        if isinstance(value, str) and _looks_like_one(value):
            sure = bool(_IMAGE_NAME.search(name)) or "@sha256:" in value
            yield Place(value, f"{where}, env {name}", _putter(variable, "value"), sure)
    for key in ("command", "args"):
        words = container.get(key)
        for position, word in enumerate(words if isinstance(words, list) else []):
            yield from _of_word(words, position, word, f"{where}, {key}")


def _of_word(words: list[Any], position: int, word: Any, where: str) -> Iterator[Place]:
    """An argument that is a reference, or ends in one after an equals sign."""
    if not isinstance(word, str):
        return
    option, separator, value = word.rpartition("=")
    if _looks_like_one(value):

        def put(reference: str) -> None:
            words[position] = f"{option}{separator}{reference}"

        yield Place(value, where, put, "@sha256:" in value)


def _value(holder: Any, key: str, where: str) -> Iterator[Place]:
    value = holder.get(key) if isinstance(holder, dict) else None
    if isinstance(value, str) and value not in _PLACEHOLDERS and _is_reference(value):
        yield Place(value, where, _putter(holder, key))


def _looks_like_one(text: str) -> bool:
    return bool(_QUALIFIED.fullmatch(text)) and _is_reference(text)


def _is_reference(text: str) -> bool:
    try:
        Reference.parse(text)
    except InvalidReference:
        return False
    return True


def _dictionaries(items: Any) -> list[Document]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _putter(holder: Document, key: str) -> Callable[[str], None]:
    def put(reference: str) -> None:
        holder[key] = reference

    return put
