"""The collection is imported by Ansible's own loader in all tests, as in a run."""

from __future__ import annotations

import os
from pathlib import Path

import coverage
from ansible.plugins.loader import init_plugin_loader

# Playbooks that tests run print what Ansible's own callback prints.
os.environ["ANSIBLE_STDOUT_CALLBACK"] = "default"

# Before the first import of the collection: the loader, once there, refuses packages that Python's own has imported.
init_plugin_loader([str(Path(__file__).resolve().parents[2] / ".venv" / "collections")])


def pytest_sessionfinish() -> None:
    """Have a measured process write its figures while it is waited for: xdist kills workers 10 s after their end."""
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.stop()
        measured.save()
