"""Requests at a fixed rate to a Knative service and to the application while something else happens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.http_client import Address
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.load import Load, Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.shots import Shot

from ..conftest import DOMAIN, NAMESPACE, Site

RATE = 20.0  # requests a second, to each
TIMEOUT = 10.0  # seconds that a request may take
MOST_SECONDS = 1500.0
AROUND = 5.0  # seconds of requests before and after
LEAST = 99.95  # percent that must be answered
GATEWAY = 30080
# A Knative service, and the application from its page's service down to its database
TARGETS = {
    "Knative service": (f"greeter.default.{DOMAIN}", "/"),
    "application": (f"web.{NAMESPACE}.{DOMAIN}", "/api/todos?limit=1"),
}


@dataclass(frozen=True)
class Answered:
    """What became of the requests to one target."""

    target: str
    shots: list[Shot]
    overdue: int

    @property
    def percent(self) -> float:
        """Of those that were due; one that was never sent because none was free counts as lost."""
        return 100 * sum(shot.ok for shot in self.shots) / (len(self.shots) + self.overdue)

    def __str__(self) -> str:
        good = sorted(shot.latency for shot in self.shots if shot.ok)
        errors = Counter(shot.error for shot in self.shots if not shot.ok)
        lost = f", lost: {dict(errors)}" if errors or self.overdue else ""
        return (
            f"{self.target}: {len(good)} of {len(self.shots) + self.overdue} answered ({self.percent:.3f} %), "
            f"p99 {good[int(len(good) * 0.99)]:.2f} s, longest {good[-1]:.2f} s{lost}"
        )


def under_traffic(site: Site, what: str, work: Callable[[], Any]) -> tuple[Any, list[Answered]]:
    """What `work` returns, and what became of the requests meanwhile, which is printed."""
    start = time.monotonic()
    loads = {
        target: Load(
            Address(site.address, GATEWAY, host),
            Plan.at_rate(path, RATE, MOST_SECONDS, TIMEOUT),
            lambda: time.monotonic() - start,
        )
        for target, (host, path) in TARGETS.items()
    }
    for load in loads.values():
        load.start()
    try:
        time.sleep(AROUND)
        result = work()
        time.sleep(AROUND)
    finally:
        ended = {target: load.stop() for target, load in loads.items()}
    found = [Answered(target, shots, loads[target].overdue) for target, shots in ended.items()]
    print(f"\n{what}, {time.monotonic() - start:.0f} s at {RATE:g}/s each:")
    for answered in found:
        print(f"  {answered}")
        for shot in [shot for shot in answered.shots if not shot.ok][:20]:
            print(f"    lost at {shot.scheduled:.1f} s after {shot.done - shot.sent:.2f} s: {shot.error}")
    return result, found
