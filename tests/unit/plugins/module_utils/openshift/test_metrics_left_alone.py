"""OpenShift measures by itself (openshift-monitoring): the role metrics_server uses that, and never touches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Action
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.existing import (
    AUTO,
    ExistingPolicy,
    applied_beside,
    foreign_installation,
    plan_beside,
)
from openshift_api import OpenShiftApi
from standing import until

ROLE = Path(__file__).resolve().parents[5] / "roles" / "metrics_server"
API_SERVICE = ("apiregistration.k8s.io/v1", "APIService")
NAME = "v1beta1.metrics.k8s.io"


def policy(**changed: Any) -> ExistingPolicy:
    """The role's own, with its default."""
    told = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__metrics_server_existing"]
    default = yaml.safe_load((ROLE / "defaults/main.yml").read_text())["metrics_server_existing"]
    return ExistingPolicy(**{**told, "policy": default, "role": "metrics_server", **changed})


def measuring(cluster: Cluster, service: dict[str, Any] | None) -> None:
    """What OpenShift's monitoring has registered; without a service it is said to be available."""
    spec = {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100}
    more = {"service": service, "insecureSkipTLSVerify": True} if service else {}
    metadata = {"name": NAME, "labels": {"app.kubernetes.io/managed-by": "cluster-monitoring-operator"}}
    api_version, kind = API_SERVICE
    cluster.apply(
        {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {**spec, **more}}, manager="monitoring"
    )


def is_available(cluster: Cluster) -> str:
    live = cluster.get(*API_SERVICE, NAME) or {}
    conditions = (live.get("status") or {}).get("conditions") or []
    return next((item["status"] for item in conditions if item["type"] == "Available"), "")


@pytest.fixture
def site(openshift: OpenShiftApi) -> Iterator[Cluster]:
    cluster = openshift.administrator()
    yield cluster
    cluster.delete(*API_SERVICE, NAME)


def test_what_serves_is_used_as_it_is(site: Cluster) -> None:
    measuring(site, None)
    until(lambda: is_available(site) == "True")
    found = foreign_installation(site, "metrics-server", None, policy(), Deadline(20))
    assert [item["metadata"]["name"] for item in found] == [NAME]
    plan = plan_beside(site, "metrics-server", found, policy(), Deadline(20))
    assert [step.action for step in plan.steps] == [Action.KEEP]
    assert plan.blockers == []
    ours = [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "metrics-server"}}]
    assert applied_beside(ours, policy()) == []


def test_what_does_not_serve_just_now_is_not_replaced(site: Cluster) -> None:
    assert policy().policy == AUTO
    measuring(site, {"name": "metrics-server", "namespace": "openshift-monitoring", "port": 443})
    until(lambda: is_available(site) == "False")
    found = foreign_installation(site, "metrics-server", None, policy(), Deadline(20))
    plan = plan_beside(site, "metrics-server", found, policy(), Deadline(20))
    assert plan.steps == []
    [blocker] = plan.blockers
    assert NAME in str(blocker)


@pytest.mark.parametrize(
    ("kind", "wanted", "policy"),
    [
        ("openshift", "adopt", "leave"),
        ("openshift", "auto", "leave"),
        ("kubernetes", "adopt", "adopt"),
        ("", "auto", "auto"),
    ],
)
def test_openshifts_own_is_left_whatever_is_wanted(kind: str, wanted: str, policy: str) -> None:
    text = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__metrics_server_existing"]["policy"]
    known = {"__serverless_cluster": {"kind": kind}} if kind else {}
    templar = Templar(DataLoader(), variables={"metrics_server_existing": wanted, **known})
    assert templar.template(trust_as_template(text)) == policy
