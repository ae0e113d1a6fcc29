"""Run the project's tests: all stages, or those named on the command line (lint build units sanity molecule).

Every stage streams its output; the end is a table of stages with seconds and with what failed, and a last line
'N passed, N failed'.
A linter, sanity or scenario counts as one test; pytest's runs count each test that they ran.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
SCENARIOS = ("default", "site", "variants", "drills", "neighbours", "absent", "changes", "images")
# Programs that unit tests run beside those of the lab, each with its Debian package
TOOLS = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "podman": "podman",
    "skopeo": "skopeo",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
}
# For pytest: most of the unit tests wait for real servers
WORKERS = ("--numprocesses", "6", "--dist", "loadfile", "--no-loadscope-reorder")
# What a command's output says of a fault; so many of these lines are repeated at the end
FAULT = re.compile(r"^(fatal|failed): |^(ERROR|FAILED|CRITICAL)\b|\bFATAL\b|^\* \[.*\] => ")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
FAULTS_NAMED = 12
# The pip that this ansible-core's ansible-test bootstraps
ANSIBLE_TEST_PIP = "24_2"


@dataclass(frozen=True)
class Result:
    """What one check came to: its name, how many tests passed and failed, the seconds it took, and what failed how."""

    name: str
    passed: int
    failed: int
    seconds: float
    faults: tuple[str, ...] = ()


def run(
    name: str,
    command: list[str | Path],
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
    output: TextIO = sys.stdout,
) -> Result:
    """Run one command as one test."""
    print(f"\n=== {name}: {' '.join(map(str, command))}", file=output, flush=True)
    start = time.monotonic()
    faults: list[str] = []
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", file=output, flush=True)
            plain = COLOUR.sub("", line)
            if FAULT.search(plain):
                faults.append(shortened(plain))
    code = process.returncode
    named = tuple(faults[:FAULTS_NAMED]) if code else ()
    return Result(name, int(code == 0), int(code != 0), time.monotonic() - start, named)


def shortened(text: str) -> str:
    """The text in one line that a summary can hold."""
    return " ".join(text.split())[:300]


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The process environment with the project's own tools first; tests read Ansible's own output."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "ANSIBLE_STDOUT_CALLBACK": "default", **(extra or {})}


def with_reports(name: str, command: list[str | Path], reports: Path, env: dict[str, str]) -> Result:
    """Run a command that writes JUnit files into `reports`; their tests are counted instead of the command.

    A command that fails although no test in its reports did is counted as one failure more.
    """
    result = run(name, command, env=env)
    passed, faults = counted(reports)
    failed = len(faults)
    if result.failed and not failed:
        failed, faults = 1, result.faults
    if not passed and not failed:
        failed, faults = 1, ("no test ran",)
    return Result(name, passed, failed, result.seconds, faults)


def counted(reports: Path) -> tuple[int, tuple[str, ...]]:
    """The number of passed tests in the JUnit files of a folder, and the failed ones with their messages."""
    passed, faults = 0, []
    for report in sorted(reports.glob("*.xml")):
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            bad = [entry for kind in ("failure", "error") for entry in case.findall(kind)]
            if bad:
                message = bad[0].get("message") or bad[0].text or ""
                faults.append(shortened(f"{case.get('classname')}::{case.get('name')}: {message}"))
            elif case.find("skipped") is None:
                passed += 1
    return passed, tuple(faults)


def lint() -> Iterator[Result]:
    """The linters."""
    yield run("ruff", [BIN / "ruff", "check", "."])
    yield run("ruff format", [BIN / "ruff", "format", "--check", "."])
    yield run("yamllint", [BIN / "yamllint", "--strict", "."])
    yield run("ansible-lint", [BIN / "ansible-lint"])
    yield run("argument specs", [BIN / "python", "tests/argument_specs.py"])
    yield run("options flipped", [BIN / "python", "tests/options_flipped.py"])
    yield run("role pages", [BIN / "python", "tools/role_pages.py", "--check"])
    yield run("document pairs", [BIN / "python", "tools/doc_pairs.py"])
    yield run("changelog", [BIN / "antsibull-changelog", "lint"])


def sanity(output: TextIO = sys.stdout) -> Iterator[Result]:
    """ansible-test sanity on a copy at the path that it insists on, behind whatever else has work for the machine."""
    with tempfile.TemporaryDirectory(prefix="serverless-sanity-") as scratch:
        tree = Path(scratch, "ansible_collections", "selfhosted", "serverless")
        tree.mkdir(parents=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (ROOT / name).exists():
                target = tree / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target, follow_symlinks=False)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        command: list[str | Path] = ["nice", "-n", "19", BIN / "ansible-test", "sanity", "--venv", "--python", version]
        yield run("ansible-test sanity", command, cwd=tree, env={"HOME": str(sanity_home())}, output=output)


def sanity_home() -> Path:
    """A home folder for ansible-test: the user's pip settings, and our pip bootstrap where it looks for its own."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "ansible-test")
    bootstrap = home / ".ansible" / "test" / "cache" / f"get_pip_{ANSIBLE_TEST_PIP}.py"
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "tests" / "get_pip.py", bootstrap)
    settings = home / ".config" / "pip"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.unlink(missing_ok=True)
    settings.symlink_to(Path.home() / ".config" / "pip")
    return home


def units() -> Iterator[Result]:
    """pytest on the Python core, some files at a time."""
    with tempfile.TemporaryDirectory(prefix="serverless-units-") as reports:
        command: list[str | Path] = [BIN / "pytest", "-q", *WORKERS, f"--junitxml={reports}/units.xml"]
        yield with_reports("unit tests", command, Path(reports), {})


def molecule() -> Iterator[Result]:
    """The lab up, every scenario on it, the lab down; the requests of their verify steps count as tests."""
    with tempfile.TemporaryDirectory(prefix="serverless-molecule-") as reports:
        command: list[str | Path] = [BIN / "molecule", "test"]
        for scenario in SCENARIOS:
            command += ["--scenario-name", scenario]
        yield with_reports("molecule", command, Path(reports), {"JUNIT_DIRECTORY": reports})


def sanity_beside_molecule() -> Iterator[Result]:
    """Both at once: the scenarios wait for the cluster a third of their time. Sanity's output follows theirs."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output, ThreadPoolExecutor(1) as background:
        results = background.submit(lambda: list(sanity(output)))
        yield from molecule()
        yield from results.result()
        output.seek(0)
        print(output.read(), end="")


def build() -> Iterator[Result]:
    """What the lab runs, put into the cache, and its tools: unit tests use its API server and registry."""
    variables = json.dumps({"lab_state": "built", "lab_further_tools": TOOLS})
    yield run("build", [BIN / "ansible-playbook", "playbooks/lab.yml", "-e", variables])


STAGES: dict[str, Callable[[], Iterator[Result]]] = {
    "lint": lint,
    "build": build,
    "units": units,
    "sanity": sanity,
    "molecule": molecule,
}


def main(names: list[str]) -> int:
    """Run the named stages, all of them by default; 0 when nothing failed."""
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        print(f"error: no stage {', '.join(unknown)}; there are {', '.join(STAGES)}", file=sys.stderr)
        return 2
    stages = [STAGES[name] for name in names] or [lint, build, units, sanity_beside_molecule]
    results = [result for stage in stages for result in stage()]
    print()
    for result in results:
        print(f"{result.name:24} {result.passed:5} passed {result.failed:3} failed {result.seconds:7.1f} s")
        for fault in result.faults:
            print(f"    {fault}")
    passed, failed = sum(r.passed for r in results), sum(r.failed for r in results)
    print(f"{passed} passed, {failed} failed", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
