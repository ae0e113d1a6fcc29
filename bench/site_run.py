"""Measures site.yml against scripts, by size and by number of contexts; prints each figure with its bar."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import site_copies, site_foreign, site_repeats, site_tasks
from .site_cycle import SITE, Cycle
from .site_figures import Figure, result
from .site_labs import ADDRESS, Site, load_average

PARTS = "abcdefg"


def main() -> int:
    """Run the wanted parts; the last line printed is one JSON object. A missed bar is told, and is no error."""
    options = arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_told: sys.exit("bench: told to end"))  # the lab ends with it, too
    parts = set(options.parts.split(","))
    before = load_average()
    figures: list[Figure] = []
    with lab(options.folder, options.address) as site:
        for take in parts_of(site, parts, options):
            found = take()
            figures += found
            for figure in found:
                print(figure, flush=True)
    print(json.dumps(result(figures, load_average_before=before, cores=os.cpu_count())))
    return 0


def arguments(words: list[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="bench/site", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement")
    parser.add_argument("--repeats", type=int, default=20, help="converged runs in a row in part g")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--contexts", type=int, default=50, help="contexts of the large inventory in part e")
    parser.add_argument("--sizes", default="10,100,1000,10000", help="numbers of foreign objects in part f")
    parser.add_argument("--folder", type=Path, help="keep the lab and its logs there, for another run")
    parser.add_argument("--address", default=ADDRESS, help="loopback address of the lab")
    options = parser.parse_args(words)
    if not set(options.parts.split(",")) <= set(PARTS):
        parser.error(f"there are the parts {', '.join(PARTS)}")
    return options


@contextlib.contextmanager
def lab(kept: Path | None, address: str) -> Iterator[Site]:
    """A lab for the time of the block, in a folder that ends with it unless it is kept or something failed."""
    folder = kept.absolute() if kept else Path(tempfile.mkdtemp(prefix="serverless-bench-site-"))
    site = Site(folder, address)
    try:
        site.start()
        yield site
    finally:
        if not kept:
            site.remove()
    if not kept:
        site.discard()


def parts_of(site: Site, parts: set[str], options: argparse.Namespace) -> Iterator:
    """What measures the wanted parts, in an order in which each finds the cluster that it needs."""
    if parts & set("abc"):
        installs = options.rounds if parts & set("bc") else 1
        converged = (1 if parts & set("bc") else options.rounds) if "a" in parts else 0
        cycle = Cycle(site, installs, converged)
        yield lambda: cycle.run() or cycle.figures(parts)
    if parts & set("defg"):
        site.playbook(SITE)
        site.calm()
    later = {
        "g": lambda: site_repeats.measure(site, options.repeats),
        "d": lambda: site_tasks.measure(site, options.rounds),
        "f": lambda: site_foreign.measure(site, list(map(int, options.sizes.split(","))), options.rounds),
        "e": lambda: site_copies.measure(site, options.rounds, options.contexts),
    }
    yield from (take for part, take in later.items() if part in parts)


if __name__ == "__main__":
    sys.exit(main())
