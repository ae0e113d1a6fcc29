# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All questions of a form, one after the other; what goes wrong with one does not keep the others from being asked."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..drills.errors import DrillError
from ..images.errors import ImageError
from ..kube.errors import KubeError
from . import api_server
from .catalogue import WIDTH, Question, questions
from .facts import Fact, details, fails, line, skipped
from .scene import Scene
from .workspace import Workspace

# What asking may raise that says something about the site
TROUBLES = (KubeError, ImageError, DrillError, OSError, ValueError, KeyError, TypeError)


def verify(scene: Scene, full: bool) -> list[Fact]:
    """The facts, told one by one as they are known. Raises VerifyError where it cannot be made, Interrupted."""
    wanted = questions(full)
    first = _asked(scene, wanted[0].name, wanted[0].quick)
    if not first.ok and not first.figures:
        # Without an API server every other question would only take its time to say the same.
        rest = [skipped(question.name, f"not asked: {api_server.NAME} does not answer") for question in wanted[1:]]
        return [first, *(_told(scene, fact) for fact in rest)]
    if not full:
        return [first, *(_asked(scene, question.name, question.quick) for question in wanted[1:])]
    if not scene.runs_pods:
        return [first, *(_of_no_pods(scene, question) for question in wanted[1:])]
    with Workspace(scene) as workspace:
        workspace.fill()
        return [first, *(_full(scene, workspace, question) for question in wanted[1:])]


def _full(scene: Scene, workspace: Workspace, question: Question) -> Fact:
    probing = question.probing
    is_there = not question.part or scene.installed(question.part)
    if probing is not None and workspace.without and is_there:
        return _told(scene, skipped(question.name, workspace.without))
    if probing is not None:
        return _asked(scene, question.name, lambda given: probing(given, workspace))
    return _asked(scene, question.name, question.full or question.quick)


def _of_no_pods(scene: Scene, question: Question) -> Fact:
    if question.probing:
        return _told(scene, skipped(question.name, "no node of this cluster runs pods"))
    return _asked(scene, question.name, question.full or question.quick)


def _asked(scene: Scene, name: str, ask: Callable[[Scene], Fact] | None) -> Fact:
    begin = time.monotonic()
    try:
        fact = ask(scene) if ask else skipped(name, "it is of the full form")
    except TROUBLES as error:
        said = f"{type(error).__name__} {error}" if isinstance(error, (KeyError, TypeError)) else str(error)
        fact = fails(name, "it could not be asked", said, f"see whether the cluster answers: {scene.kubectl} get nodes")
    return _told(scene, fact.taking(time.monotonic() - begin))


def _told(scene: Scene, fact: Fact) -> Fact:
    scene.tell(line(fact, WIDTH))
    for text in details(fact):
        scene.tell(f"{'':7} {'':{WIDTH}}  {text}")
    return fact
