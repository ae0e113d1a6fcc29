# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the server whether what leaves may be deleted and given back: permissions and webhooks decide about that too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...client.backoff import worth_rehearsing_again
from ...client.cluster import Cluster
from ...deadline import Deadline
from ...desired.stages import POLICY_KINDS, WEBHOOK_KINDS
from ...errors import ApiError, ReleaseError
from ...inventory.ownership import uid_of
from ...parallel import for_each
from ..hanging_webhooks import HangingWebhooks
from ..plan import Action, Blocker, Plan, Step
from ..refusals import reason_of, remedy_of, unjudged_because

REHEARSED = (Action.DELETE, Action.GIVE_BACK)
REFUSALS = frozenset({400, 403, 422})  # what another moment of the same run does not change


def ask_the_server(cluster: Cluster, plan: Plan, before: Iterable[Plan], role: str, deadline: Deadline) -> None:
    """Dry runs of the plan's deletions and returns: a step that the server refuses becomes a blocker, one that nobody
    can judge before the run says so. What webhooks say that go with it, or by the plans `before`, does not count.
    Raises ReleaseError where no answer can be had.
    """
    going = {quoted for one in (*before, plan) for quoted in _rules_that_go(one)}
    webhooks = HangingWebhooks(cluster)

    def judge(step: Step) -> tuple[Step, Blocker | None]:
        if step.action not in REHEARSED:
            return step, None
        try:
            webhooks.ask(lambda: _dry_run(cluster, step, deadline))
        except ApiError as error:
            return _judged(step, error, role, going)
        return step, None

    judged, errors = for_each(judge, plan.steps)
    if errors:
        raise ReleaseError.of(f"release '{plan.release}', rehearsing its removal", errors)
    plan.steps = [step for step, _blocker in judged]
    plan.blockers += [blocker for _step, blocker in judged if blocker]


def _dry_run(cluster: Cluster, step: Step, deadline: Deadline) -> None:
    ref = step.ref
    if step.action is Action.DELETE:
        where = (ref.api_version, ref.kind, ref.name, ref.namespace)
        cluster.delete(*where, uid=uid_of(step.live), dry_run=True, deadline=deadline, retry_if=worth_rehearsing_again)
    elif step.document is not None:
        cluster.apply(
            step.document,
            manager=step.manager,
            force=True,
            dry_run=True,
            deadline=deadline,
            retry_if=worth_rehearsing_again,
        )


def _judged(step: Step, error: ApiError, role: str, going: set[str]) -> tuple[Step, Blocker | None]:
    why = unjudged_because(error)
    if why:
        return replace(step, reason=f"{step.reason}; cannot be judged before the run: {why}"), None
    passes = error.status not in REFUSALS or error.is_of_another_object or error.is_namespace_terminating
    # What a webhook or policy of the release itself says does not count: it goes before most of what it guards.
    if passes or (error.is_policy_denial and any(quoted in error.message for quoted in going)):
        return step, None  # such as an object that has gone meanwhile, or is another one by now
    return step, Blocker(str(step.ref), reason_of(error), remedy_of(error, role))


def _rules_that_go(plan: Plan) -> set[str]:
    """The webhooks and admission policies that go, as a denial quotes them."""
    lives = [step.live for step in plan.of(Action.DELETE) if step.live]
    configurations = [live for live in lives if live["kind"] in WEBHOOK_KINDS]
    hooks = {f'"{hook["name"]}"' for live in configurations for hook in live.get("webhooks") or []}
    return hooks | {f"'{live['metadata']['name']}'" for live in lives if live["kind"] in POLICY_KINDS}
