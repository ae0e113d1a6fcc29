"""The collection is imported by Ansible's own loader in all tests, as in a run."""

from __future__ import annotations

import os
from pathlib import Path

import coverage
import pytest
from ansible.plugins.loader import init_plugin_loader

# Playbooks that tests run print what Ansible's own callback prints.
os.environ["ANSIBLE_STDOUT_CALLBACK"] = "default"

# Before the first import of the collection: the loader, once there, refuses packages that Python's own has imported.
init_plugin_loader([str(Path(__file__).resolve().parents[2] / ".venv" / "collections")])

# By seconds, the longest first; `pytest --durations=0` tells them
LONGEST = (
    "test_definitions.py",
    "test_bad_inputs.py",
    "test_knative_operator.py",
    "test_istio_operator.py",
    "test_istio_revisions.py",
    "test_runs.py",
    "test_parts_taken_away.py",
    "test_report.py",
    "test_rehearsal.py",
    "test_shared_options.py",
    "test_release_set.py",
    "test_answers.py",
    "test_watch_faults.py",
    "test_images.py",
    "test_namespaces.py",
    "test_functions.py",
    "test_observability.py",
    "test_verify.py",
    "test_waiting.py",
    "test_beside.py",
    "test_diagnosis.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files: a worker that comes to one at the end is waited for by all."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


def pytest_sessionfinish() -> None:
    """Have a measured process write its figures while it is waited for: xdist kills workers 10 s after their end."""
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.stop()
        measured.save()
