# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tool builds images on this machine: told by what a program says of itself, not by its name.

`docker` may be podman (podman-docker) or nerdctl, or talk to podman's service; docker builds with secrets only by its
plugin buildx. Source: the programs' --version, docker version and docker buildx version.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

OLDEST_DOCKER = 25
"""The first major version whose `docker save` writes an OCI layout."""
_OLDEST_API = (1, 44)  # of that version, for builds that have another name or none (dev, 0.0.0-2025...)
KINDS = ("buildah", "docker", "podman", "nerdctl")
_SECONDS = 15

Ask = Callable[[Sequence[str]], "str | None"]  # runs a command; its output, None where it fails


class BuilderError(Exception):
    """No usable tool, or a build that failed; the text says what to do."""


@dataclass(frozen=True)
class Builder:
    """A tool: what it is, the program's name here, its version, and the builder of docker's buildx to name."""

    kind: str
    program: str
    version: str = ""
    buildx: str = ""


def ask_command(words: Sequence[str]) -> str | None:
    """Run a command and return what it prints, None where it is not there, fails, or takes too long."""
    try:
        done = subprocess.run(
            list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def choose_builder(wanted: str, which: Callable[[str], str | None] = shutil.which, ask: Ask = ask_command) -> Builder:
    """Return the tool to use. `wanted` is one of KINDS, or auto: the first of them that can be used.

    A program of one kind under the name of another is used for either. Raises BuilderError with the reason of each
    that cannot be used.
    """
    reasons = []
    for name in KINDS if wanted == "auto" else (wanted,):
        found = _look(name, ask) if which(name) else f"{name} is not in PATH"
        if isinstance(found, Builder):
            return found
        reasons.append(found)
    advice = f"install buildah, or set todo_builder to one of {', '.join(KINDS)} that is there"
    raise BuilderError(
        f"The todo application's image cannot be built here: {'; '.join(reasons)}. To build it, {advice}. "
        "An image that is there already can be used instead: set todo_image to its reference."
    )


def _look(name: str, ask: Ask) -> Builder | str:
    """Return what a program is, or why it cannot be used."""
    said = ask([name, "--version"])
    if said is None:
        return f"{name} --version fails"
    # Wrappers write a line of their own before it.
    kind = next((kind for kind in KINDS if re.search(rf"^{kind}\b", said, re.IGNORECASE | re.MULTILINE)), name)
    version = found[0] if (found := re.search(r"\d+(\.\d+)+", said)) else ""
    shown = kind if kind == name else f"{name}, which is {kind} {version},"
    if kind == "docker":
        return _docker(name, ask)
    if kind == "nerdctl" and ask([name, "info"]) is None:
        return f"{shown} cannot reach its containerd"
    if kind == "podman" and ask([name, "info"]) is None:
        return f"{shown} does not work here (see podman info; podman machine start, where it needs one)"
    return Builder(kind, name, version)


def _docker(name: str, ask: Ask) -> Builder | str:
    server = _server(ask([name, "version", "--format", "{{json .Server}}"]))
    version = str(server.get("Version") or "")
    if not version:
        return f"{name}'s daemon does not answer; start it"
    engine = str((server.get("Platform") or {}).get("Name") or "")
    parts = " ".join(str(part.get("Name")) for part in server.get("Components") or [])
    if "podman" in f"{engine} {parts}".lower():
        return f"{name} speaks to podman {version}, which builds with secrets only by its own program; install podman"
    major, api = _numbers(version)[0], _numbers(str(server.get("ApiVersion") or ""))
    if major < OLDEST_DOCKER and (major or api < _OLDEST_API):
        return f"docker {major or version} is too old, {OLDEST_DOCKER} is needed to save images as OCI layouts"
    if ask([name, "buildx", "version"]) is None:
        return f"{name} has no buildx, without which it cannot build with secrets; install docker-buildx"
    # The builder of the context in use, which keeps its images in docker; another one may have been chosen by hand.
    return Builder("docker", name, version, ask([name, "context", "show"]) or "default")


def _numbers(version: str) -> tuple[int, int]:
    """Return major and minor of a version such as v28.0.4, zeros for a word."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _server(text: str | None) -> dict[str, object]:
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
