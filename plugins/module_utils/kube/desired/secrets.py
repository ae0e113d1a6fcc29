# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that a release makes itself, so that no value is ever a task argument, a fact, a file or part of a log."""

from __future__ import annotations

import base64
import json
import secrets
import string
from typing import Any

from ...docker_config import SECRET_KEY, SECRET_TYPE, docker_config
from ...secret_source import resolve
from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..objects import Document

ALPHABET = string.ascii_letters + string.digits  # safe in URLs, shells and connection strings


def secret_document(cluster: Cluster, item: dict[str, Any], namespace: str | None, deadline: Deadline) -> Document:
    """The Secret for one item of the release module's `secrets`.

    `keys` maps a key to {generate: length}, or to a source of a value ({env}, {file} or {value}). A generated value is
    made once: what the cluster has is kept. `docker_config` maps registries to {username, password: source}.
    Raises ReleaseError or the source's own error; no message holds a value.
    """
    name, home = item.get("name"), item.get("namespace") or namespace
    if not name or not home:
        raise ReleaseError("every item of secrets needs a name and a namespace (its own or the option namespace)")
    document: Document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": home},
        "type": item.get("type") or "Opaque",
    }
    if item.get("docker_config"):
        document["type"] = SECRET_TYPE
        document["data"] = {SECRET_KEY: _encoded(_docker_config(item["docker_config"]))}
        return document
    cluster.discovery.ensure(deadline)
    live = cluster.get("v1", "Secret", name, home, deadline) or {}
    document["data"] = {
        key: _value(key, source, live.get("data") or {}, f"Secret {home}/{name}")
        for key, source in (item.get("keys") or {}).items()
    }
    return document


def generated_keys(item: dict[str, Any]) -> frozenset[str]:
    """The keys of an item of the release module's `secrets` whose value is random, and cannot be made again."""
    return frozenset(key for key, source in (item.get("keys") or {}).items() if "generate" in source)


def _value(key: str, source: dict[str, Any], stored: dict[str, str], where: str) -> str:
    """The base64 value of one key."""
    if "generate" not in source:
        return _encoded(resolve(source))
    if key in stored:
        return stored[key]
    length = int(source["generate"])
    if length < 16:
        raise ReleaseError(f"{where}, key {key}: a generated value needs a length of at least 16, not {length}")
    return _encoded("".join(secrets.choice(ALPHABET) for position in range(length)))


def _docker_config(registries: dict[str, Any]) -> str:
    auths: dict[str, Any] = {}
    for registry, login in sorted(registries.items()):
        auths.update(json.loads(docker_config(registry, login["username"], resolve(login["password"])))["auths"])
    return json.dumps({"auths": auths}, sort_keys=True, separators=(",", ":"))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
