"""Run the long tests on a lab of their own, one part after the other, or those named on the command line.

Each begins on a cluster without anything of ours and leaves one. The end is a table of parts with seconds.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from integration.support.labs import OwnLab
from run import BIN, ROOT, Result, run, with_reports

SHARING = tuple("plan faults kills neighbours repair waiting verify upgrades firstrun rights contexts archive".split())
OWN_LABS = ("matrix", "runtimes", "kind", "observability")  # parts that bring what they need themselves
PARTS = (*SHARING, *OWN_LABS)
LAB = OwnLab(ROOT / ".lab-acceptance", "127.0.0.3")
AUDITED = [f"system:serviceaccount:default:{name}" for name in ("installer", "nightly")]  # of the part rights
RELEASES = ["knative-1.22", "knative-1.23"]  # the part upgrades goes from one to the other


def lab(state: str) -> Result:
    """The lab of these tests brought to a state."""
    return run(f"lab {state}", LAB.command(state, lab_releases=RELEASES, lab_audit_users=AUDITED))


def part(name: str) -> Result:
    """One folder of tests/integration, all of it."""
    environment = {"ACCEPTANCE": "1", "LAB_DIRECTORY": str(LAB.directory), "LAB_ADDRESS": LAB.address}
    with tempfile.TemporaryDirectory(prefix="serverless-acceptance-") as reports:
        options = ["-v", "-s", "--durations=20", f"--junitxml={reports}/{name}.xml"]
        command = [BIN / "pytest", f"tests/integration/{name}", *options]
        return with_reports(name, command, Path(reports), environment)


def results(names: list[str]) -> Iterator[Result]:
    """The parts that share a lab, between its start and its end, then the others."""
    sharing = [name for name in names if name not in OWN_LABS]
    if sharing:
        started = lab("started")
        yield started
        if not started.failed:
            for name in sharing:
                yield part(name)
        yield lab("absent")
    for name in names:
        if name in OWN_LABS:
            yield part(name)


def main(names: list[str]) -> int:
    """Run the named parts, all of them by default; 0 when nothing failed."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"error: no part {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    done = list(results(names or list(PARTS)))
    print("\n| part | passed | failed | seconds |\n| --- | ---: | ---: | ---: |")
    for result in done:
        print(f"| {result.name} | {result.passed} | {result.failed} | {result.seconds:.0f} |")
    for result in done:
        for fault in result.faults:
            print(f"{result.name}: {fault}")
    failed = sum(result.failed for result in done)
    print(f"{sum(result.passed for result in done)} passed, {failed} failed", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
