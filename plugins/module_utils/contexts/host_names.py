# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of hosts for contexts: such that every command and every pattern of Ansible takes them as they stand.

A context may be called anything: an ARN with colons and a slash, an OpenShift login with slashes and a port, words with
blanks. In a pattern of hosts colons, commas, blanks, brackets and some more characters mean something
(ansible.inventory.manager, split_host_pattern).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable

_OTHERS = re.compile(r"[^A-Za-z0-9._]+")
_DIGITS = 6  # of the checksum that tells apart what would have the same name


def host_names(contexts: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """Return the host's name for each context; no two are the same, and none is `taken`, as by a group.

    The name of one context does not depend on the order of the others. Where two would have the same, or one is taken,
    a checksum of the context follows it.
    """
    plain = {context: _plain(context) for context in dict.fromkeys(contexts)}
    named = list(plain.values())
    return {
        context: f"{name}-{_checksum(context)}" if name in taken or named.count(name) > 1 else name
        for context, name in plain.items()
    }


def _plain(context: str) -> str:
    """Return the context's name with a hyphen for what is not letter, digit, point or underscore."""
    return _OTHERS.sub("-", context).strip("-.") or f"context-{_checksum(context)}"


def _checksum(context: str) -> str:
    return hashlib.sha256(context.encode()).hexdigest()[:_DIGITS]
