# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands as they are printed for people: a shell takes them as they stand, whatever hosts and contexts are called."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

# Variables of a command line that say which cluster and which application are meant, and no secrets
_OF_A_PLACE = re.compile(r"(serverless|lab)_\w+|todo_(variant|namespace|domain)|knative_domain|istio_gateway_\w+")
_SECRET = re.compile(r"pass|secret|token|credential|login|images", re.IGNORECASE)
# What ansible takes for the name of a host wherever it stands in a pattern
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@-]*")
# With a comma in it, a pattern is split nowhere else; these characters still mean something at its begin or anywhere
_SPECIAL = re.compile(r"[!&~@\s-]|.*[,\[\]*?]|.*\s$", re.DOTALL)


def kubectl(context: str, kubeconfig: str = "") -> str:
    """Return the begin of a command that asks a context, of a kubeconfig (or several, with colons) if one is set."""
    # Quoted, a shell leaves ~ as it is.
    paths = os.pathsep.join(map(os.path.expanduser, kubeconfig.split(os.pathsep)))
    variable = f"KUBECONFIG={shlex.quote(paths)} " if kubeconfig else ""
    return f"{variable}kubectl --context {shlex.quote(context)}"


def limit(host: str) -> str:
    """Return the option that limits a playbook to one host of the inventory.

    Source: ansible.inventory.manager, split_host_pattern: without a comma a pattern is split at colons and blanks.
    """
    if _PLAIN.fullmatch(host):
        return f"--limit {host}"
    if not _SPECIAL.match(host):
        return f"--limit {shlex.quote(f'{host},')}"
    # A regular expression, with each character that means something written by its number.
    exact = "".join(one if one.isalnum() and one.isascii() else _numbered(one) for one in host)
    return f"--limit {shlex.quote(f'~^{exact}$')}"


def variables(given: Iterable[str]) -> str:
    """Return the options -e, each with a blank before it, by which another command means the same place.

    `given` are the words of -e as they were typed: files, and NAME=VALUE of what says where a cluster is. What is
    written as YAML or JSON is left out, and so is whatever may be a secret.
    """
    found = []
    for words in given:
        parts = shlex.split(words) if not words.startswith(("@", "{", "[")) else [words]
        for part in parts:
            name, is_value, _value = part.partition("=")
            is_plain = bool(is_value and _OF_A_PLACE.fullmatch(name) and not _SECRET.search(name))
            if part.startswith("@") or is_plain:
                found.append(f" -e {shlex.quote(part)}")
    return "".join(found)


def _numbered(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"
