# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that there are, in the order in which they are told; docs/verify.md has the table for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import (
    api_server,
    application,
    brokers,
    certificates,
    clocks,
    domain,
    events,
    gateway,
    image_pull,
    injection,
    metrics,
    name_service,
    nodes,
    pull_secret,
    serving,
    split,
    workloads,
)
from .facts import Fact
from .scene import EVENTING, SERVING, Scene
from .workspace import Workspace


@dataclass(frozen=True)
class Question:
    """`does` completes 'verification would ...'. It is asked by `quick` in the short form, and in the full form by
    `full`, else by `probing`, which needs what verification makes on the cluster, else by `quick`. `part` is what it is
    about, where that may be missing."""

    name: str
    does: str
    quick: Callable[[Scene], Fact] | None = None
    full: Callable[[Scene], Fact] | None = None
    probing: Callable[[Scene, Workspace], Fact] | None = None
    part: str = ""

    @property
    def writes(self) -> bool:
        return self.probing is not None


QUESTIONS = (
    Question(api_server.NAME, "ask the API server whether it is ready", api_server.ask),
    Question(nodes.NAME, "read the nodes and count those that are Ready", nodes.ask_quickly, full=nodes.ask),
    Question(clocks.NAME, "compare the clocks of nodes, API server and this machine", clocks.ask),
    Question(metrics.NAME, "read the figures of all nodes and their age", metrics.ask),
    Question(workloads.NAME, "read whether the pods of every part serve", workloads.ask),
    Question(certificates.NAME, "read when the certificates of webhooks and gateway end", certificates.ask),
    Question(injection.NAME, "have the API server rehearse a pod, to see its sidecar", injection.ask),
    Question(gateway.NAME, "send requests to the gateway", gateway.ask),
    Question(domain.NAME, "compare Knative's domain with the inventory's", domain.ask),
    Question(pull_secret.NAME, "look for the pull secret, and for whose it is", pull_secret.ask),
    # Those of others are nothing that the end of site.yml may fail by, so the short form leaves them out
    Question(brokers.NAME, "read whether Brokers and Triggers are Ready", full=brokers.ask),
    Question(application.NAME, "send requests to the to-do application", application.ask_quickly, full=application.ask),
    Question(image_pull.NAME, "run a pod for which a node pulls an image", probing=image_pull.ask),
    Question(name_service.NAME, "run a pod that resolves a name of the cluster", probing=name_service.ask),
    Question(
        events.NAME, "send an event through a Broker of its own, and its answer back", probing=events.ask, part=EVENTING
    ),
    Question(split.NAME, "count which version of user answers", full=split.ask),
    Question(
        serving.NAME, "make a Knative service, and ask it from zero pods and warm", probing=serving.ask, part=SERVING
    ),
)
WIDTH = max(len(question.name) for question in QUESTIONS)


def questions(full: bool) -> list[Question]:
    """Those of a form of verification."""
    return [question for question in QUESTIONS if full or question.quick]
