# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps credentials out of what is told: what has their form in any text, and those that were just sent, exactly."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

_HIDDEN = "***"
_SHORTEST = 4  # what is shorter cannot be told from ordinary words
_LONGEST = 8192  # of a text; nobody reads more, and what others wrote must not cost seconds
_LOGIN_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
_NAMES = (
    r"(?:[\w-]{0,40}(?:token|secret|signature|credentials?)|passw(?:or)?d|pwd|sig|api[-_]?key|jwt|_state"
    r"|(?:proxy-)?authorization|(?:set-)?cookie|x-(?:amz|goog|ms)-[\w-]{1,40})"
)
_RULES = (
    # https://user:password@host
    (re.compile(r"(?i)(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,20}://)[^/\s\"'<>@?#]*@"), rf"\1{_HIDDEN}@"),
    # A query; storage is reached by signed ones (X-Amz-Signature, X-Goog-Signature, sig, token)
    (re.compile(r"\?(?=[^\s\"'<>]*=)[^\s\"'<>]+"), f"?{_HIDDEN}"),
    # Authorization: Basic dXNlcjpw...; "Basic authentication is needed" are words
    (
        re.compile(
            r"(?i)\b(bearer|basic|negotiate|ntlm|token)(\s+|%20)(?!realm=)(?=[^\s\"']*(?:[0-9=]|(?-i:[a-z][A-Z])))"
            r"[A-Za-z0-9._~+/=%-]{6,}"
        ),
        rf"\1\2{_HIDDEN}",
    ),
    # "token": "...", password=...
    (re.compile(rf"(?i)([\"']{_NAMES}[\"']\s*:\s*)[\"'][^\"']*[\"']?"), rf'\1"{_HIDDEN}"'),
    (re.compile(rf"(?i)(?<![\w-])({_NAMES}\s*=\s*)[^\s\"'&;,<>]+"), rf"\1{_HIDDEN}"),
    (re.compile(rf"(?i)(?<![\w-])({_NAMES}\s*:\s+)(?=[^\s\"']*[0-9])[^\s\"'&;,<>]{{6,}}"), rf"\1{_HIDDEN}"),
    # Tokens that are known by how they begin
    (re.compile(r"\b(?:eyJ[\w-]{8,}[\w.-]*|(?:gh[pousr]_|github_pat_|glpat-|dckr_pat_|AKIA)[\w-]{8,})"), _HIDDEN),
)


def redact(text: str) -> str:
    """Return a text without what looks like a credential: logins in URLs, queries, headers, fields of JSON, tokens.

    What is longer than 8192 characters is cut.
    """
    text = text[:_LONGEST]
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def conceal(data: bytes, secrets: Iterable[str]) -> bytes:
    """Return data without these secrets, as they are, in a URL, in JSON or HTML, or in base64."""
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        data = data.replace(form, _HIDDEN.encode())
    return data


def secrets_of(headers: Mapping[str, str]) -> list[str]:
    """Return what is secret in the headers of a request: whole logins, what follows their scheme, and passwords."""
    found = []
    for name, value in headers.items():
        if name.lower() in _LOGIN_HEADERS:
            scheme, _blank, credential = value.partition(" ")
            found += [value, credential]
            if scheme.lower() == "basic":
                found.append(_password(credential))
    return found


def _password(credential: str) -> str:
    try:
        return base64.b64decode(credential, validate=True).decode("utf-8", "replace").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _forms(secret: str) -> list[bytes]:
    if len(secret) < _SHORTEST:
        return []
    escaped = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret)]
    escaped += [html.escape(secret, quote=False), repr(secret)[1:-1]]
    in_urls = [quote(secret, safe=""), quote(secret), quote_plus(secret), quote_plus(secret, safe="/")]
    in_urls += [re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), text) for text in in_urls]
    plain = [secret.encode("utf-8", "replace"), secret.encode("latin-1", "replace")]
    coded = [base64.b64encode(data) for data in plain]
    texts = [text.encode("utf-8", "replace") for text in (*escaped, *in_urls)]
    return [*plain, *texts, *coded, *(data.rstrip(b"=") for data in coded)]
