"""The map from the releases' references by digest to the lab's images."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.errors import LabImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.image_map import image_map
from lab_image_map import MAP, whole_map

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


def test_what_the_lab_does_without_is_left_out() -> None:
    text = f"image: gcr.io/x/z@{DIGEST}\nimage: gcr.io/x/y@{DIGEST}"
    assert image_map([text], ["gcr.io/x/y:v1"], ["gcr.io/x/z"]) == {f"gcr.io/x/y@{DIGEST}": "gcr.io/x/y:v1"}


def test_the_inventory_has_what_the_releases_and_the_recipes_give() -> None:
    assert yaml.safe_load(MAP.read_text())["__lab_image_map"] == whole_map()
