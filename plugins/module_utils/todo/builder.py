# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tool builds images on this machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

OLDEST_DOCKER = 25
"""The first major version whose `docker save` writes an OCI layout."""
_DOCKER_SECONDS = 15


class BuilderError(Exception):
    """No usable tool; the text says what to install."""


def docker_version() -> int:
    """The major version of docker's daemon; 0 when it does not answer."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_DOCKER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    major = done.stdout.strip().partition(".")[0]
    return int(major) if done.returncode == 0 and major.isdigit() else 0


def choose_builder(
    wanted: str,
    which: Callable[[str], str | None] = shutil.which,
    version: Callable[[], int] = docker_version,
) -> str:
    """The tool to use. `wanted` is buildah, docker, or auto: buildah if it is there, else docker if its daemon answers.

    Raises BuilderError when the wanted one, or with auto either, is missing, or docker is older than OLDEST_DOCKER.
    """
    if wanted in ("auto", "buildah") and which("buildah"):
        return "buildah"
    found = version() if wanted in ("auto", "docker") and which("docker") else 0
    if found >= OLDEST_DOCKER:
        return "docker"
    missing = {
        "auto": "neither buildah nor a docker whose daemon answers is there; install buildah or start docker",
        "buildah": "buildah is not in PATH; install it, or set todo_builder: docker",
        "docker": "docker is not in PATH or its daemon does not answer; start it, or set todo_builder: buildah",
    }[wanted]
    if found:
        missing = (
            f"docker {found} is too old, {OLDEST_DOCKER} is needed to save images as OCI layouts; or install buildah"
        )
    raise BuilderError(
        f"The todo application's image cannot be built here: {missing}. "
        "An image that is there already can be used instead: set todo_image to its reference."
    )
