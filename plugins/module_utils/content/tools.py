# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the two tools that render for us: kubectl kustomize and istioctl manifest generate. Neither needs a cluster."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from .errors import ContentError
from .loading import dump_documents

TOOL_SECONDS = 120


def kustomize(kubectl: str, directory: Path) -> str:
    """The YAML that `kubectl kustomize` builds from a directory. Raises ContentError."""
    return _run([kubectl, "kustomize", str(directory)], "kubectl")


def istio_manifest(istioctl: str, values: dict[str, Any]) -> str:
    """The YAML that istioctl renders for an IstioOperator `spec`. Raises ContentError when hub or tag are left open."""
    spec = values.get("spec") or {}
    missing = [key for key in ("hub", "tag") if not spec.get(key)]
    if missing:
        raise ContentError(
            f"istioctl: values.spec lacks {' and '.join(missing)}; istioctl's own defaults are not relied on"
        )
    document = {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", **values}
    with tempfile.TemporaryDirectory(prefix="serverless-istio-") as directory:
        file = Path(directory, "values.yaml")
        file.write_text(dump_documents([document]))
        return _run([istioctl, "manifest", "generate", "-f", str(file)], "istioctl")


def istioctl_version(istioctl: str) -> str:
    """What the client says its version is."""
    return _run([istioctl, "version", "--remote=false", "--short"], "istioctl").strip().removeprefix("client version: ")


def _run(command: list[str], tool: str) -> str:
    # Without a kubeconfig the tool cannot look at any cluster, not even by mistake.
    environment = {**os.environ, "KUBECONFIG": os.devnull}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False, env=environment
        )
    except FileNotFoundError as error:
        raise ContentError(f"there is no {command[0]}; name the program {tool} by its path") from error
    except OSError as error:
        raise ContentError(f"{command[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ContentError(f"{' '.join(command[:3])} took longer than {TOOL_SECONDS} s") from error
    if done.returncode:
        raise ContentError(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-1500:]}")
    return done.stdout
