# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the steps of what leaves, in the order in which nothing is left hanging."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..desired.stages import WORKLOAD_KINDS, is_custom
from ..errors import ApiError, ReleaseError
from ..inventory.ownership import uid_of
from ..objects import ObjectRef
from ..parallel import for_each
from ..plan.leaving.waves import Wave, wave_of
from ..plan.plan import Action, Inhabited, Step
from ..plan.refusals import explain
from .give_back import send_back
from .gone import await_gone, await_instances_gone
from .pods import dismantle, pods_below, pods_of

LEAVING = (Action.DELETE, Action.GIVE_BACK, Action.WAIT_GONE)
# The dependents of these (pods, revisions...) must be gone too before the next wave.
FOREGROUND_KINDS = WORKLOAD_KINDS - {"APIService"}
# Nothing depends on the order of these two, and both take seconds: they are waited for together.
LAST = (Wave.DEFINITIONS, Wave.NAMESPACES)

Tell = Callable[[str], None]
Kind = tuple[str, str]  # group and kind
Manner = Callable[[ObjectRef], dict[str, Any]]  # how an object is deleted: arguments for Cluster.delete


def carry_out(
    cluster: Cluster,
    release: str,
    steps: list[Step],
    deadline: Deadline,
    progress: Tell,
    inhabited: Inhabited | None = None,
    *,
    grace_seconds: int | None = None,
    record: Callable[[list[Step]], None] = lambda parts: None,
    freed: Callable[[], None] = lambda: None,
) -> None:
    """Delete and give back, each wave gone before the next. Raises ReleaseError naming what holds, or what is refused.

    Steps of other actions than delete, give back and wait until gone are left out. `inhabited` is that of the plan:
    what others have brought into a namespace since then keeps it, which is an error at the end. `grace_seconds` is what
    pods of deployments get at most to end; None: what they ask for. `record` is told of objects that will be without an
    owner for a moment, before they are. `freed` is called once no custom resource of the release is left.
    """
    waves: dict[Wave, list[Step]] = {wave: [] for wave in Wave}
    for step in steps:
        if step.action in LEAVING:
            waves[wave_of(release, step)].append(step)
    kinds = _kinds_that_go(waves[Wave.DEFINITIONS])
    found: dict[str, str] = {}
    pods: list[Step] | None = None
    for wave in Wave:
        if wave is Wave.WEBHOOKS:  # from here on the controllers go
            definitions = [step for step in waves[Wave.DEFINITIONS] if step.action is not Action.GIVE_BACK]
            await_instances_gone(cluster, release, definitions, _later_uids(waves), deadline, progress)
            freed()
            await_gone(cluster, release, pods or [], deadline, progress)
        if wave is Wave.DEFINITIONS and inhabited:  # the lists of kinds that go do not answer for a moment
            found = inhabited(_namespaces_that_go(waves[Wave.NAMESPACES]), deadline)
            waves[Wave.NAMESPACES] = [step for step in waves[Wave.NAMESPACES] if step.ref.name not in found]
        manner = _usual()
        if wave is Wave.CUSTOM:
            if not (waves[Wave.DEFINITIONS] or waves[Wave.WEBHOOKS]):
                # No controller of this release is needed for what they own: only the pods must be gone before the rest.
                pods = pods_below(cluster, waves[wave], deadline)
            manner = _usual(kinds if pods is None else {_kind_of(step.ref) for step in waves[wave]})
        if wave is Wave.WORKLOADS and grace_seconds is not None:
            waves[wave] = _end_deployments(cluster, release, waves[wave], grace_seconds, record, deadline, progress)
        _write(cluster, release, waves[wave], deadline, progress, manner)
        if wave not in LAST:
            await_gone(cluster, release, waves[wave], deadline, progress)
    await_gone(cluster, release, [step for wave in LAST for step in waves[wave]], deadline, progress)
    if any(step.action is not Action.GIVE_BACK for step in waves[Wave.DEFINITIONS]):
        cluster.discovery.refresh(deadline)
    if found:
        texts = "; ".join(f"Namespace {name}: {text}" for name, text in sorted(found.items()))
        raise ReleaseError(
            f"removing release '{release}': something came while it ran, so that these are left in place: {texts}. "
            "Run the removal again, which decides about it"
        )


