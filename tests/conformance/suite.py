"""A suite as its file in suites/ describes it: what is built for it, how it is run, and what is known of its tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
# Who is to blame for a test that fails or is left out
CAUSES = ("stand-in", "envoy", "lab", "suite", "choice", "ours")


@dataclass(frozen=True)
class Images:
    """Images of one repository and tag: programs maps the name of an image to its package (base: the layer below)."""

    repository: str
    tag: str
    programs: dict[str, str]
    base: str = "static"
    user: str = "65532"

    def names(self) -> dict[str, str]:
        """Return the full references by the names of the images."""
        return {name: f"{self.repository}/{name}:{self.tag}" for name in self.programs}


@dataclass(frozen=True)
class Run:
    """One call of a program of tests.

    format says how its results are read: go (the testing package) or ginkgo (its JUnit report). The tests that count
    are those named in expected, otherwise those that a program of Go's testing package lists, or whose names begin
    with the pattern `counted` in Ginkgo's report. With at_once, a program of Go's is called for so many tests at a
    time: -test.parallel does not bound how many have pods on the node, as tests that wait for a part do not count.
    With options, site.yml runs before it with these files of options beside options.yml.
    """

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    expected: tuple[str, ...] = ()
    format: str = "go"
    counted: str = ""
    at_once: int = 0
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reason:
    """Why tests whose names match as a whole do not pass; cause is one of CAUSES. skip: the test is not even run."""

    tests: str
    cause: str
    text: str
    skip: bool = False

    def fits(self, test: str) -> bool:
        """Tell whether the reason is one for this test."""
        return re.fullmatch(self.tests, test) is not None


@dataclass(frozen=True)
class Fixture:
    """A manifest that is in the cluster while a suite runs: a file in one of the suite's modules, or a folder of files.

    Documents of the kinds in exclude are left out; all Deployments of the namespace ready are waited for. leaves is
    what it makes elsewhere and would leave behind, as arguments of `kubectl delete`.
    """

    path: str
    exclude: tuple[str, ...] = ()
    ready: str = ""
    leaves: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """One suite: tests maps the name of a program to the package whose tests it runs, programs to a package of a main.

    modules and recipes are for images that are more than one program, as the lab's vars/components.yml and images.yml,
    with the layers of layers.yml, too; a recipe finds the suite's programs in the component conformance-<name>, modules
    in conformance-modules, and of the lab's own components those that lab names. components are further ones, as in
    components.yml, with their modules in go/. registries are those of images that the site does not use: the node is
    led to the lab's mirror for them. fixtures are there while the suite runs, manifest stays.

    A suite that is like another one has its programs, images and recipes, beside its own.
    """

    name: str
    title: str
    source: str
    tags: tuple[str, ...]
    tests: dict[str, str]
    programs: dict[str, str]
    images: tuple[Images, ...]
    lab: tuple[str, ...]
    modules: dict[str, Any]
    recipes: dict[str, Any]
    registries: tuple[str, ...]
    runs: tuple[Run, ...]
    reasons: tuple[Reason, ...]
    manifest: str
    like: str = ""
    components: dict[str, Any] = field(default_factory=dict)
    fixtures: tuple[Fixture, ...] = ()

    @property
    def component(self) -> str:
        """The name of the Go module, and of its entry in the lab's cache."""
        return f"conformance-{self.like or self.name}"

    def references(self) -> dict[str, str]:
        """Return all images of the suite, reference by name."""
        return {name: reference for images in self.images for name, reference in images.names().items()}


def read_suite(name: str) -> Suite:
    """Return the suite of suites/<name>.yml; raises KeyError, TypeError or ValueError for a file of the wrong form."""
    data = _contents(name)
    reasons = tuple(Reason(**entry) for entry in data.get("reasons", []))
    for reason in reasons:
        if reason.cause not in CAUSES:
            raise ValueError(f"{name}: the cause {reason.cause} of {reason.tests} is none of {', '.join(CAUSES)}")
    return Suite(
        name=name,
        like=data.get("like", ""),
        title=data["title"],
        source=data["source"],
        tags=tuple(data.get("tags", ())),
        tests=dict(data["tests"]),
        programs=dict(data.get("programs", {})),
        components=dict(data.get("components", {})),
        lab=tuple(data.get("lab", ())),
        modules=dict(data.get("modules", {})),
        recipes=dict(data.get("recipes", {})),
        registries=tuple(data.get("registries", ())),
        images=tuple(Images(**entry) for entry in data.get("images", [])),
        runs=tuple(_run(entry) for entry in data["runs"]),
        reasons=reasons,
        manifest=data.get("manifest", ""),
        fixtures=tuple(Fixture(**_with_tuples(entry, "exclude", "leaves")) for entry in data.get("fixtures", [])),
    )


def _contents(name: str) -> Mapping[str, Any]:
    """Return what a suite's file has, with the parts of the suite that it is like."""
    own: Mapping[str, Any] = yaml.safe_load((HERE / "suites" / f"{name}.yml").read_text(encoding="utf-8"))
    if "like" not in own:
        return own
    other = _contents(own["like"])
    same = {key: other[key] for key in ("tags", "tests", "programs", "images", "components", "lab") if key in other}
    both = {key: {**other.get(key, {}), **own.get(key, {})} for key in ("modules", "recipes")}
    return {**same, **own, **both, "registries": [*other.get("registries", []), *own.get("registries", [])]}


def _run(data: Mapping[str, Any]) -> Run:
    return Run(**_with_tuples(data, "arguments", "expected", "options"))


def _with_tuples(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {**data, **{key: tuple(data[key]) for key in keys if key in data}}
