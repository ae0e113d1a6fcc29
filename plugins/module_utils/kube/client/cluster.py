# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Kubernetes cluster as seen through one context: read, apply, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..deadline import Deadline
from ..errors import ApiError, ClusterError, ReleaseError
from ..objects import Document
from .backoff import worth_retrying
from .discovery import Discovery, Resource
from .kubeconfig import Connection, connect
from .transport import Transport

FIELD_MANAGER = "selfhosted.serverless"
APPLY_TYPE = "application/apply-patch+yaml"  # JSON is YAML
CONCURRENCY = 8


class Cluster:
    """Client of one API server. Thread-safe after construction.

    `transport.retries` and `transport.requests` count what was needed.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.discovery = Discovery(transport)

    @classmethod
    def connect(
        cls, context: str, kubeconfig: str | None = None, on_retry: Callable[[str], None] | None = None
    ) -> Cluster:
        """The cluster of `context`; nothing is sent yet. Raises ClusterError naming the contexts there are."""

        def connection() -> Connection:
            return connect(context, kubeconfig, CONCURRENCY + 8)

        return cls(Transport(connection(), on_retry, reconnect=connection))

    @property
    def warnings(self) -> list[str]:
        """What the user should know about the connection (TLS verification off, kubeconfig readable by others)."""
        return self.transport.connection.warnings

    def get_path(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """GET of a raw path such as /version. Raises ApiError, for a path that is not served at once."""
        return self.transport.call("GET", path, query=query, retry_if=_served_but_failing)

    def resource(self, api_version: str, kind: str) -> Resource:
        """The served resource. Raises ReleaseError when the server does not have that kind."""
        found = self.discovery.find(api_version, kind)
        if found is None:
            raise ReleaseError(f"the cluster does not serve {kind} of {api_version}; install what defines it first")
        return found

    def get(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, deadline: Deadline | None = None
    ) -> Document | None:
        """The object, or None when there is none (or no such kind)."""
        resource = self.discovery.find(api_version, kind)
        if resource is None:
            return None
        try:
            return self.transport.call("GET", resource.path(namespace, name), deadline=deadline)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        deadline: Deadline | None = None,
    ) -> list[Document]:
        """All objects of a kind, in one namespace or everywhere; [] when the kind is not served."""
        resource = self.discovery.find(api_version, kind)
        if resource is None:
            return []
        query = {"labelSelector": label_selector} if label_selector else None
        answer = self.transport.call("GET", resource.path(namespace), query=query, deadline=deadline)
        items = answer.get("items") or []
        for item in items:  # a LIST leaves these out of its items
            item.setdefault("apiVersion", api_version)
            item.setdefault("kind", kind)
        return items

    def apply(
        self,
        document: Document,
        *,
        dry_run: bool = False,
        force: bool = False,
        manager: str = FIELD_MANAGER,
        deadline: Deadline | None = None,
        retry_if: Callable[[ApiError], bool] = worth_retrying,
    ) -> Document:
        """Server-side apply; the object as stored (or as it would be). Raises ApiError, a field conflict included."""
        metadata = document["metadata"]
        resource = self.resource(document["apiVersion"], document["kind"])
        query = {"fieldManager": manager, "fieldValidation": "Strict", "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        return self.transport.call(
            "PATCH",
            resource.path(metadata.get("namespace"), metadata["name"]),
            query=query,
            body=document,
            content_type=APPLY_TYPE,
            deadline=deadline,
            retry_if=retry_if,
        )

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        propagation: str = "Background",
        dry_run: bool = False,
        deadline: Deadline | None = None,
    ) -> bool:
        """Ask for deletion; True when there was something to delete. With `uid` a newer object is left alone."""
        resource = self.discovery.find(api_version, kind)
        if resource is None:
            return False
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        if dry_run:
            options["dryRun"] = ["All"]
        try:
            self.transport.call("DELETE", resource.path(namespace, name), body=options, deadline=deadline)
        except ApiError as error:
            if error.status == 404:  # gone already, or the answer to an earlier try was lost
                return False
            raise
        return True


def _served_but_failing(error: ApiError) -> bool:
    return worth_retrying(error) and not error.is_not_from_kubernetes


__all__ = ["CONCURRENCY", "FIELD_MANAGER", "Cluster", "ClusterError"]
