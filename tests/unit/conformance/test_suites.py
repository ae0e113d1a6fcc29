"""The committed suites: their form, and that their modules have what they name."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import (
    GoComponent,
    parse_catalogue,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.recipes import parse_recipes
from conformance.stock import catalogue, recipes
from conformance.suite import HERE, read_suite

SUITES = sorted(path.stem for path in (HERE / "suites").glob("*.yml"))


def layers() -> dict:
    lab = yaml.safe_load((HERE.parents[1] / "roles" / "lab" / "vars" / "images.yml").read_text())
    own = yaml.safe_load((HERE / "layers.yml").read_text())
    known = {**lab["__lab_image_layers"], **own["conformance_layers"]}
    # What is left out of Debian's packages is an expression there
    return {
        name: {**layer, "debian": {"packages": []}} if "debian" in layer else layer for name, layer in known.items()
    }


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_can_be_built_and_its_packages_are_tools_of_its_module(name: str) -> None:
    component = parse_catalogue(catalogue(read_suite(name)))[f"conformance-{name}"]
    assert isinstance(component, GoComponent)
    module = (HERE / "go" / component.name / "go.mod").read_text()
    tools = {line.strip().removeprefix("tool ") for line in module.splitlines()}
    packages = {package for build in component.builds for package in build.packages.values()}
    assert packages <= tools
    assert [file for file, count in Counter(component.files).items() if count > 1] == []


@pytest.mark.parametrize("name", SUITES)
def test_the_images_of_a_suite_are_made_of_its_programs(name: str) -> None:
    suite = read_suite(name)
    images = parse_recipes(layers(), recipes(suite)).images
    files = parse_catalogue(catalogue(suite))[suite.component].files
    assert set(images) == {*suite.references().values(), *suite.recipes}
    used = {entry.file for image in images.values() for entry in image.entries if entry.component == suite.component}
    assert used <= set(files)


@pytest.mark.parametrize("name", SUITES)
def test_every_run_calls_a_program_of_the_suite(name: str) -> None:
    suite = read_suite(name)
    assert {run.program for run in suite.runs} <= set(suite.tests)
    assert len({run.name for run in suite.runs}) == len(suite.runs)
