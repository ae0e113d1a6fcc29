"""Part g: converged runs in a row, none of which may change or write anything."""

from __future__ import annotations

from .site_cycle import converged
from .site_figures import Figure
from .site_labs import Site


def measure(site: Site, repeats: int) -> list[Figure]:
    """The seconds of each run after the first one, and what all of them wrote; a change ends the bench."""
    runs = [converged(site) for _run in range(repeats)]
    writes = [site.requests(run).writes for run in runs]
    for number, of_run in enumerate(writes, 2):
        for write in of_run:
            print(f"  written by run {number}: {write}", flush=True)
    return [
        Figure("repeated runs", "s", tuple(run.seconds for run in runs)),
        Figure("writes of repeated runs", "", tuple(map(float, map(len, writes))), 0, value=sum(map(len, writes))),
    ]
