"""Recipes of the lab's images: what is understood, what is refused and how."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.errors import LabImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.recipes import parse_recipes
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.sources import Sources
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import read_releases
from lab_image_map import role_variables

sys.path.insert(0, str(Path(__file__).parents[1] / "content" / "support"))

from module_proxy import unpacked  # noqa: E402

ROLE = Path(__file__).parents[5] / "roles" / "lab"
LAYERS: dict[str, Any] = {
    "base": {"debian": {"packages": ["ca-certificates"]}},
    "tools": {"parent": "base", "debian": {"packages": ["ca-certificates", "iptables"], "drop": ["usr/share/doc/*"]}},
}


def test_program_is_an_executable_entry_and_the_entrypoint() -> None:
    program = {"component": "etcd", "file": "etcd", "path": "/etcd"}
    recipes = parse_recipes({}, {"registry.k8s.io/etcd:v1": {"program": program, "config": {"User": "1"}}})
    image = recipes.images["registry.k8s.io/etcd:v1"]
    assert [(entry.path, entry.mode) for entry in image.entries] == [("/etcd", 0o755)]
    assert image.config == {"User": "1", "Entrypoint": ["/etcd"]}


def test_chain_is_lowest_first() -> None:
    recipes = parse_recipes(LAYERS, {})
    assert [layer.name for layer in recipes.chain("tools")] == ["base", "tools"]


@pytest.mark.parametrize(
    ("layers", "images", "said"),
    [
        ({"x": {}}, {}, "exactly one of debian, entries"),
        ({"x": {"debian": {"packages": "curl"}}}, {}, "packages must be a list"),
        ({"x": {"parent": "y", "debian": {"packages": ["curl"]}}}, {}, "no layer y"),
        ({"x": {"parent": "x", "debian": {"packages": ["curl"]}}}, {}, "its own parent"),
        ({}, {"docker.io/a/b": {}}, "write a name with a tag"),
        ({}, {"docker.io:5000/a": {}}, "write a name with a tag"),
        ({}, {"docker.io/a:1": {"base": "none"}}, "no layer none"),
        ({}, {"docker.io/a:1": {"entries": [{"path": "/x"}]}}, "/x must be one of"),
        ({}, {"docker.io/a:1": {"entries": [{"path": "/x", "component": "etcd"}]}}, "/x must be one of"),
        ({}, {"docker.io/a:1": {"entries": [{"path": "x", "own": "y"}]}}, "must begin with /"),
        ({}, {"docker.io/a:1": {"entrypoint": ["/x"]}}, "entrypoint"),
    ],
)
def test_what_is_wrong_is_named(layers: dict[str, Any], images: dict[str, Any], said: str) -> None:
    with pytest.raises(LabImageError, match=said):
        parse_recipes(layers, images)


def test_unknown_image_is_named_with_what_there_is() -> None:
    recipes = parse_recipes({}, {"docker.io/a:1": {}})
    with pytest.raises(LabImageError, match=r"docker.io/b:1; there are: docker.io/a:1"):
        recipes.choose(["docker.io/b:1"])


def test_the_roles_recipes_use_components_of_the_role_and_files_that_exist() -> None:
    role = role_variables(lab_releases=list(read_releases().sets), lab_observability=True)
    components = role["__lab_components"]
    recipes = parse_recipes(role["__lab_image_layers"], role["__lab_images"])
    made = {
        (component, name)
        for component, entry in components.items()
        for build in entry.get("go", {}).get("builds", [{"packages": entry.get("wheel", {}).get("files", {})}])
        for name in build["packages"]
    }
    sources = Sources({}, ROLE / "files" / "images")
    for recipe in [*recipes.layers.values(), *recipes.images.values()]:
        for entry in recipe.entries:
            if entry.own:
                assert sources.file(entry).is_file()
            elif "modules" in components.get(entry.component, {}):
                assert entry.file.split("/")[0] in components[entry.component]["modules"]
            elif entry.component:
                assert (entry.component, entry.file) in made


def test_the_roles_images_have_numeric_users_or_a_base_with_users() -> None:
    role = role_variables(lab_releases=list(read_releases().sets), lab_observability=True)
    recipes = parse_recipes(role["__lab_image_layers"], role["__lab_images"])
    for image in recipes.images.values():
        user = str(image.config.get("User", ""))
        assert user.replace(":", "").isdigit() or (not user and image.base.startswith("debian")), image.name


def test_the_sets_that_are_asked_for_are_stocked_with_istioctl_where_upstreams_image_has_it() -> None:
    for name, release in read_releases().sets.items():
        role = role_variables(lab_releases=[name])
        recipes = parse_recipes(role["__lab_image_layers"], role["__lab_images"])
        [item] = read_releases().content["istio"][release.versions["istio"]]["manifests"]
        [source] = item["sources"]
        assert source["path"] in [entry.path for entry in recipes.images[source["image"]].entries]
        tags = {image.rpartition(":")[2] for image in recipes.images if "/istio/" in image or "/knative.dev/" in image}
        versions = {component: version for component, version in release.versions.items() if "metrics" not in component}
        assert tags == {version if component == "istio" else f"v{version}" for component, version in versions.items()}


@pytest.mark.parametrize("name", list(read_releases().sets))
def test_what_the_addons_of_istio_ask_for_is_stocked_where_it_is_asked_for(name: str) -> None:
    """But for the program that watches a configuration, which the role leaves out."""
    release = read_releases().sets[name]
    asked = set()
    for item in read_releases().content["istio"][release.versions["istio"]]["addons"]:
        [source] = [source for source in item["sources"] if "go_module" in source]
        asked |= set(re.findall(r'image: "?([^"\s]+)', unpacked(source["go_module"], source["path"]).read_text()))
    asked = {image for image in asked if "config-reloader" not in image}
    assert len(asked) == 2
    stocked, plain = (
        set(role_variables(lab_releases=[name], lab_observability=wanted)["__lab_images"]) for wanted in (True, False)
    )
    assert stocked - plain == asked
