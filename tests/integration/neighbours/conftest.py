"""The scene: a cluster with things of others, before our first run (ACCEPTANCE=1) or on the site that stands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ..conftest import Site
from ..support.cluster_api import Document, Ref
from ..support.neighbours import Neighbours
from ..support.runs import Lab

OBJECTS = Path(__file__).with_name("objects")
WHOLE = bool(os.environ.get("ACCEPTANCE"))


@dataclass
class Scene:
    """`empty` is the listing before anything, `before` the one with things of others alone; `lost` are complaints."""

    site: Site
    lab: Lab
    neighbours: Neighbours
    empty: dict[Ref, Document]
    before: dict[Ref, Document]
    lost: dict[str, list[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def scene(site: Site, lab_under_test: Lab) -> Iterator[Scene]:
    """Things of others that were there before us."""
    of_ours = "app.kubernetes.io/managed-by=selfhosted.serverless"
    installed = site.kubectl("get", "configmaps", "-n", "kube-system", "-l", of_ours, "-o", "name")
    if bool(installed) == WHOLE:
        pytest.fail("the whole path begins on an empty lab, the short one (without ACCEPTANCE=1) on a site")
    empty = lab_under_test.listing()
    neighbours = Neighbours(site, lab_under_test)
    neighbours.put(OBJECTS / "before.manifest")
    neighbours.put(OBJECTS / "instances.manifest")
    yield Scene(site, lab_under_test, neighbours, empty, lab_under_test.listing())
    neighbours.remove(empty)
