# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work on many objects, a few at a time, with a sign of life for long ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from time import monotonic
from typing import Any, TypeVar

from .client.cluster import CONCURRENCY
from .errors import KubeError

Item = TypeVar("Item")
Result = TypeVar("Result")
SIGN_OF_LIFE = 4.0  # seconds


def for_each(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Result], list[KubeError]]:
    """Results in the order of `items` (failed ones left out) and the errors; `tick(done, total)` every 4 s."""
    todo = list(items)
    if not todo:
        return [], []
    results: dict[Any, Result] = {}
    errors: list[KubeError] = []
    told = monotonic()
    with ThreadPoolExecutor(max_workers=min(CONCURRENCY, len(todo))) as pool:
        futures = [pool.submit(work, item) for item in todo]
        pending = set(futures)
        while pending:
            patience = max(0.0, told + SIGN_OF_LIFE - monotonic())
            done, pending = wait(pending, timeout=patience, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    results[future] = future.result()
                except KubeError as error:
                    errors.append(error)
            if pending and monotonic() - told >= SIGN_OF_LIFE:
                told = monotonic()
                tick(len(futures) - len(pending), len(futures))
    return [results[future] for future in futures if future in results], errors
