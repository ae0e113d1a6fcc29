# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of the API server in words that say what is wrong, where, and what to do."""

from __future__ import annotations

from ..errors import ApiError
from ..objects import ObjectRef


def explain(ref: ObjectRef, error: ApiError) -> str:
    """One message about `error`, met while working on `ref`."""
    if error.is_field_conflict:
        return _conflict(ref, error)
    return f"{ref}: {error.message or error.reason or f'HTTP {error.status}'}{_advice(error)}"


def _conflict(ref: ObjectRef, error: ApiError) -> str:
    fields = "; ".join(
        f"{cause.get('field', '?')} ({cause.get('message', 'owned by another manager')})" for cause in error.causes
    )
    return (
        f"{ref}: another field manager has set other values: {fields}. "
        "Leave such a field to its owner with ignore_fields, or take it over with force_conflicts: true"
    )


def _advice(error: ApiError) -> str:
    if error.is_webhook_failure:
        return (
            ". The webhook's server does not answer: look at the pods behind the service it names; the webhook "
            "configuration of a product that is gone must be removed"
        )
    if error.is_namespace_terminating:
        return ". The namespace is being deleted: see its status conditions for what holds it"
    if error.status == 401:
        return ". The credentials of this context are not accepted: log in again or renew the kubeconfig"
    if error.status == 403:
        return ". The user of this context lacks that permission: use one that may, or extend its role"
    if error.is_schema_mismatch:
        return ". Correct the field, or take it out (overlay of render, or ignore_fields)"
    if error.status == 413 or "request is too large" in error.message:
        return ". Split the object: the server's limit is about 1.5 MB"
    if error.status == 422 and "immutable" in error.message:
        return ". The field cannot be changed in place: delete the object first, or give the new one another name"
    return ""
