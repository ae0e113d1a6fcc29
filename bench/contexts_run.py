"""Measures one run on five contexts against a run on each alone; prints the ratio to the slowest."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integration.contexts.five import ARN_HOST, GONE, KWOK, LAB, Five, ends, five_contexts
from integration.support.labs import OwnLab

BAR = 1.3
ALONE = (LAB, ARN_HOST, GONE)  # those of KWOK have far less to do
FIRST, SECOND = "127.0.0.9", "127.0.0.10"
WAYS = ("installed", "converged")


def main() -> int:
    """Run all rounds; the last line printed is one JSON object. A missed bar is told, and is no error."""
    parser = argparse.ArgumentParser(prog="bench/contexts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shared", action="store_true", help="let both labs have all processors")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    taken: dict[str, dict[str, list[float]]] = {way: {} for way in WAYS}
    with contexts(None if options.shared else (0, 1)) as five:
        install(five, "warm-up", "all")  # the nodes have their images from here on
        remove(five)
        for number in range(options.rounds):
            for name in (*ALONE, "all") if number % 2 else ("all", *ALONE):
                for way in WAYS:
                    seconds = install(five, way, name)
                    taken[way].setdefault(name, []).append(seconds)
                    print(f"round {number + 1}  {way:9}  {name:48} {seconds:6.1f} s", flush=True)
                remove(five, name)
    result: dict[str, object] = {"load_average_before": round(load, 1), "cores": os.cpu_count(), "bar": BAR}
    for way, figures in taken.items():
        medians = {name: statistics.median(rounds) for name, rounds in figures.items()}
        slowest = max(medians[name] for name in ALONE)
        ratio = medians["all"] / slowest
        print(f"{way}: five {ratio:.2f} times the slowest alone, {'met' if ratio <= BAR else 'missed'} ({BAR})")
        result[way] = {"ratio": round(ratio, 2), **{name: round(value, 1) for name, value in medians.items()}}
    print(json.dumps(result))
    return 0


@contextmanager
def contexts(processors: tuple[int, int] | None) -> Iterator[Five]:
    """All five for the time of the block; each lab on one processor, as clusters have machines of their own."""
    folder = Path(tempfile.mkdtemp(prefix="serverless-bench-contexts-"))
    labs = OwnLab(folder / "one", FIRST), OwnLab(folder / "two", SECOND)
    try:
        for lab in labs:
            lab.bring("started")
        for lab, processor in zip(labs, processors or (), strict=bool(processors)):
            pin(lab, processor)
        for name in KWOK:
            (folder / name).mkdir()
        with five_contexts(folder, *labs) as five:
            yield five
    finally:
        for lab in labs:
            lab.bring("absent")
        shutil.rmtree(folder)


def pin(lab: OwnLab, processor: int) -> None:
    """Leave one processor to a lab and its pods, the innermost groups first, as cgroup v1 wants it."""
    process = (lab.directory / "run" / "init.pid").read_text().strip()
    lines = Path("/proc", process, "cgroup").read_text().splitlines()
    place = next(line.split(":")[2] for line in lines if line.split(":")[1] == "cpuset")
    top = Path("/sys/fs/cgroup/cpuset", place.strip("/").split("/")[0])
    for folder, _names, _files in os.walk(top, topdown=False):
        Path(folder, "cpuset.cpus").write_text(str(processor))


def install(five: Five, way: str, name: str) -> float:
    """Seconds of site.yml on one or on all; each context must end as it is to."""
    words = [] if name == "all" else ["--limit", name]
    began = time.monotonic()
    done = five.run(*words)
    seconds = time.monotonic() - began
    if name == "all":
        found = {host: end.state for host, end in ends(done).items()}
    else:  # the last line of a run on one context begins with how it ended
        found = {name: done.stdout.rstrip().splitlines()[-1].split()[0]}
    wanted = "unchanged" if way == "converged" else "changed"
    wrong = {host: state for host, state in found.items() if state != ("failed" if host == GONE else wanted)}
    if wrong or len(found) not in (1, 5):
        raise SystemExit(f"bench: {wrong or found}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
    return seconds


def remove(five: Five, name: str = "all") -> None:
    """Take everything off again."""
    if name == GONE:
        return
    done = five.run("--limit", f"!{GONE}" if name == "all" else name, playbook="playbooks/uninstall.yml")
    if done.returncode:
        raise SystemExit(f"bench: the removal has failed\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
    five.renew_volumes()


if __name__ == "__main__":
    sys.exit(main())