def _end_deployments(
    cluster: Cluster,
    release: str,
    steps: list[Step],
    grace_seconds: int,
    record: Callable[[list[Step]], None],
    deadline: Deadline,
    progress: Tell,
) -> list[Step]:
    """Delete the deployments among `steps` so that their pods get the seconds, and give the steps that are left.

    Where the cluster does not let us, that is all of them: pods then take the time that they ask for.
    """
    found = dismantle(cluster, release, steps, deadline)
    if found is None:
        return steps
    record(found.parts)
    for level in (found.deployments, found.replica_sets):
        _write(cluster, release, level, deadline, progress, lambda ref: {"propagation": "Orphan"})
        await_gone(cluster, release, level, deadline, progress)
    pods = pods_of(cluster, found.replica_sets, deadline)
    _write(cluster, release, pods, deadline, progress, lambda ref: {"grace_seconds": grace_seconds})
    done = {step.ref for step in found.deployments}
    return [step for step in steps if step.ref not in done] + [replace(pod, action=Action.WAIT_GONE) for pod in pods]


def _namespaces_that_go(steps: list[Step]) -> list[str]:
    return [step.ref.name for step in steps if step.action is Action.DELETE]


def _kinds_that_go(definitions: list[Step]) -> set[Kind]:
    specs = [step.live["spec"] for step in definitions if step.live and step.action is not Action.GIVE_BACK]
    return {(spec["group"], spec["names"]["kind"]) for spec in specs}


def _later_uids(waves: dict[Wave, list[Step]]) -> set[str]:
    """What is deleted after the custom resources: an object that one of these owns goes with it."""
    return {uid_of(step.live) for wave in Wave if wave >= Wave.WEBHOOKS for step in waves[wave]}


def _write(
    cluster: Cluster, release: str, steps: list[Step], deadline: Deadline, progress: Tell, manner: Manner
) -> None:
    errors = for_each(
        lambda of_object: _write_object(cluster, of_object, manner, deadline, progress),
        _by_object(step for step in steps if step.action.writes),
        lambda done, total: progress(f"{release}: {done} of {total} object(s) deleted or given back"),
    )[1]
    if errors:
        raise ReleaseError(f"removing release '{release}': " + "\n".join(str(error) for error in errors))


def _by_object(steps: Iterable[Step]) -> list[list[Step]]:
    """Steps on the same object stay together and in order."""
    found: dict[ObjectRef, list[Step]] = {}
    for step in steps:
        found.setdefault(step.ref, []).append(step)
    return list(found.values())


def _write_object(cluster: Cluster, steps: list[Step], manner: Manner, deadline: Deadline, progress: Tell) -> None:
    for step in steps:
        try:
            if step.action is Action.DELETE:
                ref, uid = step.ref, uid_of(step.live)
                cluster.delete(
                    ref.api_version, ref.kind, ref.name, ref.namespace, uid=uid, deadline=deadline, **manner(ref)
                )
            else:
                send_back(cluster, step, deadline)
        except ApiError as error:
            if not error.is_of_another_object:
                raise ReleaseError(explain(step.ref, error)) from error
            progress(f"{step.ref} is another object by now and is left alone")


def _usual(in_background: Iterable[Kind] = ()) -> Manner:
    """Foreground where what an object owns must be gone before it.

    Custom resources of the kinds `in_background` excepted: those of kinds that go are waited for anyway, all of them,
    and the garbage collector is slow with kinds that come and go (it learns of them every 30 s).
    """
    excepted = frozenset(in_background)

    def manner(ref: ObjectRef) -> dict[str, Any]:
        custom = is_custom(ref.api_version) and _kind_of(ref) not in excepted
        return {"propagation": "Foreground" if custom or ref.kind in FOREGROUND_KINDS else "Background"}

    return manner


def _kind_of(ref: ObjectRef) -> Kind:
    return (ref.group, ref.kind)
