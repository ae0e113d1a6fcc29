# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Istio puts its sidecar into pods.

A server-side dry run of a pod shows the injector's whole work, for that is done when a pod is admitted: the API server
calls it and answers with the pod as it would be. Nothing is stored, so namespaces of others can be asked. That a
sidecar then starts and gets its configuration is shown by the gateway, which has the same image and control plane.
"""

from __future__ import annotations

import time

from ..kube.client.backoff import worth_rehearsing_again
from ..kube.errors import ApiError
from ..kube.objects import Document
from ..openshift.scc import are_in_force, without_fixed_ids
from ..site.summary import count
from .facts import Fact, fails, holds, skipped
from .measure import milliseconds, thousandths
from .probe import pod
from .scene import ISTIO, Scene
from .workloads import behind

NAME = "injection"
PROXY = "istio-proxy"
_MOST = 5  # namespaces that are asked
_ANYWHERE = "default"
_LABEL = "sidecar.istio.io/inject"
_INJECTOR = "sidecar-injector.istio.io"  # the end of the names of its webhooks
_CONFIGURATIONS = ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", None, "app=sidecar-injector")


def ask(scene: Scene) -> Fact:
    """A dry run in each namespace that asks for sidecars, or else, by the pod's own label, in `default`."""
    if not scene.installed(ISTIO):
        return skipped(NAME, "Istio is not installed")
    if not scene.runs_pods:
        return skipped(NAME, "no node of this cluster runs pods")
    configurations = scene.cluster.list(*_CONFIGURATIONS, deadline=scene.seconds(10))
    wanted = _asking(scene, _revisions(configurations))
    places = wanted[:_MOST] or [_ANYWHERE]
    done, without, unjudged = [], [], []
    begin = time.monotonic()
    for namespace in places:
        try:
            has = _has_sidecar(_rehearsed(scene, namespace, by_label=not wanted))
        except ApiError as error:
            if not error.is_webhook_failure or _INJECTOR not in error.message:
                unjudged.append(f"{namespace}: {error.message}")
                continue
            without.append(f"a pod in {namespace} is refused: {error.message}")
            continue
        if has:
            done.append(namespace)
        else:
            without.append(f"a pod in {namespace} gets no sidecar")
    seconds = (time.monotonic() - begin) / len(places)
    asked = len(done) + len(without)
    text = f"sidecars in {len(done)} of {count(asked, 'namespace')} asked, {milliseconds(seconds)} each"
    if len(wanted) > _MOST:
        text += f", {len(wanted)} want them"
    if unjudged:
        text += f"; not judged, for others refuse the pod: {'; '.join(unjudged)}"
    figures = {"injected": done, "asked": places, "milliseconds": thousandths(seconds)}
    if not asked:
        return skipped(NAME, f"not judged, for others refuse the pod: {'; '.join(unjudged)}")
    if without:
        off = "" if configurations else "there is no MutatingWebhookConfiguration of Istio's injector"
        cause = "; ".join([*without, *filter(None, (off, behind(scene, _control_planes(scene))))])
        return fails(NAME, text, cause, "run site.yml --tags istio", **figures)
    return holds(NAME, text, **figures)


def _asking(scene: Scene, revisions: set[str]) -> list[str]:
    """The namespaces whose labels ask for sidecars of a revision that is here, those that are going left out."""
    found = set()
    for selector in ("istio-injection=enabled", "istio.io/rev,!istio-injection"):
        for item in scene.cluster.list("v1", "Namespace", label_selector=selector, deadline=scene.seconds(10)):
            labels = item["metadata"].get("labels") or {}
            is_served = "istio-injection" in labels or labels["istio.io/rev"] in revisions
            if is_served and not item["metadata"].get("deletionTimestamp"):
                found.add(item["metadata"]["name"])
    return sorted(found)


def _revisions(configurations: list[Document]) -> set[str]:
    """The revisions and tags that the injector's configurations are for."""
    labels = [item["metadata"].get("labels") or {} for item in configurations]
    return {entry[key] for entry in labels for key in ("istio.io/rev", "istio.io/tag") if entry.get(key)}


def _rehearsed(scene: Scene, namespace: str, by_label: bool) -> Document:
    """The pod as it would be stored. Raises ApiError."""
    wanted = pod("verify-injection", namespace, "example.invalid/none:1", ["/none"])
    if are_in_force(scene.cluster, scene.seconds(15)):
        wanted = without_fixed_ids(wanted)
    wanted["metadata"]["labels"] = {_LABEL: "true"} if by_label else {}
    return scene.cluster.create(wanted, dry_run=True, deadline=scene.seconds(15), retry_if=worth_rehearsing_again)


def _has_sidecar(live: Document) -> bool:
    """Whether it is there, as a container or as an init container that goes on (KEP-753)."""
    spec = live["spec"]
    return PROXY in {item["name"] for item in [*spec["containers"], *(spec.get("initContainers") or [])]}


def _control_planes(scene: Scene) -> list[tuple[str, str]]:
    found = scene.cluster.list("apps/v1", "Deployment", label_selector="app=istiod", deadline=scene.seconds(10))
    return [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found] or [("istio-system", "istiod")]
