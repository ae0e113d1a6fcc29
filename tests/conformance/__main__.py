"""Run the suites named on the command line, or all, on the lab of this checkout.

    python -m conformance [ingress] [serving] [eventing] [eventing-secure] [kubernetes] [-- arguments for site.yml]

Each is built by the lab's own means, its images go into the lab's mirror, and its section of docs/conformance.md is
written anew. 1 if a test did not pass and its suite's file gives no reason, or gives one for a test that did.
"""

from __future__ import annotations

import sys

from .execute import execute
from .fixtures import provided
from .lab import ROOT, Lab
from .report import replaced, rows, section, stale, unexplained
from .stock import catalogue, recipes
from .suite import Suite, read_suite

PARTS = ("ingress", "serving", "eventing", "eventing-secure", "kubernetes")
PAGE = ROOT / "docs" / "conformance.md"


def main(words: list[str]) -> int:
    """Run the named suites; 0 when every test passed or is explained."""
    end = words.index("--") if "--" in words else len(words)
    names, arguments = words[:end], words[end + 1 :]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"error: no suite {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    lab = Lab.at(ROOT / ".lab", arguments)
    lab.work.mkdir(exist_ok=True)
    faults = [fault for name in names or PARTS for fault in conducted(read_suite(name), lab)]
    for fault in faults:
        print(fault)
    return int(bool(faults))


def conducted(suite: Suite, lab: Lab) -> list[str]:
    """Run one suite and write its section; return what is wrong."""
    print(f"\n=== {suite.title}", flush=True)
    lab.play(
        {
            "conformance_suite": suite.name,
            "conformance_component": suite.component,
            "conformance_catalogue": catalogue(suite),
            "conformance_lab_components": list(suite.lab),
            "conformance_registries": list(suite.registries),
            "conformance_recipes": recipes(suite),
            "conformance_manifest": suite.manifest,
        }
    )
    by_run = {}
    with provided(suite, lab):
        for run in suite.runs:
            if run.options:
                lab.site(run.options)
            print(f"  {run.name}:", flush=True)
            by_run[run.name] = rows(suite, execute(suite, run, lab))
            page = replaced(PAGE.read_text(encoding="utf-8"), suite.name, section(suite, by_run))
            PAGE.write_text(page, encoding="utf-8")
    found = [row for part in by_run.values() for row in part]
    passed = sum(row.result.state == "passed" for row in found)
    print(f"  {passed} of {len(found)} passed; see {PAGE.relative_to(ROOT)}", flush=True)
    return [f"{suite.name}: no reason is given for {name}" for name in unexplained(found)] + [
        f"{suite.name}: the reason for {pattern} fits no test that did not pass" for pattern in stale(suite, found)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
