"""Branch coverage of the Python core by the unit tests: a table of what is under the bound, and of each sub-package.

    python tests/branch_coverage.py [arguments for pytest]

The core is plugins/module_utils, plugins/plugin_utils and plugins/action. Plays of the tests are processes of their
own, and each of their tasks a fork, so that these are measured as well; what a test kills has no figures. The data
stay in tests/output/coverage, for `coverage html` and the like. Fails where a test does or where the whole is under
the bound. The figure is coverage's percent_covered with branches: of lines and branches together, those taken.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import astuple, dataclass
from pathlib import Path

from run import WORKERS

ROOT = Path(__file__).resolve().parent.parent
CORE = ("plugins/action", "plugins/module_utils", "plugins/plugin_utils")
DATA = ROOT / "tests" / "output" / "coverage"
BOUND = 90.0
# Ansible ends the worker of a play's last task where it still writes its figures when the play is over, unless it is
# told to look again first: so many times, every 0.1 s. ansible-test does the same for its own measurements.
PATIENCE = {"ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT": "600"}
# With whole paths: processes of the tests run in other folders
SETTINGS = """\
[run]
branch = true
parallel = true
data_file = {folder}/data
concurrency =
    multiprocessing
    thread
patch =
    _exit
    subprocess
source_dirs =
    """ + "\n    ".join(str(ROOT / folder) for folder in CORE)


def measured(folder: Path, program: list[str]) -> int:
    """Run a program of Python with branch coverage, its data in an empty folder; the program's exit code."""
    settings = folder / "settings"
    settings.write_text(SETTINGS.format(folder=folder), encoding="utf-8")
    command = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", *program]
    # A measurement around this one, as when its own test is measured, would have the figures of what runs in it
    outer = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(command, cwd=ROOT, env={**outer, **PATIENCE}, check=False).returncode


def measure(arguments: list[str]) -> int:
    """Run the unit tests; pytest's exit code."""
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(parents=True)
    return measured(DATA, ["-m", "pytest", "-q", *(arguments or WORKERS)])


@dataclass(frozen=True)
class Counted:
    """Lines and branches of a file, or of several: how many there are, and how many were not taken."""

    lines: int = 0
    branches: int = 0
    lines_missing: int = 0
    branches_missing: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    @property
    def percent(self) -> float:
        """Of lines and branches together, those that were taken."""
        every = self.lines + self.branches
        return 100 * (every - self.lines_missing - self.branches_missing) / every if every else 100.0


def counted(folder: Path = DATA) -> dict[str, Counted]:
    """The counts of every file of the core, by its path from the root; one that nothing imported has them as well."""
    command = [sys.executable, "-m", "coverage"]
    settings, report = f"--rcfile={folder / 'settings'}", folder / "report.json"
    subprocess.run([*command, "combine", "--quiet", settings], cwd=ROOT, check=True)
    subprocess.run([*command, "json", "--quiet", settings, "-o", str(report)], cwd=ROOT, check=True)
    found = json.loads(report.read_text(encoding="utf-8"))["files"]
    names = ("num_statements", "num_branches", "missing_lines", "missing_branches")
    return {file: Counted(*(one["summary"][name] for name in names)) for file, one in found.items()}


def package_of(file: str) -> str:
    """The sub-package that a file is counted in: three folders at the most."""
    return "/".join(Path(file).parent.parts[:3])


def main(arguments: list[str]) -> int:
    """Measure and print; 0 when all tests passed and the whole is not under the bound."""
    code = measure(arguments)
    by_file = counted()
    packages: dict[str, Counted] = defaultdict(Counted)
    for file, count in by_file.items():
        packages[package_of(file)] += count
    print(f"\nUnder {BOUND:g} %:")
    for file, count in sorted(by_file.items(), key=lambda item: item[1].percent):
        if count.percent < BOUND:
            print(f"{count.percent:6.1f} %  {count.lines_missing:4} lines {count.branches_missing:4} branches  {file}")
    print("\nSub-packages:")
    for package, count in sorted(packages.items()):
        print(f"{count.percent:6.1f} %  {count.lines:6} lines {count.branches:5} branches  {package}")
    total = sum(by_file.values(), Counted())
    print(f"\nbranch coverage of the Python core: {total.percent:.1f} % (bound {BOUND:g} %)", flush=True)
    return int(code != 0 or total.percent < BOUND)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
