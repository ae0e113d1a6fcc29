"""Running the programs of a suite and collecting the results of the tests that count."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .ginkgo import read_report
from .lab import Lab, lines_of
from .results import Reader, Result, of_expected
from .suite import Run, Suite

# So many tests that failed get a second try; more of them are no accident
_MOST_REPEATED = 10


def execute(suite: Suite, run: Run, lab: Lab) -> list[Result]:
    """Run one program on the lab's node; return a result for every test that counts, in their order.

    Its output is in <lab>/conformance/<suite>-<run>.log.
    """
    images = {"image_template": image_template(suite, lab), "image_file": str(image_file(suite, lab))}
    arguments = [lab.fill_in(argument, **images) for argument in run.arguments]
    environment = {name: lab.fill_in(value) for name, value in run.environment.items()}
    runner = _run_ginkgo if run.format == "ginkgo" else _run_go
    return runner(suite, run, lab, arguments, environment)


def _run_go(suite: Suite, run: Run, lab: Lab, arguments: list[str], environment: Mapping[str, str]) -> list[Result]:
    program = lab.work / suite.name / run.program
    expected = list(run.expected) or _listed(program, lab, environment)
    left_out = [test for test in expected if any(reason.skip and reason.fits(test) for reason in suite.reasons)]
    command = [program, "-test.v=test2json", *arguments]
    results: dict[str, Result] = {}
    for number, chosen in enumerate(_calls(expected, left_out, run.at_once)):
        lines = _printed(suite, run, lab, [*command, *chosen], environment, "a" if number else "w")
        results |= {
            result.name: result for result in _read_go(lines, expected) if result.state != "missing" or result.said
        }
    first = of_expected(results, expected)
    again = [result for result in first if result.state == "failed" or result.said and result.state == "missing"]
    if len(again) > _MOST_REPEATED:
        return first
    # Alone, and without the others' load: what fails only beside them is told as such
    for result in again:
        itself = "/".join(_exactly([part]) for part in result.name.split("/"))
        alone = [*command, f"-test.run={itself}"]  # of a flag that is given twice the last one counts
        (repeated,) = _read_go(_printed(suite, run, lab, alone, environment, "a"), [result.name])
        if repeated.state == "passed":
            first[first.index(result)] = replace(repeated, tries=2)
    return first


def _calls(expected: list[str], left_out: list[str], at_once: int) -> list[list[str]]:
    """The arguments that choose the tests, for each call of the program: all that are wanted, or so many at a time."""
    if not at_once:
        return [[f"-test.skip={_exactly(left_out)}"] if left_out else []]
    wanted = [test for test in expected if test not in left_out]
    return [[f"-test.run={_exactly(wanted[begin : begin + at_once])}"] for begin in range(0, len(wanted), at_once)]


def _exactly(names: Iterable[str]) -> str:
    return f"^({'|'.join(map(re.escape, names))})$"


def _read_go(lines: Iterator[str], expected: list[str]) -> list[Result]:
    reader = Reader()
    for line in lines:
        ended = reader.take(line)
        if ended and ended.name in expected:
            print(f"    {ended.state:8} {ended.seconds:7.1f} s  {ended.name}", flush=True)
    return of_expected(reader.results, expected)


def _run_ginkgo(suite: Suite, run: Run, lab: Lab, arguments: list[str], environment: Mapping[str, str]) -> list[Result]:
    """Run a suite by Ginkgo's own command, several processes at a time; the arguments after -- are the suite's."""
    folder = lab.work / suite.name
    report = lab.work / f"{_file_name(suite, run)}.xml"
    report.unlink(missing_ok=True)
    its_own, suites_own = arguments[: arguments.index("--")], arguments[arguments.index("--") :]
    options = ["--no-color", f"--junit-report={report.name}", f"--output-dir={lab.work}", *its_own]
    for line in _printed(
        suite, run, lab, [folder / "ginkgo", *options, folder / run.program, *suites_own], environment
    ):
        if line.startswith("[FAILED]") or "Passed" in line:
            print(f"    {line.rstrip()}", flush=True)
    return read_report(report, run.counted)


def _printed(
    suite: Suite,
    run: Run,
    lab: Lab,
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    mode: str = "w",
) -> Iterator[str]:
    with (
        (lab.work / f"{_file_name(suite, run)}.log").open(mode, encoding="utf-8") as log,
        lab.running(command, environment, lab.work) as process,
    ):
        yield from lines_of(process, log)


def _file_name(suite: Suite, run: Run) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{suite.name}-{run.name}".lower())


def image_template(suite: Suite, lab: Lab) -> str:
    """Return what Knative's tests make references of names with (a Go template): each image by its digest.

    By digest, because Knative cannot look up tags at the lab's mirror, and the tests want to see digests. A name that
    is no image of the suite gets a tag that does not exist.
    """
    digests = _digests(suite, lab)
    chosen = ""
    for name, reference in suite.references().items():
        condition = "else if" if chosen else "if"
        chosen += f'{{{{{condition} eq .Name "{name}"}}}}{by_digest(reference, digests)}'
    return f"{chosen}{{{{else}}}}{suite.images[0].repository}/{{{{.Name}}}}:none{{{{end}}}}" if chosen else ""


def image_file(suite: Suite, lab: Lab) -> Path:
    """Return a file that leads from packages to images by digest, as the reconciler tests read one."""
    digests = _digests(suite, lab)
    known = {
        package: by_digest(images.names()[name], digests)
        for images in suite.images
        for name, package in images.programs.items()
    }
    path = lab.work / f"{suite.name}-packages.json"
    path.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return path


def by_digest(reference: str, digests: Mapping[str, str]) -> str:
    """Return a reference with its digest in place of its tag."""
    return f"{reference.rpartition(':')[0]}@{digests[reference]}"


def _digests(suite: Suite, lab: Lab) -> dict[str, str]:
    made = json.loads(lab.images_file(suite.name).read_text(encoding="utf-8"))
    return {image["name"]: image["digest"] for image in made}


def _listed(program: Path, lab: Lab, environment: Mapping[str, str]) -> list[str]:
    """Return the names of a program's tests, as it lists them; some need a kubeconfig for that. Raises RuntimeError."""
    with lab.running([program, "-test.list=."], environment, lab.work) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    names = [line for line in lines if re.fullmatch(r"Test\w+", line)]
    if not names:
        raise RuntimeError(f"{program.name} lists no test: {' '.join(lines[-3:])}")
    return names
