"""Drills as a user types them, and what they wrote."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from xml.etree import ElementTree

import pytest

from ..conftest import Site


@dataclass(frozen=True)
class Found:
    """A drill that came to its end: the run, its JSON, and the plot's elements."""

    run: CompletedProcess[str]
    data: dict[str, Any]
    plot: ElementTree.Element

    @property
    def figures(self) -> dict[str, Any]:
        return self.data["figures"]

    def replicas(self, series: str) -> list[float]:
        """The values that a series went through."""
        return [value for _at, value in self.data["timeline"]["steps"]["series"][series]]


@dataclass(frozen=True)
class Drills:
    """The site in one variant."""

    site: Site
    variant: str
    output: Path

    def run(self, drill: str, *args: str, **options: Any) -> CompletedProcess[str]:
        """The command of the README, and nothing besides but where to write."""
        variables = {"drill": drill, "drills_output": str(self.output), **options}
        return self.site.playbook("playbooks/drill.yml", "-e", json.dumps(variables), *args)

    def make(self, drill: str, **options: Any) -> Found:
        """A drill that is to succeed."""
        done = self.run(drill, **options)
        print(f"\n{drill} (" + done.stdout.partition(f"\n{drill} (")[2].partition("\nPLAY RECAP")[0])
        assert done.returncode == 0, done.stdout[-4000:]
        file = self.output / f"{drill}-{self.variant}"
        data = json.loads(file.with_suffix(".json").read_text())
        return Found(done, data, ElementTree.parse(file.with_suffix(".svg")).getroot())

    def install(self) -> CompletedProcess[str]:
        """Run the role todo for this variant."""
        return self.site.playbook("site.yml", "--tags", "todo", "-e", f"todo_variant={self.variant}")

    def is_as_before(self) -> bool:
        """Whether the role finds nothing to do."""
        return changed(self.install()) == 0


def changed(done: CompletedProcess[str]) -> int:
    """How many tasks of a run that succeeded changed something."""
    assert done.returncode == 0, done.stdout[-4000:]
    return int(re.findall(r"^lab\s+:.*\bchanged=(\d+)", done.stdout, re.MULTILINE)[0])


def variant_of(site: Site, variant: str, output: Path) -> Drills:
    """The site in a variant, made so if it is not."""
    drills = Drills(site, variant, output)
    changed(drills.install())
    return drills


@pytest.fixture(scope="module")
def knative(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Drills:
    """The application on Knative."""
    return variant_of(site, "knative", tmp_path_factory.mktemp("knative"))


@pytest.fixture(scope="module")
def kubernetes(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Drills:
    """The application by Kubernetes alone."""
    return variant_of(site, "kubernetes", tmp_path_factory.mktemp("kubernetes"))
