"""The catalogue of the lab's components: its form, and that the committed one fits the committed modules."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import (
    GoComponent,
    choose,
    default_binary_name,
    parse_catalogue,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabBuildError

ROLE = Path(__file__).resolve().parents[5] / "roles" / "lab"


def committed() -> dict[str, dict]:
    return yaml.safe_load((ROLE / "vars" / "components.yml").read_text())["__lab_components"]


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("go.etcd.io/etcd/server/v3", "server"),
        ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
        ("./cmd/pause", "pause"),
        ("github.com/coredns/coredns", "coredns"),
        ("v2", "v2"),
        ("knative.dev/serving/test/conformance/api/v1", "v1"),
    ],
)
def test_a_binary_is_named_as_go_names_it(package: str, name: str) -> None:
    assert default_binary_name(package) == name


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "exactly one of go, wheel, modules"),
        ({"rust": {}}, "exactly one of go, wheel, modules"),
        ({"go": {}}, "'builds'"),
        ({"wheel": {"package": "x", "version": 1, "sha256": {}}}, "'files'"),
        ({"modules": {"m": {"path": "a.example/m", "version": "v1.0.0"}}}, "'sum'"),
        ({"go": {"builds": [{"packages": {"a": "x/a", "b": "y/a"}}]}}, "use two builds"),
    ],
)
def test_an_entry_of_the_wrong_form_is_named(entry: dict, said: str) -> None:
    with pytest.raises(LabBuildError, match="thing") as caught:
        parse_catalogue({"thing": entry})
    assert said in str(caught.value)


def test_tests_are_named_as_go_names_them_and_do_not_touch_the_key_of_others() -> None:
    entry = {"go": {"builds": [{"tests": {"all": "x/y/v2"}, "tags": ["e2e"]}, {"packages": {"y": "x/y"}}]}}
    component = parse_catalogue({"thing": entry})["thing"]
    assert isinstance(component, GoComponent)
    tests, programs = component.builds
    assert (tests.made("x/y/v2"), tests.tags, programs.made("x/y")) == ("y.test", ("e2e",), "y")
    assert component.files == ["all", "y"]
    # The key of a component is made of these fields
    assert asdict(programs) == {"packages": {"y": "x/y"}, "tags": ()}
    assert asdict(tests) != asdict(programs)


def test_choosing_keeps_the_order_of_the_catalogue() -> None:
    catalogue = parse_catalogue(committed())
    assert [one.name for one in choose(catalogue, ["etcd", "kubernetes"])] == ["kubernetes", "etcd"]
    assert len(choose(catalogue, [])) == len(catalogue)


def test_choosing_an_unknown_component_names_those_that_there_are() -> None:
    with pytest.raises(LabBuildError, match="component nope; there are: .*etcd"):
        choose(parse_catalogue(committed()), ["etcd", "nope"])


def test_every_package_of_the_catalogue_is_a_tool_of_its_module_or_in_it() -> None:
    for component in parse_catalogue(committed()).values():
        if isinstance(component, GoComponent):
            module = ROLE / "files" / "go" / component.name
            lines = {line.strip().removeprefix("tool ") for line in (module / "go.mod").read_text().splitlines()}
            for build in component.builds:
                for package in build.packages.values():
                    assert package in lines or (module / package).is_dir(), f"{component.name}: {package}"
