# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between us and an API server, as one small family of exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..http.failures import FailureKind

MOST_ERRORS_SHOWN = 8
# The words of the API server before those of a webhook or a policy (apiserver, pkg/admission/plugin).
_DENIALS = ("admission webhook", "ValidatingAdmissionPolicy")


class KubeError(Exception):
    """Base of every error of this package; str() is a message meant for the user."""


class ClusterError(KubeError):
    """No usable connection: kubeconfig, context, TLS or network."""


class NoAnswer(ClusterError):
    """No good answer from the API server: none at all, or one that is not the API server's.

    `is_permanent` says that another try cannot help, `kind` what went wrong where the network says it, and
    `retry_after` (seconds) what the answer asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        is_permanent: bool = False,
        kind: FailureKind | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent
        self.kind = kind
        self.retry_after = retry_after


class NotKnown(ClusterError):
    """Whether a kind is served: the aggregated API server that would know does not answer."""


class ReleaseError(KubeError):
    """A release could not be applied or removed; `causes` are the errors of several requests that it sums up."""

    causes: tuple[Exception, ...] = ()

    @classmethod
    def of(cls, doing: str, errors: Sequence[Exception]) -> ReleaseError:
        """One error for several, each reason once; `doing` says what was being done."""
        reasons = list(dict.fromkeys(map(str, errors)))
        lines = reasons[:MOST_ERRORS_SHOWN]
        if len(reasons) > MOST_ERRORS_SHOWN:
            lines.append(f"and {len(reasons) - MOST_ERRORS_SHOWN} more")
        summed_up = cls((f"{doing}: " if doing else "") + "\n".join(lines))
        summed_up.causes = tuple(errors)
        return summed_up


class NotServed(ReleaseError):
    """The API server does not serve a kind."""


class Refused(ReleaseError):
    """A release is not applied, and nothing was changed."""


class WaitError(KubeError):
    """Something waited for did not come true, or cannot any more."""


@dataclass
class ApiError(KubeError):
    """An answer of the API server that is not a success.

    Fields follow metav1.Status: `status` is the HTTP code, `reason` the machine-readable word (NotFound, Conflict...),
    `message` the server's sentence, `causes` its list of {reason, message, field}, `object_name` what it speaks of.
    """

    method: str
    path: str
    status: int
    reason: str = ""
    message: str = ""
    causes: list[dict[str, str]] = field(default_factory=list)
    retry_after: float | None = None
    object_name: str = ""

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
    def is_uid_mismatch(self) -> bool:
        """True when a precondition does not hold: the object of this name is another one by now."""
        words = ("UID in precondition", "UID in the precondition")  # of the store, and of what comes before it
        return self.status == 409 and any(text in self.message for text in words)

    @property
    def is_not_from_kubernetes(self) -> bool:
        """True for a 404 without a Status: a kind that is not served yet, or something in between that answered."""
        return self.status == 404 and self.reason != "NotFound"

    def is_not_found_of(self, name: str) -> bool:
        """True when the API server says that there is no object `name`, and of nothing else."""
        return self.status == 404 and self.reason == "NotFound" and self.object_name == name

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
    def is_of_a_starting_server(self) -> bool:
        """True when an API server that has just started cannot give out addresses or ports of Services yet."""
        return self.status == 422 and "allocator not ready" in self.message

    @property
    def is_policy_denial(self) -> bool:
        """True when a rule of this cluster forbids it, a webhook's or an admission policy's; with any status."""
        return any(text in self.message for text in _DENIALS)

    @property
    def is_of_another_object(self) -> bool:
        """True when the object that a request means is gone, whether or not there is another one of its name."""
        if self.status == 404:
            return self.reason == "NotFound"
        if self.status == 422:
            return any(cause.get("field") == "metadata.uid" for cause in self.causes)
        return self.is_uid_mismatch or (self.status == 409 and "uid mismatch" in self.message)

    @property
    def lacks_permission(self) -> bool:
        """True when the user of the context may not do that (the authorizer's words, not those of an admission)."""
        return self.status == 403 and " cannot " in self.message and not self.is_policy_denial

    @property
    def is_webhook_failure(self) -> bool:
        """True when an admission or conversion webhook could not be called; to LIST, Kubernetes 1.36 says 429 then."""
        text = self.message
        return self.is_server_fault and ("failed calling webhook" in text or "conversion webhook" in text)

    @property
    def is_server_fault(self) -> bool:
        """True when it is the server that cannot answer, not the request that is wrong."""
        return self.status == 429 or self.status >= 500


def api_error_from_body(method: str, path: str, status: int, body: object, retry_after: float | None) -> ApiError:
    """Build an ApiError from a decoded metav1.Status, or from whatever text came instead (an answer of a proxy)."""
    if not isinstance(body, dict) or body.get("kind") != "Status":
        text = body.get("message") or "" if isinstance(body, dict) else body or ""
        return ApiError(method, path, status, message=str(text)[:300], retry_after=retry_after)
    details = body.get("details")
    details = details if isinstance(details, dict) else {}
    causes = details.get("causes")
    return ApiError(
        method,
        path,
        status,
        reason=_text(body.get("reason")),
        message=_text(body.get("message")),
        causes=[cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else [],
        retry_after=retry_after,
        object_name=_text(details.get("name")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
