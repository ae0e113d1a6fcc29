"""Each sample inventory is read, has hosts that `--limit` takes, and passes preflight as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_server import ApiServer

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
# The lab has tests of its own, and an inventory of kubeconfigs has no hosts that are written down
SAMPLES = sorted({file.parent.name for file in ROOT.glob("inventories/*/hosts.yml")} - {"lab"})
KINDS = {"docker-desktop", "minikube", "kind", "k3s", "managed", "openshift", "contexts"}


def variables_of(sample: str) -> dict[str, dict[str, Any]]:
    """The variables of each host, as Ansible reads them."""
    words = ["-i", f"inventories/{sample}", "--list"]
    done = subprocess.run([BIN / "ansible-inventory", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "[WARNING]" not in done.stderr, done.stderr
    listed = json.loads(done.stdout)
    hosts = listed["_meta"]["hostvars"]
    assert set(listed["clusters"]["hosts"]) == set(hosts)
    return dict(hosts)


def test_there_is_a_sample_of_each_kind() -> None:
    assert set(SAMPLES) == KINDS


@pytest.mark.parametrize("sample", SAMPLES)
def test_preflight_accepts_it_as_it_stands(sample: str, api_server: ApiServer, tmp_path: Path) -> None:
    """Each host by itself: all of them are one cluster here."""
    folder = tmp_path / ".kube"
    folder.mkdir()
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "registry-password").write_text("test-only", encoding="utf-8")
    whole = yaml.safe_load(api_server.kubeconfig.read_text(encoding="utf-8"))
    (only,) = [one for one in whole["contexts"] if one["name"] == "test"]
    for host, variables in variables_of(sample).items():
        name = variables.get("serverless_context", host)
        written = {**whole, "contexts": [{**only, "name": name}]}
        path = str(variables.get("serverless_kubeconfig", "~/.kube/config")).replace("~", str(tmp_path))
        Path(path).write_text(yaml.safe_dump(written), encoding="utf-8")
        done = subprocess.run(
            [
                *(BIN / "ansible-playbook", "site.yml", "-i", f"inventories/{sample}", "--limit", host),
                *("--check", "--tags", "registry_secret", "-e", f"serverless_work_dir={tmp_path / 'work'}"),
            ],
            cwd=ROOT,
            env={
                **{key: value for key, value in os.environ.items() if key != "KUBECONFIG"},
                "HOME": str(tmp_path),
                "REGISTRY_PASSWORD": "test-only",
                "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(rf"^{host} +: ok=", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("sample", SAMPLES)
def test_it_says_which_network_it_is_for(sample: str) -> None:
    for variables in variables_of(sample).values():
        assert variables["serverless_network"] in ("direct", "china") and "serverless_images" not in variables
