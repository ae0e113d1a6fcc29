# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of the API server in words that say what is wrong, where, and what to do."""

from __future__ import annotations

from ..errors import ApiError
from ..objects import Document, ObjectRef
from .present.conflicts import conflicting_managers, field_conflicts, pointer_of


def explain(ref: ObjectRef, error: ApiError, role: str = "") -> str:
    """One message about `error`, met while working on `ref`; `role` is whose options are named as the remedy."""
    if error.is_field_conflict:
        return f"{ref}: {conflict_reason(error)}. {conflict_remedy(ref, error, {}, role)}"
    remedy = remedy_of(error, role)
    return f"{ref}: {reason_of(error)}" + (f". {remedy}" if remedy else "")


def reason_of(error: ApiError) -> str:
    """The server's own words."""
    return error.message or error.reason or f"HTTP {error.status}"


def conflict_reason(error: ApiError) -> str:
    """Which fields have other values, and who set them."""
    fields = "; ".join(f"{path} is set by {holder}" for holder, path in field_conflicts(error))
    return f"other values were set by hand or by a controller: {fields}"


def conflict_remedy(ref: ObjectRef, error: ApiError, sent: Document, role: str) -> str:
    """What settles a field conflict, with the option written out as far as it can be."""
    pointers = [pointer_of(sent, path) for _holder, path in field_conflicts(error)]
    known = [pointer for pointer in pointers if pointer]
    match = f"{{kind: {ref.kind}, name: {ref.name}}}"
    ignore = f"[{{match: {match}, pointers: [{', '.join(known)}]}}]" if known else "(see the role's README)"
    holders = ", ".join(sorted(set(conflicting_managers(error))))
    return (
        f"To leave them to {holders or 'their owner'}: {_option(role, 'ignore_fields')}: {ignore}; "
        f"to set them back: {_option(role, 'force_conflicts')}: true"
    )


def remedy_of(error: ApiError, role: str = "") -> str:
    """What helps against a refusal; empty where the server's words are all there is to say."""
    if error.is_webhook_failure:
        return (
            "The webhook's server does not answer: look at the pods behind the service it names; the webhook "
            "configuration of a product that is gone must be removed"
        )
    if error.is_namespace_terminating:
        return "The namespace is being deleted: see its status conditions for what holds it"
    if error.status == 401:
        return "The credentials of this context are not accepted: log in again or renew the kubeconfig"
    if error.status == 403 and "exceeded quota" in error.message:
        return "Raise the quota of the namespace, or lower what is asked for"
    if error.is_policy_denial:
        return "A policy of this cluster forbids it: change what it names, or ask whoever keeps the policy"
    if error.lacks_permission:
        return "The user of this context lacks that permission: use one that may, or extend its role"
    if error.is_schema_mismatch:
        return f"Correct the field, or have it left out: {_option(role, 'ignore_fields')}"
    if error.status == 413 or "request is too large" in error.message:
        return "Split the object: the server's limit is about 1.5 MB"
    if error.status == 422 and "provided port is already allocated" in error.message:
        return "Another Service has that node port: choose another one, or 0 to have the cluster choose"
    fixed = ("immutable", "forbidden", "may not change once set")
    if error.status == 422 and any(text in error.message.lower() for text in fixed):
        return "The field cannot be changed in place: put the old value back, or delete the object first"
    return ""


def unjudged_because(error: ApiError) -> str:
    """Why a refusal says nothing about the run: a webhook keeps the answer to itself. Empty for any other one."""
    if error.is_webhook_failure:
        return f"a webhook does not answer ({error.message})"
    return f"a webhook takes no rehearsals ({error.message})" if error.is_dry_run_unsupported else ""


def _option(role: str, option: str) -> str:
    return f"{role}_{option}" if role else option
