# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into a report is made harmless first: no credential, nothing that a terminal or a browser would obey."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..http.redaction import redact

# Control characters but tabs and line breaks, halves of surrogate pairs, and what turns the direction of writing
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def clean(value: Any) -> Any:
    """Return a value of JSON with every text in it, keys too, without credentials and unseen characters."""
    return _cleaned(value, {})


def clean_text(text: str) -> str:
    """Return one text without credentials; an unseen character is shown as the replacement character."""
    return _UNSEEN.sub("\ufffd", redact(text.replace("\r\n", "\n")))


def _cleaned(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, str):
        if value not in known:
            known[value] = clean_text(value)
        return known[value]
    if isinstance(value, Mapping):
        return {_cleaned(str(key), known): _cleaned(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item, known) for item in value]
    return value
