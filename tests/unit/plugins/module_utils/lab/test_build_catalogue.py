"""The catalogue of the lab's components: its form, and that the committed one fits the committed modules."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import (
    GoComponent,
    choose,
    default_binary_name,
    parse_catalogue,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabBuildError
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import read_releases
from lab_image_map import role_variables

ROLE = Path(__file__).resolve().parents[5] / "roles" / "lab"


def committed(**options: Any) -> dict[str, dict]:
    return role_variables(**options)["__lab_components"]


def choices(option: str) -> list[str]:
    """What may be chosen, as the role's specification of its arguments has it."""
    options = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    return options[option]["choices"]


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
        ({}, "exactly one of go, c, wheel, modules"),
        ({"rust": {}}, "exactly one of go, c, wheel, modules"),
        ({"c": {"module": {"path": "a.example/m", "version": "v1.0.0", "sum": "h1:x"}}}, "'programs'"),
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
    assert [one.name for one in choose(catalogue, ["etcd", "kubernetes-1.36"])] == ["kubernetes-1.36", "etcd"]
    assert len(choose(catalogue, [])) == len(catalogue)


def test_choosing_an_unknown_component_names_those_that_there_are() -> None:
    with pytest.raises(LabBuildError, match="component nope; there are: .*etcd"):
        choose(parse_catalogue(committed()), ["etcd", "nope"])


@pytest.mark.parametrize(
    ("kubernetes", "runtime"),
    [*((one, "containerd") for one in choices("lab_kubernetes")), *(("1.36", one) for one in choices("lab_runtime"))],
)
def test_every_package_of_the_catalogue_is_a_tool_of_its_module_or_in_it(kubernetes: str, runtime: str) -> None:
    options = {"lab_kubernetes": kubernetes, "lab_runtime": runtime, "lab_releases": choices("lab_releases")}
    catalogue = parse_catalogue(committed(**options, lab_observability=True))
    for component in catalogue.values():
        if isinstance(component, GoComponent):
            module = ROLE / "files" / "go" / component.name
            lines = {line.strip().removeprefix("tool ") for line in (module / "go.mod").read_text().splitlines()}
            for build in component.builds:
                for package in build.packages.values():
                    assert package in lines or (module / package).is_dir(), f"{component.name}: {package}"


def test_kubernetes_is_built_in_the_version_that_is_asked_for() -> None:
    versions = role_variables()["__lab_kubernetes_versions"]
    assert choices("lab_kubernetes") == list(versions)
    for minor, version in versions.items():
        catalogue = parse_catalogue(committed(lab_kubernetes=minor))
        built = [component for name, component in catalogue.items() if name.startswith("kubernetes-")]
        assert [component.name for component in built] == [f"kubernetes-{minor}"]
        variables = built[0].variables
        assert variables["k8s.io/component-base/version.gitVersion"] == version["version"]
        assert variables["k8s.io/client-go/pkg/version.gitMinor"] == minor.split(".")[1]
        required = f"k8s.io/kubernetes {version['version']}"
        assert required in (ROLE / "files" / "go" / built[0].name / "go.mod").read_text()
    assert committed(lab_kubernetes=1.37) == committed(lab_kubernetes="1.37")  # as -e '{lab_kubernetes: 1.37}' gives it


@pytest.mark.parametrize(
    ("runtime", "parts"),
    [("containerd", {"containerd"}), ("crio", {"cri-o", "pinns", "cri-tools"}), ("docker", {"cri-dockerd"})],
)
def test_the_runtime_that_is_asked_for_is_built_and_no_other(runtime: str, parts: set[str]) -> None:
    every = {part for one in choices("lab_runtime") for part in committed(lab_runtime=one)}
    assert parts <= every
    assert set(committed(lab_runtime=runtime)) - parts == set(committed()) - {"containerd"}


def test_kiali_and_prometheus_are_built_where_they_are_asked_for_and_in_the_versions_that_they_say() -> None:
    assert set(committed(lab_observability=True)) - set(committed()) == {"kiali", "prometheus"}
    assert set(committed(observability_state="present")) - set(committed()) == {"kiali", "prometheus"}
    catalogue = committed(lab_observability=True)
    version = catalogue["kiali"]["go"]["variables"]["main.version"]
    assert f"github.com/kiali/kiali {version}" in (ROLE / "files" / "go" / "kiali" / "go.mod").read_text()
    # The release 3.10.0 is the module's v0.310.0
    version = catalogue["prometheus"]["go"]["variables"]["github.com/prometheus/common/version.Version"]
    major, minor, patch = version.split(".")
    required = f"github.com/prometheus/prometheus v0.{major}{int(minor):02}.{patch}"
    assert required in (ROLE / "files" / "go" / "prometheus" / "go.mod").read_text()
    assert {stands["prometheus"] for stands in role_variables()["__lab_istio"].values()} == {f"v{version}"}


def test_the_program_in_c_is_of_the_module_that_is_built() -> None:
    [module] = [one["c"]["module"] for one in committed(lab_runtime="crio").values() if "c" in one]
    sums = (ROLE / "files" / "go" / "cri-o" / "go.sum").read_text().splitlines()
    assert f"{module['path']} {module['version']} {module['sum']}" in sums


def test_the_sets_that_are_asked_for_are_built_and_no_other() -> None:
    sets = read_releases().sets
    assert choices("lab_releases") == list(sets)
    both = set(committed(lab_releases=list(sets)))
    assert set(committed()) == set(committed(lab_releases=[next(iter(sets))])) < both
    for name, release in sets.items():
        built = set(committed(lab_releases=[name]))
        assert {f"istio-{release.versions['istio']}", f"knative-serving-{release.versions['knative_serving']}"} <= built
    # What all labs have is not made twice
    assert {"kubernetes-1.36", "containerd", "net-istio"} <= set(committed(lab_releases=[]))


def test_the_modules_of_the_sets_are_the_releases_that_they_stand_for() -> None:
    """Knative's v0.49 is the release 1.22 (its minor less 27); Istio's is the commit that the data names."""
    stands = role_variables()["__lab_istio"]
    for release in read_releases().sets.values():
        for part in ("serving", "eventing"):
            version = release.versions[f"knative_{part}"]
            text = (ROLE / "files" / "go" / f"knative-{part}-{version}" / "go.mod").read_text()
            [required] = re.findall(rf"^\s*(?:require )?knative.dev/{part} v0\.(\d+)\.", text, re.MULTILINE)
            assert int(required) - 27 == int(version.split(".")[1])
        version = release.versions["istio"]
        text = (ROLE / "files" / "go" / f"istio-{version}" / "go.mod").read_text()
        assert f"istio.io/istio {stands[version]['module']}" in text
        sums = (ROLE / "files" / "go" / f"istio-{version}" / "go.sum").read_text()
        assert f"istio.io/istio {stands[version]['module']} {stands[version]['sum']}" in sums
