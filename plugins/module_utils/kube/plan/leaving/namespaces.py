# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps for namespaces that leave a release. One is deleted only when nobody else has or keeps anything in it."""

from __future__ import annotations

from ...client.cluster import FIELD_MANAGER
from ...deadline import Deadline
from ...inventory.inventory import Entry, holders, residents
from ...inventory.ownership import Origin, is_adopted, is_terminating, uid_of
from ...objects import Document, ObjectRef
from ..plan import Action, Plan, Step
from .give_back import FAMILY, drop_share, give_back, managers_of_ours, pass_on, share_manager
from .namespace_content import Content, namespace_content
from .objects import own_step
from .policy import Scene


def plan_namespaces(scene: Scene, live: dict[Entry, Document], kept: set[str]) -> Plan:
    """Steps for the namespaces; `kept` are those in which the release keeps something."""
    plan = Plan(scene.own.release, inhabited=lambda names, deadline: _inhabited(scene, names, deadline))
    doubtful = []
    for entry, item in sorted(live.items(), key=lambda pair: pair[0].ref):
        if entry.uid and uid_of(item) != entry.uid:
            plan.warnings.append(
                f"{ObjectRef.of(item)} is left alone: somebody has made it anew since, so it is not ours"
            )
        elif (steps := _certain(scene, entry, item, kept)) is None:
            doubtful.append(item)
        else:
            plan.steps += steps
    names = [item["metadata"]["name"] for item in doubtful]
    contents = namespace_content(scene.cluster, names, scene.going, scene.policy.residue, scene.deadline)
    for item in doubtful:
        _by_content(scene, plan, item, contents[item["metadata"]["name"]])
    return plan


def _inhabited(scene: Scene, names: list[str], deadline: Deadline) -> dict[str, str]:
    """What has come into namespaces since they were planned to go."""
    contents = namespace_content(scene.cluster, names, scene.going, scene.policy.residue, deadline)
    return {name: str(content) for name, content in contents.items() if not content.may_go}


def _certain(scene: Scene, entry: Entry, item: Document, kept: set[str]) -> list[Step] | None:
    """The steps that follow from who has the namespace; None when its content decides."""
    ref, name = ObjectRef.of(item), item["metadata"]["name"]
    adopted = entry.origin is Origin.ADOPTED or is_adopted(item)
    if name in kept:
        return [Step(Action.KEEP, ref, "the release keeps objects in it", live=item)]
    if not _is_held_by_us(scene, entry, item):
        return _leave(scene, item)
    if scene.policy.keeps(item) and not adopted:
        return [Step(Action.KEEP, ref, "the option keep says so", live=item)]
    heir = _heir(scene, ref)
    if heir:
        return pass_on(item, heir, f"release '{heir}' has it too") + _drop_stale(scene, item, heir)
    if is_terminating(item):
        step = own_step(scene, item, Action.WAIT_GONE, "")
        return [step] if step and not adopted else []
    if adopted:
        return _return(scene, item, "it was there before the release")
    return None


def _by_content(scene: Scene, plan: Plan, item: Document, content: Content) -> None:
    if content.may_go:
        step = own_step(scene, item, Action.DELETE, "nothing of others is in it")
        plan.steps += [step] if step else []
        return
    plan.steps += _return(scene, item, str(content))
    plan.warnings.append(f"{ObjectRef.of(item)} stays and is given back: {content}")


def _is_held_by_us(scene: Scene, entry: Entry, item: Document) -> bool:
    """True when its label names this release, or one that is gone: the last one that leaves decides."""
    label = scene.holder_of(item)
    if not entry.uid and FIELD_MANAGER not in managers_of_ours(item):
        return False  # somebody else has made it, with our labels
    return label == scene.own.release or (bool(label) and label not in _present(scene))


def _heir(scene: Scene, ref: ObjectRef) -> str:
    """The release that the namespace passes to: one that has it in its inventory, or else has something in it."""
    having = holders(ref.identity, scene.others) or residents(ref.name, scene.others)
    return having[0] if having else ""


def _leave(scene: Scene, item: Document) -> list[Step]:
    """Another release holds the namespace, or nobody of us does any more: only our share goes."""
    if scene.holder_of(item):
        return _drop_stale(scene, item, "")
    return _return(scene, item, "it does not carry our label any more")


def _return(scene: Scene, item: Document, reason: str) -> list[Step]:
    steps = []
    for manager in managers_of_ours(item):
        if manager == FIELD_MANAGER:
            steps.append(give_back(scene.cluster, item, manager, reason, scene.deadline))
        elif manager.removeprefix(FAMILY) not in _present(scene):
            steps.append(drop_share(item, manager, reason))
    return steps


def _drop_stale(scene: Scene, item: Document, heir: str) -> list[Step]:
    """Shares of this release, and of releases that are gone: they would conflict with whoever comes later."""
    names = [name for name in managers_of_ours(item) if name not in (FIELD_MANAGER, share_manager(heir))]
    return [
        drop_share(item, name, f"release '{name.removeprefix(FAMILY)}' leaves it")
        for name in names
        if name.removeprefix(FAMILY) not in _present(scene)
    ]


def _present(scene: Scene) -> set[str]:
    return {inventory.release for inventory in scene.others}
