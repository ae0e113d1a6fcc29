# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the versions of the service user get their shares of requests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..drills.application import KUBERNETES, Application, user_shares
from ..kube.deadline import Deadline
from ..kube.objects import Document
from .application import COLD_SECONDS, found, parts_behind, why_not_asked
from .binomial import bounds
from .facts import Fact, fails, holds, skipped
from .reach import Reply
from .scene import Scene
from .workloads import behind

NAME = "split"
PATH = "/api/user"
_AT_A_TIME = 4
_LONGEST = 90.0  # seconds, after which no further request begins


@dataclass(frozen=True)
class Counted:
    """How many answers came from each version, and how many requests failed how."""

    answers: Mapping[str, int]
    errors: Mapping[str, int]

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


def ask(scene: Scene) -> Fact:
    """Requests through the page's service, as a browser's would go; each answer tells the version that gave it."""
    why_not = why_not_asked(scene)
    if why_not:
        return skipped(NAME, why_not)
    application, way = found(scene)
    shares = _shares(scene, application)
    if not shares:
        return skipped(NAME, "no version of user is there")
    host = application.address.name if application.variant != KUBERNETES else ""
    replies = replies_of(lambda: way.get(PATH, host, COLD_SECONDS), scene.settings.split_requests, Deadline(_LONGEST))
    fact = judged(counted(replies), shares, _wanted(scene, application))
    if fact.ok:
        return fact
    why = behind(scene, parts_behind(scene, application))
    return fails(NAME, fact.text, "; ".join(filter(None, (fact.cause, why))), fact.remedy, **fact.figures)


def replies_of(get: Callable[[], Reply], requests: int, limit: Deadline) -> list[Reply]:
    """The replies to so many requests, fewer where they take longer than the limit: each may wait for a minute."""
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        # The first ones may wake pods, and the others would queue up behind them; so one goes ahead.
        first = get()
        others = pool.map(lambda _number: None if limit.passed else get(), range(requests - 1))
        return [first, *(reply for reply in others if reply)]


def counted(replies: list[Reply]) -> Counted:
    """The versions in the answers, and the kinds of failures."""
    answers: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for reply in replies:
        version = "" if reply.error else _version(reply.body)
        if reply.error or not version:
            errors[reply.error or "no version in the answer"] += 1
        else:
            answers[version] += 1
    return Counted(answers, errors)


def judged(seen: Counted, shares: Mapping[str, float], wanted: Mapping[str, int]) -> Fact:
    """The fact about these answers: `shares` in percent as the cluster has them, `wanted` as the inventory has.

    A count is right that chance alone could give (binomial.py).
    """
    total = sum(seen.answers.values()) + seen.failed
    limits = {version: bounds(total, share / 100) for version, share in shares.items()}
    parts = [
        f"{version} {seen.answers.get(version, 0)} ({low} to {high} at {shares[version]:g} %)"
        for version, (low, high) in sorted(limits.items())
    ]
    text = f"of {total} requests " + ", ".join(parts) + (f", {seen.failed} failed" if seen.failed else "")
    figures = {
        "requests": total,
        "failed": seen.failed,
        "answers": dict(seen.answers),
        "shares": dict(shares),
        "bounds": {version: list(limit) for version, limit in limits.items()},
    }
    problems, remedy = [], "see which version's pods answer wrong or not at all, and run site.yml --tags todo"
    if seen.failed:
        told = ", ".join(f"{number} times {error}" for error, number in sorted(seen.errors.items()))
        silent = sorted(version for version, share in shares.items() if share and not seen.answers.get(version))
        problems.append(f"{seen.failed} of {total} requests failed: {told}" + _never_from(silent))
    else:
        problems += [
            f"{version} gave {seen.answers.get(version, 0)} of {total} answers, and {low} to {high} are due at "
            f"{shares[version]:g} %"
            for version, (low, high) in sorted(limits.items())
            if not low <= seen.answers.get(version, 0) <= high
        ]
        problems += [f"{version} answers, and is to get nothing" for version in sorted(set(seen.answers) - set(shares))]
    if wanted and {v: int(p) for v, p in wanted.items()} != {v: round(p) for v, p in shares.items()}:
        problems.insert(0, f"the cluster shares the requests {_ratio(shares)}, the inventory says {_ratio(wanted)}")
        remedy = f"run site.yml --tags todo, or write todo_user_traffic: {_as_written(shares)}"
    if problems:
        return fails(NAME, text, "; ".join(problems), remedy, **figures)
    return holds(NAME, text, **figures)


def _shares(scene: Scene, application: Application) -> dict[str, float]:
    """Percent of the requests that each version is to get, as the cluster has it. Raises DrillError."""
    if application.variant != KUBERNETES:
        return {version: float(percent) for version, percent in user_shares(scene.cluster, application).items()}
    # A Service spreads connections evenly over its pods, and page and user keep none here.
    pods = scene.cluster.list("v1", "Pod", application.namespace, "app=user,version", scene.seconds(10))
    ready = Counter(pod["metadata"]["labels"]["version"] for pod in pods if _is_ready(pod))
    total = sum(ready.values())
    return {version: 100 * number / total for version, number in ready.items()}


def _wanted(scene: Scene, application: Application) -> Mapping[str, int]:
    """What the inventory says; the variant kubernetes knows no shares."""
    return {} if application.variant == KUBERNETES else scene.settings.user_traffic


def _is_ready(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return not pod["metadata"].get("deletionTimestamp") and any(
        item.get("type") == "Ready" and item.get("status") == "True" for item in conditions
    )


def _version(body: bytes) -> str:
    try:
        return str(json.loads(body)["version"])
    except (ValueError, KeyError, TypeError):
        return ""


def _never_from(versions: list[str]) -> str:
    return f"; no answer came from {', '.join(versions)}" if versions else ""


def _ratio(shares: Mapping[str, float]) -> str:
    return "/".join(f"{shares[version]:g}" for version in sorted(shares)) + f" ({', '.join(sorted(shares))})"


def _as_written(shares: Mapping[str, float]) -> str:
    return "{" + ", ".join(f"{version}: {shares[version]:.0f}" for version in sorted(shares)) + "}"
