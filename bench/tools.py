"""The tools to compare with that the lab does not build: Go modules of their own below bench/go, in the lab's cache."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build import Builder
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import GoBuild, GoComponent

from .processes import CACHE

SOURCES = Path(__file__).resolve().parent / "go"
PACKAGES = {"regsync": "github.com/regclient/regclient/cmd/regsync", "zarf": "github.com/zarf-dev/zarf"}


def main() -> int:
    """Build what is not in the cache."""
    components = [GoComponent(name, (GoBuild({name: package}),), {}) for name, package in PACKAGES.items()]
    Builder(BuildCache(CACHE.parent), SOURCES, lambda line: print(line, flush=True)).run(components)
    return 0


if __name__ == "__main__":
    sys.exit(main())
