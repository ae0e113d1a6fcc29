"""The conformance suite of the OCI distribution specification, built from its Go module and run against a registry."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build import Builder
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import GoBuild, GoComponent

NAME = "oci-distribution"
SOURCES = Path(__file__).resolve().parents[6] / "tests" / "conformance" / "go"
PACKAGE = "github.com/opencontainers/distribution-spec/conformance"
_ROOT = "OCI Conformance Test/"


@dataclass(frozen=True)
class Results:
    """The suite's tests by how they ended: those of a name that ran more than once are passed if all are."""

    passed: frozenset[str]
    failed: frozenset[str]
    skipped: frozenset[str]


def suite() -> Path:
    """Return the suite's program, built if it is not in the cache of the lab's components."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless")
    component = GoComponent(NAME, (GoBuild({NAME: PACKAGE}),), {})
    built = Builder(BuildCache(root), SOURCES, print).run([component])
    return Path(built.directories[NAME], NAME)


def run_suite(host: str, directory: Path) -> Results:
    """Run the whole suite against a registry without TLS and login."""
    environment = {
        "PATH": os.environ["PATH"],
        "OCI_REGISTRY": host,
        "OCI_TLS": "disabled",
        "OCI_RESULTS_DIR": str(directory),
        "OCI_VERSION": "1.1",
    }
    subprocess.run([suite()], env=environment, cwd=directory, capture_output=True, timeout=300, check=False)
    ended: dict[str, set[str]] = {}
    for case in ElementTree.parse(directory / "junit.xml").getroot().iter("testcase"):
        ended.setdefault(str(case.get("name")).removeprefix(_ROOT), set()).add(str(case.get("status")))
    failed = {name for name, how in ended.items() if how & {"failure", "error"}}
    skipped = {name for name, how in ended.items() if how == {"skipped"}}
    return Results(frozenset(set(ended) - failed - skipped), frozenset(failed), frozenset(skipped))
