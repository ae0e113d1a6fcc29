"""The whole site on the lab of the long tests, and verifications of it with what they found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ..conftest import Site, until
from ..support.runs import Lab, Run


@dataclass(frozen=True)
class Verified:
    """A verification that came to its end: the run of the playbook, and the facts of its file."""

    run: Run
    facts: dict[str, dict[str, Any]]
    seconds: float

    @property
    def failed(self) -> dict[str, str]:
        """The cause of each fact that does not hold."""
        return {name: fact["cause"] for name, fact in self.facts.items() if not fact["ok"]}


@dataclass(frozen=True)
class Verifier:
    """The site, and how it is verified."""

    site: Site
    lab: Lab

    def verify(self, form: str = "full", playbook: str = "playbooks/verify.yml", **options: Any) -> Verified:
        """Run the playbook to its end, which may be a failure."""
        with TemporaryDirectory(prefix="serverless-verify-") as folder:
            variables = {"verify_form": form, "verify_report_directory": folder, **options}
            run = self.lab.run(playbook, "-e", json.dumps(variables))
            files = list(Path(folder).glob("*.json"))
            assert len(files) == 1, run.end()
            told = json.loads(files[0].read_text())
        return Verified(run, {fact["name"]: fact for fact in told["facts"]}, told["seconds"])

    def until_healthy(self, seconds: float = 240) -> None:
        """Wait until the short form finds nothing, and the application answers as a whole."""
        until("the site is as before", lambda: self.verify("short").run.code == 0, seconds)
        until("the application answers", lambda: self.site.request("/api/todos?limit=1").status == 200, seconds)


@pytest.fixture(scope="session")
def verifier(site: Site, lab_under_test: Lab) -> Iterator[Verifier]:
    """The site installed, and removed afterwards."""
    done = lab_under_test.run("site.yml")
    assert done.code == 0, done.end()
    yield Verifier(site, lab_under_test)
    lab_under_test.run("playbooks/uninstall.yml")
