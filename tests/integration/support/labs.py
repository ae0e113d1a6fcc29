"""Labs that a part of the long tests starts for itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .runs import ROOT, Lab

BIN = Path(sys.executable).parent  # where the environment's programs are


@dataclass(frozen=True)
class OwnLab:
    """A lab in a folder of its own, on an address of its own."""

    directory: Path
    address: str

    def command(self, state: str, **options: object) -> list[str | Path]:
        """What brings it to a state; `options` are those of the role."""
        place = {"lab_directory": str(self.directory), "lab_address": self.address}
        variables = json.dumps({**place, "lab_audit": True, "lab_state": state, **options})
        return [BIN / "ansible-playbook", "playbooks/lab.yml", "-e", variables]

    def bring(self, state: str, **options: object) -> None:
        """Bring it to a state, from the project's folder."""
        command = self.command(state, **options)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]

    def runs(self) -> Lab:
        """Runs of playbooks on it."""
        return Lab.at(self.directory, self.address)

    def verify(self, files: Iterable[str]) -> tuple[int, str]:
        """The exit code and the end of these of the site's own tests on it."""
        tests = [str(ROOT / "tests" / "integration" / "site" / name) for name in files]
        environment = {**os.environ, "LAB_DIRECTORY": str(self.directory), "LAB_ADDRESS": self.address}
        command = [BIN / "pytest", "-q", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout[-4000:]
