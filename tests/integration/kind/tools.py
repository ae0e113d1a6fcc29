"""The real kind, and an image of a node in which containerd runs; both by the lab's own builders, in its cache."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build import Builder
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import (
    GoBuild,
    GoComponent,
    Module,
    ModulesComponent,
    choose,
    parse_catalogue,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.recipes import parse_recipes
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.sources import Sources
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.store import ImageStore

HERE = Path(__file__).resolve().parent
LAB = HERE.parents[2] / "roles" / "lab"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless")
MODULE = Module("sigs.k8s.io/kind", "v0.33.0", "h1:AjvDv3vOygb/VKLVQW87lfktIBzkxR8Ump9DjxC8+Lk=")
KIND = GoComponent("kind", (GoBuild({"kind": MODULE.path}),), {})
FILES = ModulesComponent("kind-module", {"kind": MODULE})
NODE_IMAGE = "serverless.example/kind-node:1"
# Where kind's own node image has them
PROGRAMS = {"containerd": ("containerd", "containerd-shim-runc-v2", "ctr"), "cri-tools": ("crictl",)}
SETTINGS = ("etc/containerd/config.toml", "etc/crictl.yaml")


@dataclass(frozen=True)
class Tools:
    """The program kind, and the layout of the node's image."""

    kind: Path
    node_image: Path


def make_tools(architecture: str) -> Tools:
    """Build and assemble what the cache lacks."""
    cache, lines = BuildCache(CACHE), []  # type: tuple[BuildCache, list[str]]
    folders = Builder(cache, HERE / "go", lines.append).run([KIND, FILES]).directories
    runtimes = yaml.safe_load((LAB / "vars" / "components.yml").read_text())["__lab_runtime_components"]
    catalogue = parse_catalogue({name: entry for one in runtimes.values() for name, entry in one.items()})
    wanted = choose(catalogue, list(PROGRAMS))
    folders |= Builder(cache, LAB / "files" / "go", lines.append).run(wanted).directories
    recipes = parse_recipes({"debian": _debian()}, {NODE_IMAGE: _node()})
    sources = Sources({name: Path(folder) for name, folder in folders.items()}, HERE / "files")
    [image] = ImageStore(CACHE, recipes, sources, architecture, [], lines.append).ensure(recipes.choose([]))
    return Tools(Path(folders["kind"], "kind"), image.directory)


def _debian() -> dict[str, object]:
    """The recipe of the layer that the lab's own images begin with."""
    variables = yaml.safe_load((LAB / "vars" / "images.yml").read_text())
    recipe = variables["__lab_image_layers"]["debian"]["debian"]
    return {"debian": {**recipe, "drop": variables["__lab_image_languages"]}}


def _node() -> dict[str, object]:
    """Kind's settings and the programs of the lab on Debian; containerd takes the place of systemd."""
    programs = [
        {"component": component, "file": name, "path": f"/usr/local/bin/{name}", "mode": "0755"}
        for component, names in PROGRAMS.items()
        for name in names
    ]
    settings = [
        {"component": FILES.name, "file": f"kind/images/base/files/{name}", "path": f"/{name}"} for name in SETTINGS
    ]
    start = {"own": "start-node", "path": "/usr/local/bin/entrypoint", "mode": "0755"}
    config = {"Entrypoint": ["/usr/local/bin/entrypoint"], "Env": ["container=docker"]}
    return {"base": "debian", "entries": [*programs, *settings, start], "config": config}
