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
    suite = read_suite(name)
    components = parse_catalogue(catalogue(suite))
    for component in (components[suite.component], *(components[further] for further in suite.components)):
        assert isinstance(component, GoComponent)
        folder = HERE / "go" / component.name
        tools = {line.strip().removeprefix("tool ") for line in (folder / "go.mod").read_text().splitlines()}
        packages = {package for build in component.builds for package in build.packages.values()}
        own = {package for package in packages if package.startswith("./")}
        assert packages - own <= tools
        assert [package for package in own if not (folder / package).is_dir()] == []
        assert [file for file, count in Counter(component.files).items() if count > 1] == []


@pytest.mark.parametrize("name", SUITES)
def test_the_images_of_a_suite_are_made_of_its_programs(name: str) -> None:
    suite = read_suite(name)
    images = parse_recipes(layers(), recipes(suite)).images
    components = parse_catalogue(catalogue(suite))
    assert set(images) == {*suite.references().values(), *suite.recipes}
    for name in (suite.component, *suite.components):
        used = {entry.file for image in images.values() for entry in image.entries if entry.component == name}
        assert used <= set(components[name].files)


@pytest.mark.parametrize("name", SUITES)
def test_every_run_calls_a_program_of_the_suite(name: str) -> None:
    suite = read_suite(name)
    assert {run.program for run in suite.runs} <= set(suite.tests)
    assert len({run.name for run in suite.runs}) == len(suite.runs)


@pytest.mark.parametrize("name", SUITES)
def test_every_file_of_options_is_there(name: str) -> None:
    assert [file for run in read_suite(name).runs for file in run.options if not (HERE / file).is_file()] == []


def test_a_suite_like_another_one_is_built_once_and_has_its_images() -> None:
    eventing, secure = read_suite("eventing"), read_suite("eventing-secure")
    assert catalogue(secure)[secure.component] == catalogue(eventing)[eventing.component]
    assert secure.references() == eventing.references()
    assert set(eventing.recipes) < set(secure.recipes)
    assert set(eventing.registries) < set(secure.registries)


def test_what_eventing_leaves_to_the_secured_suite_is_run_there() -> None:
    secure = [test for run in read_suite("eventing-secure").runs for test in run.expected]
    left = next(reason for reason in read_suite("eventing").reasons if "eventing-secure" in reason.text)
    assert len(secure) == len(set(secure))
    assert [test for test in secure if not left.fits(test)] == []
