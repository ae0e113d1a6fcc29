# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks for many images at once, and waits for rate limits only for those that nobody else has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Protocol, TypeVar

from ..progress import PERIOD
from ..registry.clients import Clients

WORKERS = 24

Report = Callable[[str], None]


class MayBeLimited(Protocol):
    """What asking for an image comes to."""

    @property
    def is_limited(self) -> bool:
        """Whether no place gave the image, and one may when its rate limit has ended."""


Item = TypeVar("Item")
Outcome = TypeVar("Outcome", bound=MayBeLimited)


def ask_all(
    items: Sequence[Item],
    ask: Callable[[Item], Outcome],
    clients: Clients,
    report: Report = lambda line: None,
    period: float = PERIOD,
) -> list[Outcome]:
    """Return what `ask` says of each item, in their order; it may be called from any thread, and twice for an item.

    The second time the rate limits of `clients` are waited for, as long as their policy says; until when is told to
    `report`, every `period` seconds if it changes.
    """
    found = _asked(items, ask, lambda done: _count(done, len(items), report), period)
    again = [number for number, outcome in enumerate(found) if outcome.is_limited]
    if not again or not clients.patience.limit:
        return found
    clients.patience.begin()
    told = ""

    def tell(_done: int) -> None:
        nonlocal told
        if (pauses := clients.pauses()) and pauses != told:
            told = pauses
            report(f"{len(again)} images are asked for again; {pauses}")

    second = _asked([items[number] for number in again], ask, tell, period)
    for number, outcome in zip(again, second, strict=True):
        found[number] = outcome
    return found


def _asked(
    items: Sequence[Item], ask: Callable[[Item], Outcome], tell: Callable[[int], None], period: float
) -> list[Outcome]:
    with ThreadPoolExecutor(WORKERS) as pool:
        asked = [pool.submit(ask, item) for item in items]
        pending = set(asked)
        while pending:
            pending = wait(pending, period).not_done
            tell(len(items) - len(pending))
        return [future.result() for future in asked]


def _count(done: int, of: int, report: Report) -> None:
    if done < of:
        report(f"{done}/{of} images checked")
