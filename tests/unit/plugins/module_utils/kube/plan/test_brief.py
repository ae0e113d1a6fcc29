"""Long plans are told by kind, short ones in whole."""

from __future__ import annotations

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.brief import MOST_NAMED, brief, counted
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import (
    UNCHANGED,
    Action,
    Plan,
    Step,
)


def steps(action: Action, kind: str, number: int, reason: str = "it is not there") -> list[Step]:
    return [Step(action, ObjectRef("v1", kind, "home", f"{kind.lower()}-{one}"), reason) for one in range(number)]


def test_a_long_plan_is_counted_by_action_and_kind() -> None:
    plan = Plan("web", [*steps(Action.CREATE, "Service", 1), *steps(Action.CREATE, "Deployment", 12)])
    plan.steps += [*steps(Action.DELETE, "Pod", 2), *steps(Action.WAIT_GONE, "Secret", 1)]
    plan.steps += steps(Action.KEEP, "Namespace", 3, UNCHANGED)
    assert brief(plan) == [
        "would create 12 Deployments, 1 Service",
        "would delete 2 Pods",
        "would wait until gone: 1 Secret",
        "3 object(s) unchanged; --diff or -v names each",
    ]


def test_what_touches_others_and_what_stays_is_named() -> None:
    taken = Step(Action.CHANGE, ObjectRef("v1", "ConfigMap", "home", "a"), "it differs", takes=("helm: .data.x",))
    plan = Plan("web", [*steps(Action.ADOPT, "Role", 20), taken, *steps(Action.KEEP, "Namespace", 1, "others use it")])
    counts, changed, stays, last = brief(plan)
    assert counts == "would adopt 20 Roles" and last.startswith("0 object(s) unchanged")
    assert "ConfigMap home/a" in changed and "takes helm: .data.x" in changed
    assert "Namespace home/namespace-0: others use it" in stays


def test_a_short_plan_names_all() -> None:
    plan = Plan("web", steps(Action.CREATE, "Service", MOST_NAMED))
    assert brief(plan) == plan.lines() and "Service home/service-0" in brief(plan)[0]
    assert "service-0" not in "".join(brief(Plan("web", steps(Action.CREATE, "Service", MOST_NAMED + 1))))


def test_many_kinds_take_several_lines() -> None:
    plan = Plan("web", [step for one in range(30) for step in steps(Action.CREATE, f"SomeLongKind{one}x", 1)])
    lines = brief(plan)
    assert len(lines) > 3 and all(len(line) <= 118 for line in lines)


def test_kinds_have_their_plural() -> None:
    kinds = ["NetworkPolicy", "Gateway", "Ingress", "Endpoints", "DestinationRule"]
    expected = "2 NetworkPolicies, 2 Gateways, 2 Ingresses, 2 Endpoints, 2 DestinationRules"
    assert counted(kinds * 2) == expected
    assert counted(["NetworkPolicy"]) == "1 NetworkPolicy"
