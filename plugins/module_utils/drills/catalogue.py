# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drills that there are: what each shows, and the variants of the application that it is made for."""

from __future__ import annotations

from dataclasses import dataclass

from .application import ISTIO, KNATIVE, KUBERNETES


@dataclass(frozen=True)
class Drill:
    """`title` heads the result, `does` completes the sentence 'the drill would ...'."""

    variants: tuple[str, ...]
    title: str
    does: str


DRILLS = {
    "scale_out": Drill(
        (KUBERNETES, ISTIO),
        "web from 1 pod to 3 and back",
        "send requests to web until its autoscaler has gone from 1 pod to 3, stop, and wait until it is back at 1",
    ),
    "pod_loss": Drill(
        (KUBERNETES, ISTIO),
        "a pod of web deleted under requests",
        "keep two pods of web, send requests at a fixed rate, delete one pod and wait until it is replaced",
    ),
    "traffic": Drill(
        (ISTIO, KNATIVE),
        "user shifted from v1 to v2",
        "shift the requests to user from v1 to v2 in steps, count the answers of each, and put the shares back",
    ),
    "cold_start": Drill(
        (KNATIVE,),
        "from no pods to the first answer",
        "wait until user and rule have no pods, and compare their first answers with those of warm pods",
    ),
    "bad_version": Drill(
        (KUBERNETES, ISTIO, KNATIVE),
        "a version of rule that never gets ready",
        "roll out a version of rule that cannot reach its database, send requests all along, and roll back",
    ),
    "topology": Drill(
        (ISTIO, KNATIVE),
        "the way of the requests",
        "send a known number of requests, and draw their way with the numbers that Kiali and Knative have of them",
    ),
}


def listing() -> list[str]:
    """One line for each drill."""
    return [f"{name} ({', '.join(drill.variants)}): {drill.does}" for name, drill in DRILLS.items()]
