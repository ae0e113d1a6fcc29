# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of the lab's images: what is there is used, what is missing is made.

<cache>/images/layers/<name>/<key>/    layer.tar.gz, layer.json, and listing.json of a Debian tree
<cache>/images/<name>/<key>/           an OCI image layout; image.json: digest and size; name with _ for / and :
<cache>/images/<name>/<key>.tar        the same as an archive, where one is asked for
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from ..report import Report
from .assembly import AssembledImage, assemble, write_archive
from .cache_entry import filling
from .debian_tree import load_listing, make_root, save_listing, write_tree
from .keys import Keys
from .layer_file import LayerBlob, write_entries
from .progress import Progress
from .recipes import Debian, ImageRecipe, LayerRecipe, Recipes
from .sources import Sources

# mmdebstrap waits for the network half of its time, and compressing runs outside Python's lock.
_WORKERS = 2


@dataclass(frozen=True)
class CachedImage:
    """An image in the cache; size is that of its blobs in bytes, built says whether this run made it."""

    name: str
    directory: Path
    digest: str
    size: int
    built: bool


class ImageStore:
    """Makes images from recipes into a cache directory (see the module's text for its shape)."""

    def __init__(
        self, cache: Path, recipes: Recipes, sources: Sources, architecture: str, debian_sources: list[str],
        report: Report,
    ) -> None:  # fmt: skip
        self._root = cache / "images"
        self._recipes = recipes
        self._sources = sources
        self._architecture = architecture
        self._debian_sources = debian_sources
        self._keys = Keys(recipes, sources, architecture, debian_sources)
        self._report = report

    def missing(self, images: list[ImageRecipe]) -> list[str]:
        """Return the names of the layers and images that are not in the cache yet."""
        layers = [layer.name for layer in self._layers(images) if not self._layer_directory(layer).is_dir()]
        return layers + [image.name for image in images if not self._image_directory(image).is_dir()]

    def ensure(self, images: list[ImageRecipe]) -> list[CachedImage]:
        """Make what is missing and return all images, in the order given.

        Raises LabImageError if something cannot be made; what was made before stays.
        """
        missing = set(self.missing(images))
        progress = Progress(self._report, len(missing))

        def make_layer(layer: LayerRecipe) -> None:
            with progress.step(f"root file system {layer.name}" if layer.debian else f"image layer {layer.name}"):
                self._make_layer(layer)

        def make_image(image: ImageRecipe) -> None:
            with progress.step(f"image {image.name}"):
                self._make_image(image)

        with ThreadPoolExecutor(_WORKERS) as pool:
            for level in self._levels([layer for layer in self._layers(images) if layer.name in missing]):
                list(pool.map(make_layer, level))
            list(pool.map(make_image, [image for image in images if image.name in missing]))
        return [self._cached(image, image.name in missing) for image in images]

    def archive(self, image: CachedImage) -> Path:
        """Return the image as one tar file, which is written if it is not there."""
        archive = image.directory.with_name(f"{image.directory.name}.tar")
        if not archive.exists():
            part = archive.with_suffix(".part")
            write_archive(image.directory, part)
            part.replace(archive)
        return archive

    def _layers(self, images: list[ImageRecipe]) -> list[LayerRecipe]:
        """Return the shared layers that missing images need, each after its parent."""
        chains = [self._recipes.chain(image.base) for image in images if not self._image_directory(image).is_dir()]
        return list({layer.name: layer for chain in chains for layer in chain}.values())

    def _levels(self, layers: list[LayerRecipe]) -> list[list[LayerRecipe]]:
        """Return the layers in groups by the length of their chain: those of one group do not need each other."""
        depths = {layer.name: len(self._recipes.chain(layer.name)) for layer in layers}
        return [[layer for layer in layers if depths[layer.name] == depth] for depth in sorted(set(depths.values()))]

    def _layer_directory(self, layer: LayerRecipe) -> Path:
        return self._root / "layers" / layer.name / self._keys.layer(layer)

    def _image_directory(self, image: ImageRecipe) -> Path:
        return self._root / image.name.replace("/", "_").replace(":", "_") / self._keys.image(image)

    def _load_layer(self, layer: LayerRecipe) -> LayerBlob:
        directory = self._layer_directory(layer)
        return LayerBlob.load(directory / "layer.json", directory / "layer.tar.gz")

    def _make_layer(self, layer: LayerRecipe) -> None:
        with filling(self._layer_directory(layer)) as directory:
            if directory is None:
                return
            if layer.debian:
                blob = self._write_tree(layer, layer.debian, directory)
            else:
                blob = write_entries(directory / "layer.tar.gz", layer.entries, self._sources)
            blob.save(directory / "layer.json")

    def _write_tree(self, layer: LayerRecipe, debian: Debian, directory: Path) -> LayerBlob:
        root = directory / "root.tar"
        make_root(debian, self._debian_sources, root)
        parent = {}
        if layer.parent:
            parent = load_listing(self._layer_directory(self._recipes.layers[layer.parent]) / "listing.json")
        tree = write_tree(root, debian.drop, parent, directory / "layer.tar.gz")
        save_listing(tree.listing, directory / "listing.json")
        root.unlink()
        return tree.blob

    def _make_image(self, image: ImageRecipe) -> None:
        with filling(self._image_directory(image)) as directory:
            if directory is None:
                return
            layers = [self._load_layer(layer) for layer in self._recipes.chain(image.base)]
            top = directory / "layer.tar.gz"
            if image.entries:
                layers.append(write_entries(top, image.entries, self._sources))
            made = assemble(directory, image.name, self._architecture, image.config, layers)
            top.unlink(missing_ok=True)
            (directory / "image.json").write_text(json.dumps(asdict(made)), encoding="utf-8")

    def _cached(self, image: ImageRecipe, built: bool) -> CachedImage:
        directory = self._image_directory(image)
        made = AssembledImage(**json.loads((directory / "image.json").read_text(encoding="utf-8")))
        return CachedImage(image.name, directory, made.digest, made.size, built)
