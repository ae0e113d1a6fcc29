"""Every offered release set on the oldest, the default and the newest Kubernetes: installed, verified, removed.

Each pair has a lab of its own, which starts empty; the listing of all objects afterwards is the one from before. At the
end there is a table of all pairs. MATRIX="1.36/knative-1.23 ..." runs some of them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from ..conftest import ROOT, Site
from ..support.labs import OwnLab
from ..support.neighbours import await_equal

pytestmark = pytest.mark.acceptance

LAB = OwnLab(ROOT / ".lab-matrix", "127.0.0.4")
KUBERNETES = ("1.34", "1.36", "1.37")
SETS = [
    one
    for one in yaml.safe_load((ROOT / "roles" / "serverless" / "files" / "releases.yml").read_text())["sets"]
    if one["offered"]
]
VERIFIED_BY = ("test_platform.py", "test_todo.py")
DEPLOYMENTS = {
    "istio": ("istio-system", "istiod"),
    "knative_serving": ("knative-serving", "controller"),
    "knative_eventing": ("knative-eventing", "eventing-controller"),
}


@dataclass
class Row:
    """A line of the table: what was reached, and in how many seconds."""

    kubernetes: str
    release: str
    installed: str = "-"
    verified: str = "-"
    again: str = "-"
    removed: str = "-"

    def __str__(self) -> str:
        cells = (self.kubernetes, self.release, self.installed, self.verified, self.again, self.removed)
        return f"| {' | '.join(cells)} |"


def pairs() -> list[tuple[str, str]]:
    """The pairs to run, of minor of Kubernetes and name of set."""
    wanted = os.environ.get("MATRIX", "").split()
    every = [(minor, one["name"]) for minor in KUBERNETES for one in SETS]
    return [pair for pair in every if not wanted or "/".join(pair) in wanted]


def running(site: Site) -> dict[str, str]:
    """The release of each Deployment by component: what its label says; istiod's is its chart's, so its image's tag."""
    versions = {}
    for component, (namespace, name) in DEPLOYMENTS.items():
        found = json.loads(site.kubectl("get", "deployment", name, "-n", namespace, "-o", "json"))
        image = found["spec"]["template"]["spec"]["containers"][0]["image"]
        label = found["metadata"]["labels"].get("app.kubernetes.io/version")
        versions[component] = image.rpartition(":")[2] if component == "istio" else label
    return versions


@pytest.fixture(scope="module")
def rows() -> Iterator[list[Row]]:
    """The table, printed at the end."""
    kept: list[Row] = []
    yield kept
    print("\n\n| Kubernetes | release set | installed | verified | again | removed, listing equal |")
    print("| --- | --- | --- | --- | --- | --- |")
    print("\n".join(map(str, kept)))


@pytest.fixture(params=pairs(), ids="/".join)
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The lab of a pair."""
    minor, release = request.param
    LAB.bring("absent")
    LAB.bring("started", lab_kubernetes=minor, lab_releases=[release])
    yield minor, release
    LAB.bring("absent")


def test_installed_verified_removed(pair: tuple[str, str], rows: list[Row]) -> None:
    minor, name = pair
    release = next(one for one in SETS if one["name"] == name)
    row = Row(minor, name)
    rows.append(row)
    site, lab = Site(LAB.directory, LAB.address), LAB.runs()
    server = json.loads(site.kubectl("version", "-o", "json"))["serverVersion"]
    assert server["gitVersion"].startswith(f"v{minor}.")
    row.kubernetes = server["gitVersion"]
    before = lab.listing()
    chosen = ("-e", f"serverless_release={name}")

    installed = lab.run("site.yml", *chosen)
    row.installed = f"{installed.seconds:.0f} s" if installed.code == 0 else "failed"
    assert installed.code == 0, installed.end()
    assert running(site) == {component: release["versions"][component] for component in DEPLOYMENTS}

    started = time.monotonic()
    code, said = LAB.verify(VERIFIED_BY)
    row.verified = (
        f"{said.strip().splitlines()[-1].strip('=').partition(' in ')[0].strip()}, {time.monotonic() - started:.0f} s"
    )
    assert code == 0, said

    again = lab.run("site.yml", *chosen)
    row.again = f"changed={again.changed}"
    assert again.code == 0 and again.changed == 0 and not again.writes, again.end()

    removed = lab.run("playbooks/uninstall.yml", *chosen)
    assert removed.code == 0, removed.end()
    await_equal(lab, before)
    row.removed = f"{removed.seconds:.0f} s"
