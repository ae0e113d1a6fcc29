"""Part d: what a task costs, what a converged run asks of the API server, and how soon a wait sees that it is over."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.waiting import wait_for

from .site_api import MERGE
from .site_cycle import converged
from .site_documents import PARTS, load
from .site_figures import Figure, percentile
from .site_labs import Site

FEW, MANY = 10, 110
CONTEXT, NAMESPACE = "lab", "default"
SAMPLES = 60  # at least 40 make a p95
# Seconds from the start of a wait until what it waits for comes true: it has listed and watches by then
SOONEST, LATEST = 0.5, 2.0
CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
# A kind with conditions that nobody else writes: Knative's record of images to cache
IMAGES = f"/apis/caching.internal.knative.dev/v1alpha1/namespaces/{NAMESPACE}/images"
NAME = "bench-site"


def measure(site: Site, rounds: int) -> list[Figure]:
    """All three; the site stands."""
    return [_marginal(site, rounds), *_requests(site, rounds), *_wake_ups(site)]


def _marginal(site: Site, rounds: int) -> Figure:
    """Milliseconds that one task more takes: a wait for what is there, which asks the server once."""
    few, many = (_plays(site, count) for count in (FEW, MANY))
    milliseconds = []
    for _round in range(rounds):
        short, long = (site.playbook(str(path)).seconds for path in (few, many))
        milliseconds.append((long - short) / (MANY - FEW) * 1000)
    return Figure("one task more", "ms", tuple(milliseconds), at_most=40)


def _plays(site: Site, count: int) -> Path:
    there = {"api_version": "v1", "kind": "Namespace", "name": NAMESPACE}
    place = {"context": CONTEXT, "kubeconfig": str(site.kubeconfig)}
    task = {"name": "Wait", "selfhosted.serverless.wait": {"for": [there], **place}}
    path = site.folder / f"tasks-{count}.json"
    play = {"hosts": "clusters", "connection": "local", "gather_facts": False, "tasks": [task] * count}
    path.write_text(json.dumps([play]))
    return path


def _requests(site: Site, rounds: int) -> list[Figure]:
    """Requests of a converged run for each object that is rendered, and the writes among them."""
    objects = sum(len(load(site.work / file)) for file in PARTS.values())
    runs = [site.requests(converged(site)) for _round in range(rounds)]
    for run in runs:
        for write in run.writes:
            print(f"  written by a converged run: {write}", flush=True)
    return [
        Figure("requests for an unchanged object", "", tuple(run.count / objects for run in runs), at_most=2),
        Figure("writes of a converged run", "", tuple(float(len(run.writes)) for run in runs), at_most=0),
    ]


def _wake_ups(site: Site) -> list[Figure]:
    """Milliseconds from the request that makes a condition true until the wait for it has returned."""
    api, cluster = site.api(), Cluster.connect(CONTEXT, str(site.kubeconfig))
    config_map = {"metadata": {"name": NAME}, "data": {"state": "closed"}}
    image = {
        "apiVersion": "caching.internal.knative.dev/v1alpha1",
        "kind": "Image",
        "metadata": {"name": NAME},
        "spec": {"image": "example.com/none"},
    }
    condition = Target(image["apiVersion"], "Image", NAMESPACE, NAME, condition="Ready")
    expression = Target("v1", "ConfigMap", NAMESPACE, NAME, expression="data.state == 'open'")
    api.ask("POST", CONFIG_MAPS, config_map)
    api.ask("POST", IMAGES, image)

    def data(true: bool) -> None:
        api.ask("PATCH", f"{CONFIG_MAPS}/{NAME}", {"data": {"state": "open" if true else "closed"}}, MERGE)

    def status(true: bool) -> None:
        conditions = [{"type": "Ready", "status": "True" if true else "Unknown"}]
        api.ask("PATCH", f"{IMAGES}/{NAME}/status", {"status": {"conditions": conditions}}, MERGE)

    try:
        samples = [
            _wake_up(cluster, target, turn)
            for _pair in range(SAMPLES // 2)
            for target, turn in ((expression, data), (condition, status))
        ]
    finally:
        api.ask("DELETE", f"{CONFIG_MAPS}/{NAME}", missing=True)
        api.ask("DELETE", f"{IMAGES}/{NAME}", missing=True)
    return [
        Figure("wake-up of a wait, p95", "ms", tuple(samples), at_most=250, value=percentile(samples, 95)),
        Figure("wake-up of a wait, median", "ms", tuple(samples)),
    ]


def _wake_up(cluster: Cluster, target: Target, turn: Callable[[bool], Any]) -> float:
    turn(False)
    woken: list[float] = []

    def wait() -> None:
        wait_for(cluster, [target], Deadline(60), lambda _line: None)
        woken.append(time.monotonic())

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(random.uniform(SOONEST, LATEST))
    if woken:
        raise SystemExit(f"bench: the wait for {target} was over before that was true")
    begin = time.monotonic()
    turn(True)
    thread.join(60)
    if not woken:
        raise SystemExit(f"bench: the wait for {target} did not end")
    return (woken[0] - begin) * 1000
