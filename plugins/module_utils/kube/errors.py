# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and an API server, as one small family of exceptions."""

from __future__ import annotations

from dataclasses import dataclass, field


class KubeError(Exception):
    """Base of every error of this package; str() is a message meant for the user."""


class ClusterError(KubeError):
    """No usable connection: kubeconfig, context, TLS or network."""


class ReleaseError(KubeError):
    """A release could not be applied or removed."""


class WaitError(KubeError):
    """Something waited for did not come true, or cannot any more."""


@dataclass
class ApiError(KubeError):
    """An answer of the API server that is not a success.

    Fields follow metav1.Status: `status` is the HTTP code, `reason` the machine-readable word (NotFound, Conflict...),
    `message` the server's sentence, `causes` its list of {reason, message, field}.
    """

    method: str
    path: str
    status: int
    reason: str = ""
    message: str = ""
    causes: list[dict[str, str]] = field(default_factory=list)
    retry_after: float | None = None

    def __str__(self) -> str:
        words = self.message or self.reason or "no reason given"
        return f"the API server answered {self.status} to {self.method} {self.path}: {words}"

    @property
    def is_field_conflict(self) -> bool:
        """True for a server-side apply refused because another manager owns a field (a retry cannot help)."""
        return self.status == 409 and any(cause.get("reason") == "FieldManagerConflict" for cause in self.causes)

    @property
    def is_namespace_terminating(self) -> bool:
        """True when the namespace is being deleted (403 with cause NamespaceTerminating)."""
        return self.status == 403 and any(cause.get("reason") == "NamespaceTerminating" for cause in self.causes)

    @property
    def is_not_from_kubernetes(self) -> bool:
        """True for a 404 without a Status: a kind that is not served yet, or something in between that answered."""
        return self.status == 404 and not self.reason

    @property
    def is_schema_mismatch(self) -> bool:
        """True for a field that the kind lacks or whose value has the wrong form; the answer to an apply is 500."""
        texts = (
            "field not declared in schema",
            "unknown field",
            "failed to create typed",
            "failed to convert new object",
        )
        return any(text in self.message for text in texts)

    @property
    def is_dry_run_unsupported(self) -> bool:
        """True when a webhook with side effects refuses to judge a dry run."""
        return self.status == 400 and "does not support dry run" in self.message

    @property
    def is_webhook_failure(self) -> bool:
        """True when an admission or conversion webhook could not be called."""
        text = self.message
        return self.status >= 500 and ("failed calling webhook" in text or "conversion webhook" in text)


def api_error_from_body(method: str, path: str, status: int, body: object, retry_after: float | None) -> ApiError:
    """Build an ApiError from a decoded metav1.Status, or from whatever text came instead (an answer of a proxy)."""
    if not isinstance(body, dict):
        return ApiError(method, path, status, message=str(body or "")[:300], retry_after=retry_after)
    details = body.get("details") or {}
    return ApiError(
        method,
        path,
        status,
        reason=body.get("reason") or "",
        message=body.get("message") or "",
        causes=list(details.get("causes") or []),
        retry_after=retry_after,
    )
