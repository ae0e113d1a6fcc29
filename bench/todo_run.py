"""Asks the to-do services through the gateway, past it, and past queue-proxy; prints rates, p99 and their ratios."""

from __future__ import annotations

import json
import os
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from .processes import installed
from .todo_site import DOMAIN, MARK, NAMESPACE, Lab, Service

TODOS = 10_000
ROUNDS, SECONDS, CONNECTIONS = 5, 3, 8
# Requests of one measurement at the most: reached only by a machine far faster than those this was written on
LIMIT = 40_000
WAYS = ("gateway", "queue-proxy", "pod")
# Method and what follows a service's path; the list is the page that the browser shows first
REQUESTS = {"list": ("GET", "?limit=50"), "create": ("POST", "")}


@dataclass(frozen=True)
class Figures:
    """What a measurement came to: requests a second, and milliseconds until the answer."""

    rate: float
    p50: float
    p99: float


def main() -> int:
    """Run everything; the last line printed is one JSON object."""
    wrk = installed("wrk", "wrk")
    lab = Lab.from_environment()
    load = os.getloadavg()[0]
    with lab.kept_warm(), lab.todos(TODOS) as last:
        services = [
            lab.service("web", "istio-ingressgateway", f"web.{NAMESPACE}.{DOMAIN}", "/api/todos"),
            lab.service("rule", "knative-local-gateway", f"rule.{NAMESPACE}.svc.cluster.local", "/todos"),
        ]
        print(
            f"load average {load:.1f} before; {TODOS} to-dos, {CONNECTIONS} connections; "
            f"medians of {ROUNDS} times {SECONDS} s, alternating\n"
            f"{'service':8} {'request':8} {'way':12} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8}",
            flush=True,
        )
        result: dict[str, object] = {"load_average_before": round(load, 1)}
        for service in services:
            figures = measured(lab, wrk, service, last)
            if lab.pod(service.name)["metadata"]["uid"] != service.pod:
                raise SystemExit(f"bench: the pod of {service.name} was replaced meanwhile")
            result[service.name] = {
                **{request: summary(rounds) for request, rounds in figures.items()},
                "through_activator": service.activator,
            }
    print(json.dumps(result))
    return 0


def measured(lab: Lab, wrk: str, service: Service, last: int) -> dict[str, dict[str, list[Figures]]]:
    """Request -> way -> the figures of each round; the ways alternate, so that all meet the same machine."""
    found: dict[str, dict[str, list[Figures]]] = {}
    for request in REQUESTS:
        rounds: dict[str, list[Figures]] = {way: [] for way in WAYS}
        for number in range(ROUNDS + 1):
            for way in WAYS[number % 3 :] + WAYS[: number % 3]:
                figures = one(lab, wrk, service, request, way)
                if number:  # the round before the first warms up
                    rounds[way].append(figures)
                if request == "create":
                    lab.remove_todos(after=last)
        found[request] = rounds
        for way in WAYS:
            figures = median(rounds[way])
            print(
                f"{service.name:8} {request:8} {way:12} {figures.rate:11.0f} {figures.p50:8.1f} {figures.p99:8.1f}",
                flush=True,
            )
    return found


def one(lab: Lab, wrk: str, service: Service, request: str, way: str) -> Figures:
    """One measurement from inside the lab's network; every request must succeed."""
    method, query = REQUESTS[request]
    script = Path(__file__).with_name("todo.lua")
    body = [json.dumps({"title": f"{MARK}created"})] if method == "POST" else []
    printed = lab.on_node(
        wrk, "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s", "--timeout", "20s",
        "--header", f"Host: {service.host}", "--script", str(script),
        f"http://{service.ways[way]}{service.path}{query}", "--", method, str(LIMIT), *body,
    )  # fmt: skip
    got = json.loads(printed.splitlines()[-1])
    if got["failed"] or not got["requests"] or got["requests"] >= LIMIT:
        raise SystemExit(f"bench: {request} at {service.name} by {way}: {got}, of at most {LIMIT} requests")
    return Figures(got["requests"] / got["microseconds"] * 1e6, got["p50"] / 1000, got["p99"] / 1000)


def median(rounds: list[Figures]) -> Figures:
    """The median of each figure."""
    return Figures(*(statistics.median(getattr(one, name) for one in rounds) for name in ("rate", "p50", "p99")))


def summary(rounds: dict[str, list[Figures]]) -> dict[str, object]:
    """The medians of each way, and what each part costs: how many times fewer requests a second and longer p99.

    A cost is the median of the rounds' ratios: what else the machine does changes from round to round.
    """
    steps = {"gateway": ("gateway", "queue-proxy"), "queue_proxy": ("queue-proxy", "pod"), "both": ("gateway", "pod")}
    ways, overhead = {}, {}
    for way in WAYS:
        of = median(rounds[way])
        ways[way] = {"requests_per_second": round(of.rate, 1), "p50_ms": round(of.p50, 2), "p99_ms": round(of.p99, 2)}
    for name, (long, short) in steps.items():
        pairs = list(zip(rounds[long], rounds[short], strict=True))
        overhead[name] = {
            "requests_per_second": round(statistics.median(by.rate / through.rate for through, by in pairs), 2),
            "p99": round(statistics.median(through.p99 / by.p99 for through, by in pairs), 2),
        }
    return {"ways": ways, "overhead": overhead}


if __name__ == "__main__":
    sys.exit(main())
