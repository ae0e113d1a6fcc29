# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a 401 answer asks for: one challenge or several, in one header or in several.

Source: RFC 9110, 11.2 to 11.6.1. Registries behind other servers send several (go-containerregistry#1075: Negotiate
and Basic), and blanks instead of commas between parameters occur.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"({_NAME})(?=[\s,]|$)")
_PARAMETER = re.compile(rf'({_NAME})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))")
_JUNK = re.compile(rf"{_NAME}|.", re.DOTALL)
_BETWEEN = re.compile(r"[\s,]*")
# What is worth more comes first: a token is good for one repository and some minutes, a password for everything.
_ORDER = {"bearer": 0, "basic": 1}


@dataclass(frozen=True)
class Challenge:
    """One way to log in: its scheme in lower case, and its parameters by their names in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(header: str) -> list[Challenge]:
    """Return the challenges of WWW-Authenticate, the one to try first in front; several headers joined by commas."""
    found: list[tuple[str, dict[str, str]]] = []
    at = _after(_BETWEEN, header, 0)
    while at < len(header):
        if parameter := _PARAMETER.match(header, at):
            if found:
                name, quoted, plain = parameter.groups()
                value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
                found[-1][1].setdefault(name.lower(), value)
            at = parameter.end()
        elif scheme := _SCHEME.match(header, at):
            found.append((scheme[1].lower(), {}))
            at = scheme.end()
            blanks = len(header[at:]) - len(header[at:].lstrip())
            if blanks and (data := _TOKEN68.match(header, at + blanks)):
                at = data.end()
        else:
            at = _after(_JUNK, header, at)
        at = _after(_BETWEEN, header, at)
    return sorted((Challenge(*item) for item in found), key=lambda challenge: _ORDER.get(challenge.scheme, 2))


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
