# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the network or a registry said to a reason and one line for a person."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ...durations import elapsed
from ...http.failures import FailureKind, describe
from ...http.redaction import conceal_text, redact
from ..errors import Reason, RegistryError
from .backoff import limit_text, retry_after
from .clock import SYSTEM, Clock

SHOWN_LIMIT = 64 * 1024  # bytes of an answer that are looked at for its words
_LONGEST_TEXT = 300
_STATUS = {
    401: Reason.LOGIN,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    407: Reason.PROXY,
    429: Reason.RATE_LIMIT,
}
_REASONS = {
    FailureKind.NAME: Reason.DNS,
    FailureKind.NAME_SERVER: Reason.DNS,
    FailureKind.CERTIFICATE: Reason.TLS,
    FailureKind.TLS: Reason.TLS,
    FailureKind.CONNECT_TIMEOUT: Reason.TIMEOUT,
    FailureKind.READ_TIMEOUT: Reason.TIMEOUT,
    FailureKind.PROXY: Reason.REFUSED,
    FailureKind.PROXY_REFUSES: Reason.PROXY,
    FailureKind.REFUSED: Reason.REFUSED,
    FailureKind.BROKEN: Reason.BROKEN,
}


def of_exception(registry: str, error: Exception) -> RegistryError:
    """Return what urllib3 or the system raised as an error with its reason."""
    failure = describe(error)
    text = failure.text
    if failure.kind in (FailureKind.CERTIFICATE, FailureKind.TLS):
        text = f"{text}; a private authority is named by ca_file under serverless_images.registries"
    return RegistryError(_REASONS[failure.kind], registry, text)


def without_secrets(error: RegistryError, secrets: Iterable[str]) -> RegistryError:
    """Return an error without what was sent, which a registry may repeat anywhere: in addresses, headers, its form."""
    detail = conceal_text(error.detail, secrets)
    return RegistryError(error.reason, error.registry, detail, error.retry_after, error.status)


def of_status(
    registry: str, status: int, headers: Mapping[str, str], body: bytes, clock: Clock = SYSTEM
) -> RegistryError:
    """Return an answer that refuses as an error with its reason."""
    said = _said(body)
    wait = retry_after(headers, clock) if status in (429, 503) else None
    reason = _STATUS.get(status) or (Reason.SERVER if status >= 500 else Reason.PROTOCOL)
    detail = f"{status} {said}".strip()
    if status == 429 and (limit := limit_text(headers)):
        detail += f"; the limit is {limit}"
    if wait is not None:
        detail += f"; it ends in {elapsed(wait)}, at {clock.after(wait)}"
    return RegistryError(reason, registry, detail, wait, status)


def _said(body: bytes) -> str:
    """Return the registry's own words: the errors of the distribution spec, else the begin of the text."""
    text = body[:SHOWN_LIMIT].decode("utf-8", "replace")
    try:
        errors = json.loads(text)["errors"]
        return _line("; ".join(_error(item) for item in errors))
    except (ValueError, KeyError, TypeError):
        return "" if "<html" in text.lower() else _line(text)


def _error(item: Any) -> str:
    return ": ".join(str(item[key]) for key in ("code", "message") if item.get(key))


def _line(text: str) -> str:
    line = redact(" ".join(text.split()))  # before it is cut, or half a credential would remain
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}..."
