"""What the roles render where security context constraints are in force: nothing that restricted-v2 refuses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
sys.path.insert(0, str(Path(__file__).parent / "todo" / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.scc import faults, pods_in  # noqa: E402
from rendering import evaluate, render  # noqa: E402

IN_FORCE = {"__serverless_release": {"scc": True, "versions": {}}}
VARIANTS = ("kubernetes", "istio", "knative")


def templar(role: str, **changed: object) -> Templar:
    loader = DataLoader()
    variables: dict[str, object] = {"inventory_hostname": "here"}
    for name in ("serverless", role):
        files = [ROLES / name / "defaults" / "main.yml", *sorted((ROLES / name / "vars").rglob("*.yml"))]
        for file in files:
            variables |= loader.load_from_file(str(file), cache="none", trusted_as_template=True)
    return Templar(loader, variables=variables | changed)


def value(role: str, expression: str, **changed: object) -> Any:
    return templar(role, **changed).template(trust_as_template(f"{{{{ {expression} }}}}"))


def refused(text: str) -> list[str]:
    pods = [pod for one in yaml.safe_load_all(text) if one for pod in pods_in(one)]
    assert pods
    return [fault for pod in pods for fault in faults(pod)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_pods_of_the_application_ask_for_no_ids(variant: str) -> None:
    assert refused(render("todo.yml.j2", todo_variant=variant, **IN_FORCE)) == []
    assert refused(render("todo.yml.j2", todo_variant=variant, __todo_found={"scc": True})) == []
    elsewhere = refused(render("todo.yml.j2", todo_variant=variant))
    assert {"container app: runAsUser is 65532", "pod: fsGroup is 999"} <= set(elsewhere)


def test_no_job_as_root() -> None:
    found = {"database": False, "runs_on": [], "revisions": []}
    for scc in (True, False):
        first = evaluate("__todo_first", __todo_found={**found, "scc": scc}, ansible_check_mode=False)
        assert ("prepare_volume" in first) is not scc


@pytest.mark.parametrize("scc", [True, False])
def test_prometheus_is_told_its_ids_where_no_range_gives_them(scc: bool) -> None:
    changed = {"__serverless_release": {"scc": scc, "versions": {}}}
    patches = [
        one["patch"]
        for one in value("observability", "__observability_prometheus_overlays", **changed)
        if "patch" in one
    ]
    [context] = [
        one["spec"]["template"]["spec"]["securityContext"] for one in patches if "template" in one.get("spec", {})
    ]
    assert context["runAsNonRoot"] is True
    assert {context[key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == ({None} if scc else {65534})


@pytest.mark.parametrize(
    ("options", "cni"),
    [
        ({}, False),
        (IN_FORCE, False),
        ({**IN_FORCE, "istio_injection_namespaces": ["shop"]}, True),
        ({**IN_FORCE, "todo_variant": "istio"}, True),
        ({**IN_FORCE, "todo_istio_injection": "true"}, True),
        ({**IN_FORCE, "todo_variant": "istio", "todo_state": "absent"}, False),
        ({"todo_variant": "istio"}, False),
        ({"istio_cni": "true"}, True),
    ],
)
def test_istio_is_told_the_platform_and_brings_its_plugin_for_sidecars(options: dict[str, Any], cni: bool) -> None:
    spec = value("istio", "__istio_operator.spec", **options)
    assert spec["components"]["cni"] == {"enabled": cni, "namespace": "kube-system"}
    platform = spec["values"]["global"].get("platform")
    assert platform == ("openshift" if "__serverless_release" in options else None)
