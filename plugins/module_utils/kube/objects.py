# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of a Kubernetes object and how it is written for people and in records."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, order=True)
class ObjectRef:
    """Group, version, kind, namespace and name; `namespace` is empty for cluster-scoped objects."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, document: Document) -> ObjectRef:
        """The reference of a document that has apiVersion, kind and metadata.name."""
        metadata = document.get("metadata") or {}
        return cls(
            document["apiVersion"], document["kind"], metadata.get("namespace") or "", metadata.get("name") or ""
        )

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Equal for the same object in two versions of its group."""
        return (self.group, self.kind, self.namespace, self.name)

    def __str__(self) -> str:
        """Short form: 'Deployment todo/web', 'Namespace todo'."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def to_line(self) -> str:
        """One line of the release record."""
        return " ".join([self.api_version, self.kind, self.namespace or "-", self.name])

    @classmethod
    def from_line(cls, line: str) -> ObjectRef:
        """The reverse of `to_line`. Raises ValueError on a damaged line."""
        api_version, kind, namespace, name = line.split(" ", 3)
        return cls(api_version, kind, "" if namespace == "-" else namespace, name)


def matches(matcher: dict[str, Any], document: Document) -> bool:
    """True when every given key of {kind, name, namespace, group} fits; values may be shell patterns."""
    metadata = document.get("metadata") or {}
    actual = {
        "kind": document.get("kind") or "",
        "name": metadata.get("name") or "",
        "namespace": metadata.get("namespace") or "",
        "group": str(document.get("apiVersion") or "").rpartition("/")[0],
    }
    wanted = {key: value for key, value in matcher.items() if value is not None}
    unknown = sorted(set(wanted) - set(actual))
    if unknown:
        raise ValueError(f"unknown key {', '.join(unknown)} in matcher {matcher}; allowed: {', '.join(actual)}")
    return all(fnmatchcase(actual[key], str(value)) for key, value in wanted.items())
