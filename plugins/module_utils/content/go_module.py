# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a version of a Go module in the module cache, or has `go` bring it there.

The layout of the cache and the escaping of capitals ('!x' for 'X') are those of https://go.dev/ref/mod#module-cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .errors import ContentError

DOWNLOAD_SECONDS = 600


def module_directory(module_at_version: str) -> Path:
    """The directory of 'path@version'. Raises ContentError when it is neither cached nor to be had."""
    module, at, version = module_at_version.partition("@")
    if not (module and at and version):
        raise ContentError(f"go_module '{module_at_version}' must be written as path@version")
    cached = _cache() / f"{_escaped(module)}@{_escaped(version)}"
    return cached if cached.is_dir() else _download(module_at_version)


def _escaped(text: str) -> str:
    return "".join("!" + char.lower() if char.isupper() else char for char in text)


def _cache() -> Path:
    if os.environ.get("GOMODCACHE"):
        return Path(os.environ["GOMODCACHE"])
    gopath = os.environ.get("GOPATH", "").split(os.pathsep)[0]
    return (Path(gopath) if gopath else Path.home() / "go") / "pkg" / "mod"


def _download(module_at_version: str) -> Path:
    go = shutil.which("go")
    if go is None:
        raise ContentError(
            f"Go module {module_at_version} is not in the module cache {_cache()}, and there is no go command to fetch "
            "it; install Go, or name the content by url or path"
        )
    with tempfile.TemporaryDirectory(prefix="serverless-go-") as empty:  # away from any go.mod
        try:
            done = subprocess.run(
                [go, "mod", "download", "-json", module_at_version],
                cwd=empty,
                capture_output=True,
                text=True,
                timeout=DOWNLOAD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ContentError(f"go mod download {module_at_version} took longer than {DOWNLOAD_SECONDS} s") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {}
    if answer.get("Error") or not answer.get("Dir"):
        reason = answer.get("Error") or done.stderr.strip() or f"exit code {done.returncode}"
        raise ContentError(f"Go module {module_at_version} cannot be fetched: {reason}")
    return Path(answer["Dir"])
