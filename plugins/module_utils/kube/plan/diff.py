# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before and after of one object for --diff: only what we own, and never a secret."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

try:
    import yaml
except ImportError:  # ansible-core itself needs it
    yaml = None  # type: ignore[assignment]

from ..objects import ObjectRef

# New in every process: equal values look equal within one run, and nobody can guess a value from its fingerprint.
_KEY = os.urandom(32)


def difference(ref: ObjectRef, before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """The entry for Ansible's diff list; {} stands for 'not there'."""
    return {
        "before_header": str(ref),
        "after_header": str(ref),
        "before": _text(ref, before),
        "after": _text(ref, after),
    }


def fingerprint(value: object) -> str:
    """A keyed hash that stands for a secret value in this run's output."""
    digest = hmac.new(_KEY, str(value).encode(), hashlib.sha256).hexdigest()
    return f"(secret, fingerprint {digest[:12]})"


def _text(ref: ObjectRef, fields: dict[str, Any]) -> str:
    if not fields:
        return ""
    shown = dict(fields)
    if ref.kind == "Secret":
        for part in ("data", "stringData"):
            if isinstance(shown.get(part), dict):
                shown[part] = {key: fingerprint(value) for key, value in shown[part].items()}
    return yaml.safe_dump(shown, sort_keys=True, default_flow_style=False, width=160)
