"""Running the programs of a suite and collecting the results of the tests that count."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .lab import Lab, lines_of
from .results import Reader, Result, of_expected
from .suite import Run, Suite


def execute(suite: Suite, run: Run, lab: Lab) -> list[Result]:
    """Run one program on the lab's node; return a result for every test that counts, in their order.

    Its output is in <lab>/conformance/<suite>-<run>.log.
    """
    program = lab.work / suite.name / run.program
    expected = list(run.expected) or _listed(program, lab)
    left_out = [test for test in expected if any(reason.skip and reason.fits(test) for reason in suite.reasons)]
    template = image_template(suite, lab)
    arguments = [lab.fill_in(argument, image_template=template) for argument in run.arguments]
    if left_out:
        arguments.append(f"-test.skip=^({'|'.join(map(re.escape, left_out))})$")
    environment = {name: lab.fill_in(value) for name, value in run.environment.items()}
    reader = Reader()
    with (
        (lab.work / f"{suite.name}-{run.name}.log").open("w", encoding="utf-8") as log,
        lab.running([program, "-test.v=test2json", *arguments], environment, lab.work) as process,
    ):
        for line in lines_of(process, log):
            ended = reader.take(line)
            if ended and ended.name in expected:
                print(f"    {ended.state:8} {ended.seconds:7.1f} s  {ended.name}", flush=True)
    return of_expected(reader.results, expected)


def image_template(suite: Suite, lab: Lab) -> str:
    """Return what Knative's tests make references of names with (a Go template): each image by its digest.

    By digest, because Knative cannot look up tags at the lab's mirror, and the tests want to see digests. A name that is
    no image of the suite gets a tag that does not exist.
    """
    made = {image["name"]: image["digest"] for image in json.loads(lab.images_file(suite.name).read_text("utf-8"))}
    chosen = ""
    for name, reference in suite.references().items():
        condition = "else if" if chosen else "if"
        repository = reference.rpartition(":")[0]
        chosen += f'{{{{{condition} eq .Name "{name}"}}}}{repository}@{made[reference]}'
    return f"{chosen}{{{{else}}}}{suite.images[0].repository}/{{{{.Name}}}}:none{{{{end}}}}" if chosen else ""


def _listed(program: Path, lab: Lab) -> list[str]:
    """Return the names of a program's tests, as it lists them."""
    with lab.running([program, "-test.list=."], {}, lab.work) as process:
        assert process.stdout is not None
        return [line.strip() for line in process.stdout if re.fullmatch(r"Test\w+", line.strip())]
