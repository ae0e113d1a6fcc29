# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfig files as client-go loads and merges them (tools/clientcmd/loader.go).

An error names file and place and never repeats what stands there: it may be a credential.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

try:
    import yaml
except ImportError:  # comes with ansible-core and kubernetes; reported by context.connect
    yaml = None  # type: ignore[assignment]

from ...plain_yaml import safe_loader
from ..errors import ClusterError
from .kubeconfig_schema import CLUSTER, CONTEXT, USER, KubeconfigError, checked

Entries = dict[str, dict[str, Any]]


@dataclass
class Kubeconfig:
    """What all files say together; each of the three maps a name to its fields, with absolute paths.

    `files` are those that were read, of the list `location`. `current` is the current context, '' for none.
    """

    location: str
    current: str = ""
    files: list[Path] = field(default_factory=list)
    contexts: Entries = field(default_factory=dict)
    clusters: Entries = field(default_factory=dict)
    users: Entries = field(default_factory=dict)


def kubeconfig_location(kubeconfig: str | None) -> str:
    """The kubeconfig path or path list to use: the argument, else KUBECONFIG, else ~/.kube/config."""
    return os.path.expanduser(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")


def load_kubeconfig(location: str) -> Kubeconfig:
    """Read and merge the files of `location`, a path or a list of them with colons.

    Missing files are passed over, empty ones say nothing, and of entries with one name the first file's counts whole.
    Raises ClusterError when no file is there, or one cannot be read.
    """
    merged = Kubeconfig(location)
    for part in dict.fromkeys(location.split(os.pathsep)):
        path = Path(os.path.expanduser(part))
        try:
            data = path.read_bytes() if part else None
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ClusterError(f"the kubeconfig {path} cannot be read: {error.strerror}") from error
        if data is None:
            continue
        merged.files.append(path)
        try:
            _merge(merged, _parse(data), path.absolute().parent)
        except KubeconfigError as error:
            raise ClusterError(f"the kubeconfig {path} cannot be read: {error}") from None
    if not merged.files:
        raise ClusterError(
            f"no kubeconfig at {location}; name one with serverless_kubeconfig (the option kubeconfig of a module or "
            "an inventory plugin) or with the environment variable KUBECONFIG"
        )
    return merged


def _parse(data: bytes) -> dict[str, Any]:
    """The first document of a file; {} for an empty one. Raises KubeconfigError."""
    try:
        document = json.loads(data)  # it may be indented by tabs, which YAML refuses
    except ValueError:
        document = _parse_yaml(data)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise KubeconfigError("it is not a map")
    if document.get("kind") not in (None, "", "Config") or document.get("apiVersion") not in (None, "", "v1"):
        raise KubeconfigError("it is not a Config of v1")
    return document


def _parse_yaml(data: bytes) -> Any:
    try:
        return next(yaml.load_all(data, Loader=_loader()), None)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise KubeconfigError(f"it is not valid YAML{f', line {mark.line + 1}' if mark else ''}") from None
    except ValueError:
        raise KubeconfigError("it is not valid YAML") from None


def _loader() -> Any:
    class Loader(safe_loader()):
        """YAML without dates, which JSON and so client-go do not know."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _merge(merged: Kubeconfig, document: dict[str, Any], directory: Path) -> None:
    current = document.get("current-context")
    if current is not None and not isinstance(current, str):
        raise KubeconfigError("current-context is not a string: put it in quotes")
    merged.current = merged.current or current or ""
    for name, fields in _named(document, "contexts", "context"):
        merged.contexts.setdefault(name, checked(fields, CONTEXT, f"context {name!r}"))
    for name, fields in _named(document, "clusters", "cluster"):
        cluster = checked(fields, CLUSTER, f"cluster {name!r}")
        _resolve(cluster, ("certificate-authority",), directory)
        merged.clusters.setdefault(name, cluster)
    for name, fields in _named(document, "users", "user"):
        user = checked(fields, USER, f"user {name!r}")
        _resolve(user, ("client-certificate", "client-key", "tokenFile"), directory)
        if os.sep in user.get("exec", {}).get("command", ""):  # a bare word is looked for in PATH
            _resolve(user["exec"], ("command",), directory)
        merged.users.setdefault(name, user)


def _named(document: dict[str, Any], section: str, key: str) -> Iterable[tuple[str, Any]]:
    entries = document.get(section) or []
    if not isinstance(entries, list):
        raise KubeconfigError(f"{section} is not a list")
    seen = set()
    for entry in entries:
        entry = {} if entry is None else entry
        if not isinstance(entry, dict):
            raise KubeconfigError(f"an entry of {section} is not a map")
        name = "" if entry.get("name") is None else entry["name"]
        if not isinstance(name, str):
            raise KubeconfigError(f"a name in {section} is not a string: put it in quotes")
        if name in seen:
            raise KubeconfigError(f"{section} has the name {name!r} twice")
        seen.add(name)
        yield name, entry.get(key)


def _resolve(fields: dict[str, Any], keys: Iterable[str], directory: Path) -> None:
    """Make paths absolute: relative ones stand beside the file that names them."""
    for key in keys:
        if fields.get(key):
            fields[key] = str(directory / fields[key])
