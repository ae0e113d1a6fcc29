# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the C compiler for the few programs of the lab that are in C."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .catalogue import CComponent
from .errors import LabBuildError


def compile_programs(component: CComponent, source: Path, output: Path) -> None:
    """Compile each program from all C files of its folder below source into the directory output.

    Raises LabBuildError with what the compiler said.
    """
    for name, folder in component.programs.items():
        files = sorted(map(str, (source / folder).glob("*.c")))
        if not files:
            raise LabBuildError(f"{component.name}: there is no C file in {source / folder}")
        command = ["cc", *component.flags, "-o", str(output / name), *files]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise LabBuildError(f"{component.name}: there is no C compiler (cc); install gcc and libc6-dev") from None
        if done.returncode:
            raise LabBuildError(f"{component.name}: cc failed.\n{done.stderr.strip()}")
