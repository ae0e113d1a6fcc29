"""The contexts of a kubeconfig as hosts, as ansible-inventory shows them."""

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

ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/a b"
INVENTORY = Path(sys.executable).parent / "ansible-inventory"


class Written:
    """A kubeconfig and the inventory's file in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "config"
        self.file = folder / "kubeconfig.yml"

    def contexts(self, *names: str, current: str = "", server: str = "https://h.example") -> None:
        """Write a kubeconfig with a cluster and a context of each name."""
        document = {
            "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in names],
            "clusters": [{"name": name, "cluster": {"server": server}} for name in names],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "current-context": current,
        }
        self.kubeconfig.write_text(yaml.safe_dump(document), encoding="utf-8")

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run ansible-inventory with these options of the plugin."""
        said = {"plugin": "selfhosted.serverless.kubeconfig", "kubeconfig": str(self.kubeconfig), **options}
        self.file.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
        command = [str(INVENTORY), "-i", str(self.file), *(words or ("--list",))]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def listed(self, *words: str, **options: Any) -> dict[str, Any]:
        """Return what ansible-inventory lists."""
        done = self.run("--list", *words, **options)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def context_of(variables: dict[str, Any]) -> str:
    """Return a host's context; ansible-inventory marks what is never a template."""
    return str(variables["serverless_context"]["__ansible_unsafe"])


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def test_any_context_is_a_host_under_a_name_that_every_command_takes(written: Written) -> None:
    names = {ARN: "arn-aws-eks-eu-west-1-123456789012-cluster-a-b", "shop/api-ocp:6443/dev": "shop-api-ocp-6443-dev"}
    written.contexts(*names, "plain", "{{ 1 }}", current=ARN)
    found = written.listed()
    hosts = found["_meta"]["hostvars"]
    assert {context_of(hosts[host]): host for host in hosts} == {**names, "plain": "plain", "{{ 1 }}": "1"}
    assert found["clusters"]["hosts"] == [names[ARN]]
    assert {found[group]["hosts"][0] for group in ("kind_eks", "kind_openshift")} == set(names.values())
    for host in hosts:
        limited = written.listed("--limit", host)
        assert list(limited["_meta"]["hostvars"]) == [host] and limited["clusters"]["hosts"] == [host]


def test_names_that_would_be_the_same_are_told_apart_whatever_their_order(written: Written) -> None:
    written.contexts("a b", "a:b", "clusters", "", "kind-unknown")
    hosts = written.listed()["_meta"]["hostvars"]
    assert len(hosts) == 5 and "clusters" not in hosts
    written.contexts("kind-unknown", "", "clusters", "a:b", "a b")
    assert written.listed()["_meta"]["hostvars"] == hosts


@pytest.mark.parametrize(
    ("options", "limit", "chosen"),
    [
        ({}, (), ["b"]),
        ({"without_limit": "all"}, (), ["a", "b", "c1"]),
        ({}, ("--limit", "a:c1"), ["a", "c1"]),
        ({"contexts": ["c*", "b"]}, ("--limit", "all"), ["b", "c1"]),
        ({"exclude": ["c?"], "without_limit": "all"}, (), ["a", "b"]),
    ],
)
def test_what_a_run_is_about(
    written: Written, options: dict[str, Any], limit: tuple[str, ...], chosen: list[str]
) -> None:
    written.contexts("a", "b", "c1", current="b")
    assert sorted(written.listed(*limit, **options)["clusters"]["hosts"]) == chosen


def test_variables_by_pattern_and_beside_the_file(written: Written) -> None:
    written.contexts(ARN, "minikube", current="minikube")
    (written.folder / "group_vars").mkdir()
    (written.folder / "group_vars/kind_minikube.yml").write_text("of_group: 1\n", encoding="utf-8")
    said = {"*": {"a": "{{ 1 + 1 }}", "b": 1}, "arn:*": {"b": 2}}
    hosts = written.listed(variables=said)["_meta"]["hostvars"]
    arn = next(name for name in hosts if name.startswith("arn"))
    assert (hosts[arn]["b"], hosts["minikube"]["b"], hosts["minikube"]["of_group"]) == (2, 1, 1)
    shown = subprocess.run(
        [
            INVENTORY.parent / "ansible",
            "-i",
            str(written.file),
            "--limit",
            arn,
            "all",
            "-m",
            "debug",
            "-a",
            "msg={{ [a, b] }}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r"\b2\b", shown.stdout) == ["2", "2"]


def test_of_the_lab_the_kubeconfig_that_was_read_counts(tmp_path: Path) -> None:
    """KUBECONFIG may name a copy of the lab's file with another context or another user."""
    extension = {"provider": "selfhosted.serverless", "directory": "/srv/lab", "address": "127.0.0.1"}
    cluster = {"server": "https://127.0.0.1:6443", "extensions": [{"name": "lab", "extension": extension}]}
    document = {
        "contexts": [{"name": "renamed", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    (tmp_path / "copy").write_text(yaml.safe_dump(document), encoding="utf-8")
    root = Path(__file__).resolve().parents[4]
    command = [str(INVENTORY), "-i", str(root / "inventories" / "kubeconfig"), "--host", "renamed"]
    environment = {**os.environ, "KUBECONFIG": "copy", "ANSIBLE_CONFIG": str(root / "ansible.cfg")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=environment, cwd=tmp_path
    )
    variables = json.loads(done.stdout)
    assert (variables["serverless_context"], variables["serverless_kubeconfig"]) == ("renamed", str(tmp_path / "copy"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"contexts": ["c*"]}, "no context of {config} is called c*; contexts there: a, b"),
        ({"exclude": ["old"]}, "no context of {config} is called old; contexts there: a, b"),
        ({"kubeconfig": "/nowhere/config"}, "no kubeconfig at /nowhere/config"),
        ({"without_limit": "none"}, "without_limit"),
        ({"variables": {"a": 1}}, "variables"),
    ],
)
def test_what_cannot_be_is_said(written: Written, options: dict[str, Any], words: str) -> None:
    written.contexts("a", "b", current="a")
    done = written.run(**options)
    assert words.format(config=written.kubeconfig) in " ".join(done.stderr.split()), done.stderr


@pytest.mark.parametrize(("current", "words"), [("", "none is current"), ("gone", "the current context, gone, is not")])
def test_a_run_about_nothing_says_how_to_choose(written: Written, current: str, words: str) -> None:
    written.contexts("a", "b", current=current)
    said = " ".join(written.run().stderr.split())
    assert words in said and "Name one by --limit; there are: a, b" in said


def test_a_file_of_another_name_is_not_ours(written: Written) -> None:
    written.contexts("a", current="a")
    written.file = written.folder / "mine.yml"
    assert "could not be verified" in " ".join(written.run().stderr.split())
