# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the image cache: a hash of everything that goes into a layer or an image."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from .recipes import Entry, ImageRecipe, LayerRecipe, Recipes
from .sources import Sources

# Raised when the way of assembling changes what comes out of the same recipe.
_FORMAT = 1


class Keys:
    """Computes keys for one architecture and one choice of Debian sources.

    A Debian layer's key has no package versions in it: the layer stays as it was built until its recipe changes or the
    cache is emptied.
    """

    def __init__(self, recipes: Recipes, sources: Sources, architecture: str, debian_sources: list[str]) -> None:
        self._recipes = recipes
        self._sources = sources
        self._common = [_FORMAT, architecture]
        self._debian = debian_sources

    def layer(self, layer: LayerRecipe) -> str:
        """Return the key of a shared layer."""
        parent = self.layer(self._recipes.layers[layer.parent]) if layer.parent else ""
        debian = [asdict(layer.debian), self._debian] if layer.debian else None
        return self._key([parent, debian, self._entries(layer.entries)])

    def image(self, image: ImageRecipe) -> str:
        """Return the key of an image."""
        base = self.layer(self._recipes.layers[image.base]) if image.base else ""
        return self._key([image.name, base, dict(image.config), self._entries(image.entries)])

    def _entries(self, entries: tuple[Entry, ...]) -> list[Any]:
        return [[asdict(entry), self._sources.identity(entry)] for entry in entries]

    def _key(self, inputs: list[Any]) -> str:
        text = json.dumps([*self._common, *inputs], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
