# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps credentials out of what is told: what has their form in any text, and those that were just sent, exactly."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from html.entities import html5

_HIDDEN = "***"
_SHORTEST = 4  # what is shorter cannot be told from ordinary words
_LONGEST = 8192  # of a text; nobody reads more, and what others wrote must not cost seconds
_LOGIN_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
_NAMES = (
    r"(?:[\w-]{0,40}(?:token|secret|signature|credentials?)|passw(?:or)?d|pwd|sig|api[-_]?key|jwt|_state"
    r"|(?:proxy-)?authorization|(?:set-)?cookie|x-(?:amz|goog|ms)-[\w-]{1,40})"
)
_DIGEST = re.compile(r"sha(?:256|512):")
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


def without_login(text: str) -> str:
    """Return what was written as a host, an address or an image without a login, which does not belong there."""
    _login, at, rest = text.rpartition("@")
    return f"{_HIDDEN}@{rest}" if at and not _DIGEST.match(rest) else text


def conceal(data: bytes, secrets: Iterable[str]) -> bytes:
    """Return data without these secrets, however they are escaped in it: for a URL, JSON or HTML, and in base64."""
    forms = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        data = re.sub(b"".join(map(_escaped, form)), _HIDDEN.encode(), data)
    return data


def conceal_text(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these secrets, like conceal()."""
    return conceal(b"".join(map(_raw, text)), secrets).decode("utf-8", "replace")


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
        return base64.b64decode(credential, validate=True).decode("utf-8", "surrogateescape").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _forms(secret: str) -> list[str]:
    """Return a secret, as it is where blanks were put together, and in base64."""
    if len(secret) < _SHORTEST:
        return []
    plain = [b"".join(map(_raw, secret)), secret.encode("latin-1", "replace")]
    coded = [encode(data).decode() for data in plain for encode in (base64.b64encode, base64.urlsafe_b64encode)]
    return [secret, " ".join(secret.split()) or secret, *coded, *(text.rstrip("=") for text in coded)]


@cache
def _escaped(character: str) -> bytes:
    """Return a pattern for all forms of a character: encoders differ in what they escape, and some do it twice."""
    if character.isascii() and character.isalnum():
        return character.encode()
    code, raw = ord(character), _raw(character)
    single = [bytes([code])] if code < 256 else []
    plain = [raw, raw.decode("latin-1").encode(), *single, *([b"+"] if character == " " else [])]
    found = [rb"\\{0,3}" + re.escape(form) for form in plain]
    in_json = json.dumps(character, ensure_ascii=False)[1:-1]
    found += [rb"\\{1,3}" + re.escape(_raw(in_json[1]))] if len(in_json) == 2 else []
    units = character.encode("utf-16-be", "surrogatepass")
    found.append(b"".join(rb"\\{1,3}u(?i:%s)" % units[at : at + 2].hex().encode() for at in range(0, len(units), 2)))
    found += [rb"\\{1,3}x(?i:%02x)" % code] if single else []
    found += [b"".join(b"%%(?:25){0,3}(?i:%02x)" % byte for byte in form) for form in (raw, *single)]
    names = {name.rstrip(";") for name, text in html5.items() if text == character}
    entities = [*sorted(names), f"#0{{0,4}}{code}", f"#[xX]0{{0,4}}(?i:{code:x})"]
    found.append(b"&(?:amp;){0,3}(?:%s);" % "|".join(entities).encode())
    return b"(?:%s)" % b"|".join(dict.fromkeys(found))


def _raw(character: str) -> bytes:
    """Return a character's bytes; what is none in UTF-8 came into a text by the rules for the environment."""
    return character.encode("utf-8", "surrogateescape" if "\udc80" <= character <= "\udcff" else "replace")
