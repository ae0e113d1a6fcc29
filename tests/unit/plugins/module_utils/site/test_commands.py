"""Printed commands work in a shell and in ansible, whatever hosts and contexts are called."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.commands import kubectl, limit, variables

NAMES = [
    "docker-desktop",
    "gke_example_europe-west1_staging",
    "arn:aws:eks:eu-west-1:123456789012:cluster/shop",
    "my cluster",
    "kubernetes-admin@kubernetes",
    "default/api-shop-example-com:6443/kube:admin",
    "user@10.0.0.5:6443",
    "teleport.example.com:443-prod/eu",
    "@odd",
    "!not",
    "&and",
    "~home",
    "a,b",
    "all*",
    'q\'uote "x" $HOME',
    " blanks ",
    "k\u00f6ln:1\u00e4",
    "\u96c6\u7fa4, \U0001f680",
    "-dash",
]


def inventory(directory: Path, names: list[str]) -> InventoryManager:
    file = directory / "hosts.yml"
    file.write_text(yaml.safe_dump({"clusters": {"hosts": {name: {} for name in names}}}))
    return InventoryManager(DataLoader(), sources=[str(file)])


@pytest.mark.parametrize("name", NAMES)
def test_the_limit_means_one_host_alone(name: str, tmp_path: Path) -> None:
    hosts = inventory(tmp_path, NAMES)
    option, value = shlex.split(limit(name))
    assert option == "--limit"
    hosts.subset(value)
    assert [host.name for host in hosts.list_hosts("clusters")] == [name]


def test_usual_names_are_written_plainly() -> None:
    assert limit("docker-desktop") == "--limit docker-desktop"
    assert limit("kubernetes-admin@kubernetes") == "--limit kubernetes-admin@kubernetes"


def test_kubectl_takes_context_and_kubeconfig_as_they_are() -> None:
    assert kubectl("docker-desktop") == "kubectl --context docker-desktop"
    assert shlex.split(kubectl("my cluster; rm -rf /")) == ["kubectl", "--context", "my cluster; rm -rf /"]
    home = str(Path.home())
    assert kubectl("a", "~/one:/two dir") == f"KUBECONFIG='{home}/one:/two dir' kubectl --context a"


def test_only_what_says_which_place_is_meant_is_repeated() -> None:
    given = ["lab_address=127.0.0.3 todo_state=absent", "@site.yml", "serverless_registry_password=x", '{"a": 1}']
    assert variables([*given, "serverless_context='a b'"]) == (
        " -e lab_address=127.0.0.3 -e @site.yml -e 'serverless_context=a b'"
    )
    assert variables([]) == ""
