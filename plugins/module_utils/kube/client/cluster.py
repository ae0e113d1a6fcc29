# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Kubernetes cluster as seen through one context: read, apply, delete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..deadline import Deadline
from ..errors import ApiError, ClusterError, NotServed
from ..objects import Document
from .answers import deletion_fault, object_fault
from .backoff import worth_retrying
from .connection import Connection
from .context import LoginFor, connect
from .discovery import Discovery, Resource
from .discovery_cache import DiscoveryCache
from .listing import list_objects
from .served import WhileServed
from .transport import OnRetry, Transport

FIELD_MANAGER = "selfhosted.serverless"
APPLY_TYPE = "application/apply-patch+yaml"  # JSON is YAML
CONCURRENCY = 8


class Cluster:
    """Client of one API server. Thread-safe after construction.

    `transport.retries` and `transport.requests` count what was needed.

    An object counts as not there only when the API server says so: by a Status with the reason NotFound for this very
    object, or when the kind is not served by a discovery that was read after the question. Everything else, a bare 404
    too, is an error after the retries.
    """

    def __init__(self, transport: Transport, cache: DiscoveryCache | None = None) -> None:
        self.transport = transport
        self.discovery = Discovery(transport, cache)

    @classmethod
    def connect(
        cls,
        context: str,
        kubeconfig: str | None = None,
        on_retry: OnRetry | None = None,
        discovery_cache: str | Path | None = None,
        login_for: LoginFor | None = None,
    ) -> Cluster:
        """The cluster of `context`; nothing is sent yet. Raises ClusterError naming the contexts there are.

        `discovery_cache` is a directory of this run, in which the tasks share what they learn of the server's kinds.
        Connections are not shared: Ansible forks for each task and host, so each task opens its own. `login_for` gives
        the login that counts in place of the kubeconfig's user.
        """

        def connection() -> Connection:
            return connect(context, kubeconfig, CONCURRENCY + 8, login_for)

        first = connection()
        cache = DiscoveryCache(discovery_cache, first.identity) if discovery_cache else None
        return cls(Transport(first, on_retry, reconnect=connection), cache)

    @property
    def warnings(self) -> list[str]:
        """What the user should know about the connection (TLS verification off, kubeconfig readable by others)."""
        return self.transport.connection.warnings

    def get_path(self, path: str, query: dict[str, Any] | None = None, deadline: Deadline | None = None) -> Any:
        """GET of a raw path such as /version. Raises ApiError, for a path that is not served at once."""
        return self.transport.call("GET", path, query=query, deadline=deadline, retry_if=_served_but_failing)

    def resource(self, api_version: str, kind: str, deadline: Deadline | None = None) -> Resource:
        """The served resource. Raises NotServed when the server does not have that kind."""
        found = self.discovery.look_up(api_version, kind, deadline)
        if found is None:
            raise NotServed(f"the cluster does not serve {kind} of {api_version}; install what defines it first")
        return found

    def get(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, deadline: Deadline | None = None
    ) -> Document | None:
        """The object, or None when there is none (or no such kind). Raises KubeError when that is not certain."""
        resource = self.discovery.look_up(api_version, kind, deadline)
        if resource is None:
            return None
        served = WhileServed(self.discovery, resource, deadline)
        try:
            return self.transport.call(
                "GET",
                resource.path(namespace, name),
                deadline=deadline,
                retry_if=served,
                fault_of=lambda answer: object_fault(answer, api_version, kind, name, namespace),
            )
        except ApiError as error:
            if error.is_not_found_of(name) or served.is_gone:
                return None
            raise

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        deadline: Deadline | None = None,
        *,
        metadata_only: bool = False,
    ) -> list[Document]:
        """All objects of a kind, in one namespace or everywhere; [] when the kind is not served.

        With `metadata_only` they have apiVersion, kind and metadata alone. Raises KubeError.
        """
        resource = self.discovery.look_up(api_version, kind, deadline)
        if resource is None:
            return []
        served = WhileServed(self.discovery, resource, deadline)
        try:
            return list_objects(
                self.transport,
                resource,
                namespace,
                label_selector,
                deadline,
                metadata_only=metadata_only,
                retry_if=served,
            )
        except ApiError:
            if served.is_gone:
                return []
            raise

    def create(
        self,
        document: Document,
        manager: str = FIELD_MANAGER,
        dry_run: bool = False,
        deadline: Deadline | None = None,
        retry_if: Callable[[ApiError], bool] = worth_retrying,
    ) -> Document:
        """Make an object that must not be there yet; the object as stored. Raises ApiError.

        The reason of the error is AlreadyExists when there is one. After a lost answer that may be the object which
        the first try has made, so whoever must know reads it.
        """
        metadata = document["metadata"]
        resource = self.resource(document["apiVersion"], document["kind"], deadline)
        return self.transport.call(
            "POST",
            resource.path(metadata.get("namespace")),
            query=_write_query(manager, dry_run),
            body=document,
            deadline=deadline,
            retry_if=retry_if,
            fault_of=_stored(resource, metadata.get("name"), metadata.get("namespace")),
        )

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
        resource = self.resource(document["apiVersion"], document["kind"], deadline)
        return self.transport.call(
            "PATCH",
            resource.path(metadata.get("namespace"), metadata["name"]),
            query={**_write_query(manager, dry_run), "force": "true" if force else "false"},
            body=document,
            content_type=APPLY_TYPE,
            deadline=deadline,
            retry_if=retry_if,
            fault_of=_stored(resource, metadata["name"], metadata.get("namespace")),
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
        grace_seconds: int | None = None,
        dry_run: bool = False,
        deadline: Deadline | None = None,
        retry_if: Callable[[ApiError], bool] = worth_retrying,
    ) -> bool:
        """Ask for deletion; True when there was something to delete.

        With `uid` a newer object is left alone: an ApiError with `is_uid_mismatch` tells that there is one by now.
        `grace_seconds` are those that a pod gets to end; None leaves it what its own specification says.
        """
        resource = self.discovery.look_up(api_version, kind, deadline)
        if resource is None:
            return False
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if dry_run:
            options["dryRun"] = ["All"]
        served = WhileServed(self.discovery, resource, deadline, retry_if)
        try:
            self.transport.call(
                "DELETE",
                resource.path(namespace, name),
                query={"dryRun": "All"} if dry_run else None,  # the body decides, this is for logs in between
                body=options,
                deadline=deadline,
                retry_if=served,
                fault_of=lambda answer: deletion_fault(answer, kind, name),
            )
        except ApiError as error:
            # Gone already, or the answer to an earlier try was lost.
            if error.is_not_found_of(name) or served.is_gone:
                return False
            raise
        return True


def _write_query(manager: str, dry_run: bool) -> dict[str, str]:
    query = {"fieldManager": manager, "fieldValidation": "Strict"}
    return {**query, "dryRun": "All"} if dry_run else query


def _stored(resource: Resource, name: str | None, namespace: str | None) -> Callable[[Any], str]:
    """The check of an answer to a write. What can only be created, such as a review, has no name and no uid."""
    if "get" not in resource.verbs:
        return lambda answer: "" if isinstance(answer, dict) and answer.get("kind") == resource.kind else "it is not it"
    return lambda answer: object_fault(answer, resource.api_version, resource.kind, name, namespace, stored=True)


def _served_but_failing(error: ApiError) -> bool:
    return worth_retrying(error) and not error.is_not_from_kubernetes


__all__ = ["CONCURRENCY", "FIELD_MANAGER", "Cluster", "ClusterError"]
