"""The ClusterRoles of docs/rights.md are enough, each alone, and what they lack is told before anything changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..conftest import ROOT, Site
from ..support.audit import is_bookkeeping
from ..support.runs import Lab, Run

pytestmark = pytest.mark.acceptance

# A removal looks for its marks on objects of all kinds; those that it may not list are none of ours
LOOKED_FOR = "labelSelector=serverless.selfhosted"
LEFT = re.compile(r"istio|knative|todo|selfhosted\.serverless")


@dataclass(frozen=True)
class Account:
    """A service account with one of the ClusterRoles alone, and runs in its name."""

    lab: Lab
    site: Site
    name: str
    kubeconfig: Path

    def run(self, *arguments: str) -> Run:
        return self.lab.run(*arguments, "-e", f"serverless_kubeconfig={self.kubeconfig}")

    def refused(self, since: datetime) -> list[str]:
        """What the API server did not let the account do, in a span of time that begins `since`."""
        return sorted(
            f"{event['verb']} {event['requestURI']}"
            for event in self.lab.audit.events(since)
            if event["user"]["username"] == f"system:serviceaccount:default:{self.name}"
            and (event.get("responseStatus") or {}).get("code") == 403
            and LOOKED_FOR not in event["requestURI"]
        )


def roles() -> list[dict[str, Any]]:
    """The ClusterRoles of the page."""
    page = (ROOT / "docs" / "rights.md").read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]


def account(site: Site, lab: Lab, directory: Path, name: str, role: dict[str, Any]) -> Account:
    """Make an account that has this role alone."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role["metadata"]["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}],
    }
    user = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}
    site.kubectl(
        "apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, user, binding]})
    )
    config = yaml.safe_load((site.directory / "kubeconfig").read_text(encoding="utf-8"))
    token = site.kubectl("-n", "default", "create", "token", name, "--duration=4h").strip()
    config["users"] = [{"name": one["name"], "user": {"token": token}} for one in config["users"]]
    kubeconfig = directory / name
    kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")
    return Account(lab, site, name, kubeconfig)


def let_go(site: Site, name: str, role: dict[str, Any]) -> None:
    site.kubectl("delete", "clusterrolebinding", name)
    site.kubectl("-n", "default", "delete", "serviceaccount", name)
    site.kubectl("delete", "clusterrole", role["metadata"]["name"])


@pytest.fixture(scope="module")
def installer(site: Site, lab_under_test: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    role = roles()[0]
    yield account(site, lab_under_test, tmp_path_factory.mktemp("rights"), "installer", role)
    let_go(site, "installer", role)


@pytest.fixture(scope="module")
def nightly(site: Site, lab_under_test: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    role = roles()[1]
    yield account(site, lab_under_test, tmp_path_factory.mktemp("rights"), "nightly", role)
    let_go(site, "nightly", role)


def test_no_role_has_wildcards() -> None:
    assert len(roles()) == 2
    for role in roles():
        assert not [rule for rule in role["rules"] if "*" in json.dumps(rule)]


def test_who_may_only_look_is_told_all_that_is_missing(nightly: Account) -> None:
    run = nightly.run("site.yml")
    assert run.code != 0 and "nothing was changed" in run.output, run.end()
    for words in (
        "create, get, patch customresourcedefinitions.apiextensions.k8s.io",
        "escalate, get, patch clusterroles",
    ):
        assert words in " ".join(run.output.split()), run.end()
    assert {write for write in run.writes if not is_bookkeeping(write[1])} == set()


def test_the_site_is_installed(installer: Account) -> None:
    since = datetime.now(UTC)
    run = installer.run("site.yml")
    assert run.code == 0 and run.changed > 0, run.end()
    assert installer.refused(since) == []


@pytest.mark.parametrize("who", ["installer", "nightly"])
def test_a_converged_run_needs_less(request: pytest.FixtureRequest, who: str) -> None:
    user, since = request.getfixturevalue(who), datetime.now(UTC)
    run = user.run("site.yml")
    assert run.code == 0 and run.changed == 0, run.end()
    assert user.refused(since) == [] and run.writes == set()


def test_it_is_verified(installer: Account) -> None:
    since = datetime.now(UTC)
    run = installer.run("playbooks/verify.yml")
    assert run.code == 0, run.end()
    assert installer.refused(since) == []


def test_who_may_only_look_removes_nothing(nightly: Account) -> None:
    run = nightly.run("playbooks/uninstall.yml")
    assert run.code != 0 and "nothing was changed: the user of this context may not:" in run.output, run.end()
    assert run.writes == set()


def test_it_is_removed(installer: Account, site: Site) -> None:
    since = datetime.now(UTC)
    run = installer.run("playbooks/uninstall.yml")
    assert run.code == 0, run.end()
    assert installer.refused(since) == []
    kinds = "namespaces,customresourcedefinitions,clusterroles,mutatingwebhookconfigurations"
    left = site.kubectl("get", kinds, "-o", "name").split()
    assert [name for name in left if LEFT.search(name)] == []
