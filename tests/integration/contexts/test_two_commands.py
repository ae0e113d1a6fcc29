"""From a lab that runs to the application: one more command, and no file of the user's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.ownership import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
)

from ..conftest import ROOT, Site, until

pytestmark = pytest.mark.acceptance


def run(site: Site, home: Path, playbook: str) -> str:
    """Run a playbook with nothing but KUBECONFIG and the inventory that comes with the project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment = {**kept, "HOME": str(home), "KUBECONFIG": str(site.directory / "kubeconfig")}
    command = [Path(sys.executable).with_name("ansible-playbook"), playbook, "-i", "inventories/kubeconfig"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1200)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_a_kubeconfig_is_all_that_is_needed(site: Site, tmp_path: Path) -> None:
    said = run(site, tmp_path, "site.yml")
    assert "11 of 11 facts hold" in said
    until("the application answers", lambda: site.request("/api/user").status == 200, 60)
    assert "nothing changed in " in run(site, tmp_path, "site.yml")
    run(site, tmp_path, "playbooks/uninstall.yml")
    assert not site.objects("namespaces,deployments", "-A", "-l", f"{MANAGED_BY_LABEL}={MANAGED_BY}")
