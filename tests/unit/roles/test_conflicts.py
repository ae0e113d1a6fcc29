"""What a refusal advises, every role has: it passes its options on wherever it applies something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.refusals import conflict_remedy, remedy_of

ROLES = Path(__file__).resolve().parents[3] / "roles"
ACTION = "selfhosted.serverless.release"


def _releases(tasks: Any) -> list[dict[str, Any]]:
    """The arguments of the action in tasks and blocks, those that remove something left out."""
    found = []
    for task in tasks or []:
        if ACTION in task and task[ACTION].get("state") != "absent":
            found.append(task[ACTION])
        for part in ("block", "rescue", "always"):
            found += _releases(task.get(part))
    return found


CASES = [
    pytest.param(path.parents[1].name, arguments, id=f"{path.parents[1].name}/{path.name}")
    for path in sorted(ROLES.glob("*/tasks/*.yml"))
    for arguments in _releases(yaml.safe_load(path.read_text()))
]


@pytest.mark.parametrize(("role", "arguments"), CASES)
def test_the_options_that_settle_a_conflict_reach_the_action(role: str, arguments: dict[str, Any]) -> None:
    options = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".data.x"}
    ref, sent = ObjectRef("v1", "ConfigMap", "n", "a"), {"data": {"x": "1"}}
    conflict = ApiError("PATCH", "/x", 409, "Conflict", "", [cause])
    mismatch = ApiError("PATCH", "/x", 500, "", ".x: field not declared in schema")
    assert arguments["role"] == role
    advised = conflict_remedy(ref, conflict, sent, role) + " " + remedy_of(mismatch, role)
    words = {word.strip("(),;:.") for word in advised.split()}
    named = {word for word in words if word.startswith(f"{role}_")}
    assert named == {f"{role}_ignore_fields", f"{role}_force_conflicts"} and named <= set(options["options"])
    assert arguments["ignore_fields"] == f"{{{{ {role}_ignore_fields }}}}"
    assert arguments["force_conflicts"] == f"{{{{ {role}_force_conflicts | bool }}}}"


def test_every_role_that_applies_something_is_looked_at() -> None:
    roles = {case.values[0] for case in CASES}
    assert roles >= {"image_prefetch", "istio", "knative", "metrics_server", "registry_secret", "todo"}
