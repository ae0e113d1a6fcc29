# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one file of registries.conf must not say: with one such file CRI-O, and all on its library, pull nothing at all.

Source: containers/image pkg/sysregistriesv2 (loadConfigFile, postProcessRegistries, shortnames.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InvalidReference
from ..reference.reference import HOST, Reference

_V1 = ("search", "insecure", "block")
_V2 = ("registry", "unqualified-search-registries", "credential-helpers", "short-name-mode", "aliases")
_MODES = ("enforcing", "permissive", "disabled")
_PULLS = ("all", "digest-only", "tag-only")
_SHORT = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")
_VERSION_2 = (
    "unqualified-search-registries = [...] for [registries.search], and a table [[registry]] with location and "
    "insecure = true or blocked = true for each host of [registries.insecure] and [registries.block]."
)

# Types that the library's TOML decoder insists on
_TYPES: Mapping[str, tuple[type, str]] = {
    "prefix": (str, "a text"),
    "location": (str, "a text"),
    "insecure": (bool, "true or false, without quotes"),
    "blocked": (bool, "true or false, without quotes"),
    "mirror-by-digest-only": (bool, "true or false, without quotes"),
    "pull-from-mirror": (str, "a text"),
    "mirror": (list, "tables [[registry.mirror]]"),
    "registry": (list, "tables [[registry]]"),
    "unqualified-search-registries": (list, 'a list such as ["docker.io"]'),
    "credential-helpers": (list, "a list"),
    "short-name-mode": (str, "a text"),
    "aliases": (dict, "a table [aliases]"),
}

Fault = tuple[str, str]  # what it says, and what to write


def fault_of(document: Mapping[str, Any], is_main: bool) -> Fault | None:
    """Return the first thing for which the library refuses a file, None for none."""
    wrong = _wrong_type(document)
    if wrong:
        return wrong
    old = {key: _table(_table(document.get("registries")).get(key)).get("registries") for key in _V1}
    if wrong := next((one for one in old.values() if not isinstance(one, list | None)), None):
        return f"has registries = {wrong!r}", 'Write a list such as ["docker.io"].'
    # Versions of the library differ in whether an empty list counts; where one does, the node pulls nothing already.
    is_v1, is_v2 = any(old.values()), any(document.get(key) for key in _V2)
    if is_v1 and not is_main:
        return "is of version 1, which is refused in registries.conf.d", f"Write it in version 2: {_VERSION_2}"
    if is_v1 and is_v2:
        what = "mixes version 1 ([registries.search]) and version 2 ([[registry]])"
        return what, f"Write it in version 2 alone: {_VERSION_2}"
    registries = document.get("registry") or []
    hosts = [str(host) for key in ("insecure", "block") for host in old[key] or []]
    found = [fault for host in hosts if (fault := _of_scheme(host))]
    found += [fault for entry in registries if (fault := _of_registry(entry))]
    found += _of_search([*(document.get("unqualified-search-registries") or []), *(old["search"] or [])])
    found += _of_short_names(document)
    return next(iter(found), None) or _conflict(registries)


def place(entry: Mapping[str, Any], key: str) -> str:
    """Return a text of a table as the library reads it: without slashes at its end."""
    return str(entry.get(key) or "").rstrip("/")


def _wrong_type(document: Mapping[str, Any]) -> Fault | None:
    """Return a value of another type than the library takes, of the whole file and of all its tables."""
    for key, value in document.items():
        wanted, words = _TYPES.get(key, (object, ""))
        if not isinstance(value, wanted):
            return f"has {key} = {value!r}", f"Write {words}."
        for entry in value if key in ("registry", "mirror") else ():
            if not isinstance(entry, Mapping):
                return f"has {key} = {value!r}", f"Write {words}."
            if wrong := _wrong_type(entry):
                return wrong
    return None


def _of_scheme(text: str) -> Fault | None:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("http", "https"):
        return None
    return f"has {text} with a scheme", f'Write "{rest}"{" and insecure = true" if scheme == "http" else ""}.'


def _of_registry(entry: Mapping[str, Any]) -> Fault | None:
    prefix, location = place(entry, "prefix"), place(entry, "location")
    shown = prefix or location or "without a name"
    mirrors = entry.get("mirror") or []
    for text in (prefix, location, *(place(mirror, "location") for mirror in mirrors)):
        if fault := _of_scheme(text):
            return fault
    is_pattern = prefix.startswith("*.")
    if is_pattern and set("/@:") & set(prefix):
        return f"has the prefix {prefix}, which is more than *.DOMAIN", "Take the port or path out of it."
    if not location and not is_pattern:
        return f"has a table {shown} without location", "Set location, or the prefix *.DOMAIN."
    if not all(place(mirror, "location") for mirror in mirrors):
        return f"has a mirror without location in the table {shown}", "Set its location, or remove it."
    if entry.get("pull-from-mirror"):
        return f"has pull-from-mirror in the table {shown} itself", "Write it into its [[registry.mirror]]."
    for pull in filter(None, (mirror.get("pull-from-mirror") for mirror in mirrors)):
        if entry.get("mirror-by-digest-only"):
            return f"has mirror-by-digest-only and pull-from-mirror in the table {shown}", "Remove one of the two."
        if pull not in _PULLS:
            return f"has pull-from-mirror = {pull!r} in the table {shown}", f"Write one of {', '.join(_PULLS)}."
    return None


def _of_search(hosts: Iterable[Any]) -> list[Fault]:
    return [
        (f"has {host!r} among the registries for short names", "Write hosts alone, without path or scheme.")
        for host in hosts
        if not (isinstance(host, str) and HOST.fullmatch(host.rstrip("/")) and not host.startswith("["))
    ]


def _of_short_names(document: Mapping[str, Any]) -> list[Fault]:
    found = []
    mode = document.get("short-name-mode")
    if mode and mode not in _MODES:
        found.append((f"has short-name-mode = {mode!r}", f"Write one of {', '.join(_MODES)}."))
    for name, value in _table(document.get("aliases")).items():
        first, slash, _rest = name.partition("/")
        is_short = _SHORT.fullmatch(name) and not (slash and ("." in first or first == "localhost"))
        if not is_short or (value and not _is_full(str(value))):
            found.append(
                (f"has the alias {name} = {value!r}", "Write a name without registry and tag = HOST/PATH without tag.")
            )
    return found


def _is_full(name: str) -> bool:
    first, slash, _rest = name.partition("/")
    try:
        parsed = Reference.parse(f"{name}:0")
    except InvalidReference:
        return False
    return bool(slash) and ("." in first or ":" in first or first == "localhost") and not parsed.digest


def _conflict(registries: Iterable[Mapping[str, Any]]) -> Fault | None:
    """Return two tables of one location that do not agree."""
    told: dict[str, tuple[bool, bool]] = {}
    for entry in registries:
        where = place(entry, "location") or place(entry, "prefix")
        says = entry.get("insecure") is True, entry.get("blocked") is True
        if told.setdefault(where, says) != says:
            what = f"has two tables with the location {where} that differ in insecure or blocked"
            return what, "Write the same in both."
    return None


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
