# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes: what the lab's images are made of, as typed objects.

The data is roles/lab/vars/images.yml, which describes the fields; this module refuses what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import LabImageError

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Entry:
    """One file, link or directory of a layer.

    Exactly one of these says what it is: component and file (a file of a component that lab_build made), own (a file
    of the role, relative to its files/images), link (the target of a symbolic link), or directory.
    """

    path: str
    mode: int = 0o644
    owner: int = 0
    component: str = ""
    file: str = ""
    own: str = ""
    link: str = ""
    directory: bool = False


@dataclass(frozen=True)
class Debian:
    """A Debian root file system: packages, hooks of mmdebstrap ($1 is the root), patterns of paths to leave out."""

    packages: tuple[str, ...]
    essential_hooks: tuple[str, ...] = ()
    customize_hooks: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerRecipe:
    """A layer that images share: a Debian root file system (less what its parent has), or entries."""

    name: str
    parent: str = ""
    debian: Debian | None = None
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class ImageRecipe:
    """An image under its original name: a shared layer below, entries on top, and the config of a container.

    config has the field names of the OCI image specification's config object (Entrypoint, Cmd, Env, User ...). In the
    data, program is short for an entry that is also the entrypoint.
    """

    name: str
    base: str = ""
    entries: tuple[Entry, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipes:
    """All recipes, by name, in the order of the data."""

    layers: dict[str, LayerRecipe]
    images: dict[str, ImageRecipe]

    def chain(self, base: str) -> list[LayerRecipe]:
        """Return the shared layers that end in base, the lowest first."""
        chain: list[LayerRecipe] = []
        while base:
            chain.insert(0, self.layers[base])
            base = self.layers[base].parent
        return chain

    def choose(self, names: list[str]) -> list[ImageRecipe]:
        """Return the named images in the order of the data; all of them if none is named."""
        unknown = [name for name in names if name not in self.images]
        if unknown:
            raise LabImageError(f"Unknown lab image {', '.join(unknown)}; there are: {', '.join(self.images)}")
        return [image for name, image in self.images.items() if not names or name in names]


def parse_recipes(layers: Mapping[str, Any], images: Mapping[str, Any]) -> Recipes:
    """Return the recipes of the catalogue's two dictionaries.

    Raises LabImageError that names the recipe and what is wrong with it.
    """
    recipes = Recipes(
        {name: _made(f"Lab layer {name}", _layer, name, data) for name, data in layers.items()},
        {name: _made(f"Lab image {name}", _image, name, data) for name, data in images.items()},
    )
    for layer in recipes.layers.values():
        _known_layer(recipes, f"Lab layer {layer.name}", layer.parent)
        if layer.parent == layer.name:
            raise LabImageError(f"Lab layer {layer.name} is its own parent")
    for image in recipes.images.values():
        _known_layer(recipes, f"Lab image {image.name}", image.base)
        if "@" in image.name or ":" not in image.name.rsplit("/", 1)[-1]:
            raise LabImageError(f"Lab image {image.name}: write a name with a tag, as in docker.io/istio/pilot:1.0")
    return recipes


def _known_layer(recipes: Recipes, what: str, name: str) -> None:
    if name and name not in recipes.layers:
        raise LabImageError(f"{what}: no layer {name}; there are: {', '.join(recipes.layers)}")


def _made(what: str, make: Callable[[str, Mapping[str, Any]], _Made], name: str, data: Mapping[str, Any]) -> _Made:
    try:
        return make(name, data)
    except (KeyError, TypeError, ValueError) as error:
        raise LabImageError(f"{what}: the recipe is incomplete or has an unknown field: {error}") from error


def _layer(name: str, data: Mapping[str, Any]) -> LayerRecipe:
    fields = dict(data)
    debian = fields.pop("debian", None)
    entries = tuple(_entry(entry) for entry in fields.pop("entries", []))
    if bool(debian) == bool(entries):
        raise ValueError("write exactly one of debian, entries")
    return LayerRecipe(name, debian=_debian(debian) if debian else None, entries=entries, **fields)


def _debian(data: Mapping[str, Any]) -> Debian:
    for name, values in data.items():
        if isinstance(values, str):
            raise ValueError(f"{name} must be a list")
    return Debian(**{name: tuple(values) for name, values in data.items()})


def _image(name: str, data: Mapping[str, Any]) -> ImageRecipe:
    fields = dict(data)
    entries = tuple(_entry(entry) for entry in fields.pop("entries", []))
    config = dict(fields.pop("config", {}))
    program = fields.pop("program", None)
    if program:
        entries += (_entry({**program, "mode": 0o755}),)
        config["Entrypoint"] = [program["path"]]
    return ImageRecipe(name, entries=entries, config=config, **fields)


def _entry(data: Mapping[str, Any]) -> Entry:
    fields = dict(data)
    if isinstance(fields.get("mode"), str):
        fields["mode"] = int(fields["mode"], 8)
    entry = Entry(**fields)
    kinds = [bool(entry.component), bool(entry.own), bool(entry.link), entry.directory]
    if sum(kinds) != 1 or bool(entry.component) != bool(entry.file):
        raise ValueError(f"{entry.path} must be one of: component and file, own, link, directory")
    if not entry.path.startswith("/"):
        raise ValueError(f"{entry.path} must begin with /")
    return entry
