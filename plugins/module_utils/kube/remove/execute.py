# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the steps of what leaves, in the order in which nothing is left hanging."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
from .pods import Hastening

LEAVING = (Action.DELETE, Action.GIVE_BACK, Action.WAIT_GONE)
# The dependents of these (pods, revisions...) must be gone too before the next wave.
FOREGROUND_KINDS = WORKLOAD_KINDS - {"APIService"}
# Nothing depends on the order of these two, and both take seconds: they are waited for together.
LAST = (Wave.DEFINITIONS, Wave.NAMESPACES)

Tell = Callable[[str], None]
Kind = tuple[str, str]  # group and kind


def carry_out(
    cluster: Cluster,
    release: str,
    steps: list[Step],
    deadline: Deadline,
    progress: Tell,
    inhabited: Inhabited | None = None,
    grace_seconds: int | None = None,
) -> None:
    """Delete and give back, each wave gone before the next. Raises ReleaseError naming what holds, or what is refused.

    Steps of other actions than delete, give back and wait until gone are left out. `inhabited` is that of the plan:
    what others have brought into a namespace since then keeps it, which is an error at the end. `grace_seconds` is what
    pods of the workloads get at most to end; None: what they ask for.
    """
    waves: dict[Wave, list[Step]] = {wave: [] for wave in Wave}
    for step in steps:
        if step.action in LEAVING:
            waves[wave_of(release, step)].append(step)
    kinds = _kinds_that_go(waves[Wave.DEFINITIONS])
    found: dict[str, str] = {}
    for wave in Wave:
        if wave is Wave.WEBHOOKS:  # from here on the controllers go
            definitions = [step for step in waves[Wave.DEFINITIONS] if step.action is not Action.GIVE_BACK]
            await_instances_gone(cluster, release, definitions, _later_uids(waves), deadline, progress)
        if wave is Wave.DEFINITIONS and inhabited:  # the lists of kinds that go do not answer for a moment
            found = inhabited(_namespaces_that_go(waves[Wave.NAMESPACES]), deadline)
            waves[Wave.NAMESPACES] = [step for step in waves[Wave.NAMESPACES] if step.ref.name not in found]
        hastening = None
        if wave is Wave.WORKLOADS and waves[wave] and grace_seconds is not None:
            hastening = Hastening(cluster, waves[wave], grace_seconds, deadline)
        _write(cluster, release, waves[wave], kinds if wave is Wave.CUSTOM else set(), deadline, progress)
        if wave not in LAST:
            await_gone(cluster, release, waves[wave], deadline, progress, hastening)
    await_gone(cluster, release, [step for wave in LAST for step in waves[wave]], deadline, progress)
    if any(step.action is not Action.GIVE_BACK for step in waves[Wave.DEFINITIONS]):
        cluster.discovery.refresh(deadline)
    if found:
        texts = "; ".join(f"Namespace {name}: {text}" for name, text in sorted(found.items()))
        raise ReleaseError(
            f"removing release '{release}': something came while it ran, so that these are left in place: {texts}. "
            "Run the removal again, which decides about it"
        )


def _namespaces_that_go(steps: list[Step]) -> list[str]:
    return [step.ref.name for step in steps if step.action is Action.DELETE]


def _kinds_that_go(definitions: list[Step]) -> set[Kind]:
    specs = [step.live["spec"] for step in definitions if step.live and step.action is not Action.GIVE_BACK]
    return {(spec["group"], spec["names"]["kind"]) for spec in specs}


def _later_uids(waves: dict[Wave, list[Step]]) -> set[str]:
    """What is deleted after the custom resources: an object that one of these owns goes with it."""
    return {uid_of(step.live) for wave in Wave if wave >= Wave.WEBHOOKS for step in waves[wave]}


def _write(
    cluster: Cluster, release: str, steps: list[Step], kinds: set[Kind], deadline: Deadline, progress: Tell
) -> None:
    """`kinds` are those of the CRDs that go, see `_propagation`."""
    errors = for_each(
        lambda of_object: _write_object(cluster, of_object, kinds, deadline, progress),
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


def _write_object(cluster: Cluster, steps: list[Step], kinds: set[Kind], deadline: Deadline, progress: Tell) -> None:
    for step in steps:
        try:
            if step.action is Action.DELETE:
                _delete(cluster, step, kinds, deadline)
            else:
                send_back(cluster, step, deadline)
        except ApiError as error:
            if not error.is_of_another_object:
                raise ReleaseError(explain(step.ref, error)) from error
            progress(f"{step.ref} is another object by now and is left alone")


def _delete(cluster: Cluster, step: Step, kinds: set[Kind], deadline: Deadline) -> None:
    ref = step.ref
    cluster.delete(
        ref.api_version,
        ref.kind,
        ref.name,
        ref.namespace,
        uid=uid_of(step.live),
        propagation=_propagation(ref, kinds),
        deadline=deadline,
    )


def _propagation(ref: ObjectRef, kinds: set[Kind]) -> str:
    """Foreground where what an object owns must be gone before it.

    Not for our own objects of kinds that go: all objects of these kinds are waited for anyway, and the garbage
    collector is slow with kinds that come and go (it learns of them every 30 s).
    """
    custom = is_custom(ref.api_version) and (ref.group, ref.kind) not in kinds
    return "Foreground" if custom or ref.kind in FOREGROUND_KINDS else "Background"
