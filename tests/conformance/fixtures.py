"""What is in the cluster while a suite runs, and not before and after."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from .lab import Lab
from .suite import Fixture, Suite

# Seconds for a manifest to be taken, as a webhook that it needs may not answer yet, and for its Deployments to be ready
_PATIENCE = 300
_PAUSE = 5


@contextmanager
def provided(suite: Suite, lab: Lab) -> Iterator[None]:
    """Create the suite's fixtures; afterwards give the site its own options back and delete them again.

    Raises CalledProcessError.
    """
    manifests = [_manifest(fixture, lab.work / f"{suite.name}-modules") for fixture in suite.fixtures]
    try:
        for fixture, manifest in zip(suite.fixtures, manifests, strict=True):
            print(f"  {fixture.path}", flush=True)
            _apply(lab, manifest)
            if fixture.ready:
                wait = ["rollout", "status", "deployment", f"--namespace={fixture.ready}", f"--timeout={_PATIENCE}s"]
                lab.kubectl(*wait)
        yield
    finally:
        if any(run.options for run in suite.runs):
            lab.site()
        for fixture, manifest in reversed([*zip(suite.fixtures, manifests, strict=True)]):
            if fixture.leaves:
                lab.kubectl("delete", "--ignore-not-found", *fixture.leaves)
            lab.kubectl("delete", "--ignore-not-found", "--filename=-", stdin=manifest)


def _apply(lab: Lab, manifest: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            lab.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=manifest)
            return
        except subprocess.CalledProcessError as error:
            if time.monotonic() > deadline:
                print(error.stderr, flush=True)
                raise
            time.sleep(_PAUSE)


def _manifest(fixture: Fixture, modules: Path) -> str:
    """Return the documents of a fixture as one list."""
    path = modules / fixture.path
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    documents: list[dict[str, Any]] = [
        document
        for file in files
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
        if document and document["kind"] not in fixture.exclude
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
