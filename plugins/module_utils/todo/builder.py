# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tool builds images on this machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

BUILDERS = ("buildah", "docker")
_DOCKER_SECONDS = 15


class BuilderError(Exception):
    """No usable tool; the text says what to install."""


def docker_answers() -> bool:
    """Whether docker's daemon answers, not only its command."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=_DOCKER_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def choose_builder(
    wanted: str,
    which: Callable[[str], str | None] = shutil.which,
    docker_works: Callable[[], bool] = docker_answers,
) -> str:
    """The tool to use. `wanted` is buildah, docker, or auto: buildah if it is there, else docker if its daemon answers.

    Raises BuilderError when the wanted one, or with auto either, is missing.
    """
    if wanted in ("auto", "buildah") and which("buildah"):
        return "buildah"
    if wanted in ("auto", "docker") and which("docker") and docker_works():
        return "docker"
    missing = {
        "auto": "neither buildah nor a docker whose daemon answers is there; install buildah or start docker",
        "buildah": "buildah is not in PATH; install it, or set todo_builder: docker",
        "docker": "docker is not in PATH or its daemon does not answer; start it, or set todo_builder: buildah",
    }
    raise BuilderError(
        f"The todo application's image cannot be built here: {missing[wanted]}. "
        "An image that is there already can be used instead: set todo_image to its reference."
    )
