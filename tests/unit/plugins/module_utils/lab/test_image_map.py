"""The map from the releases' references by digest to the lab's images."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.errors import LabImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.image_map import image_map

REPOSITORY = Path(__file__).parents[5]
MAP = REPOSITORY / "inventories" / "lab" / "group_vars" / "clusters" / "image_map.yml"
RELEASES = ("knative-serving/1.15.2", "knative-eventing/1.15.0", "ingress/1.15/istio")
DIGEST = "sha256:" + "a" * 64


def test_every_reference_by_digest_is_mapped_wherever_it_stands() -> None:
    text = (
        f"image: gcr.io/x/queue@{DIGEST}\n  queue-sidecar-image: gcr.io/x/queue@{DIGEST}\nvalue: 'gcr.io/x/y@{DIGEST}'"
    )
    mapped = image_map([text], ["gcr.io/x/queue:v1", "gcr.io/x/y:v2"])
    assert mapped == {f"gcr.io/x/queue@{DIGEST}": "gcr.io/x/queue:v1", f"gcr.io/x/y@{DIGEST}": "gcr.io/x/y:v2"}


def test_what_the_lab_does_not_make_is_named() -> None:
    with pytest.raises(LabImageError, match="gcr.io/x/z"):
        image_map([f"image: gcr.io/x/z@{DIGEST}"], ["gcr.io/x/y:v1"])


def test_two_tags_of_a_repository_are_refused() -> None:
    with pytest.raises(LabImageError, match="keep one"):
        image_map([], ["gcr.io/x/y:v1", "gcr.io/x/y:v2"])


def test_the_inventory_has_what_the_releases_and_the_recipes_give() -> None:
    modules = Path(os.environ.get("GOMODCACHE") or Path.home() / "go" / "pkg" / "mod")
    kodata = modules / "knative.dev" / "operator@v0.42.2" / "cmd" / "operator" / "kodata"
    if not kodata.is_dir():
        pytest.skip("the releases are not in the Go module cache; make lab brings them")
    texts = [file.read_text() for release in RELEASES for file in sorted((kodata / release).glob("*.yaml"))]
    images = yaml.safe_load((REPOSITORY / "roles" / "lab" / "vars" / "images.yml").read_text())["__lab_images"]
    assert yaml.safe_load(MAP.read_text())["__lab_image_map"] == image_map(texts, images)
