# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registries.conf and its drop-ins do to the mirrors and to short names, where CRI-O reads them.

Source: containers-registries.conf(5) and .d(5), containers/image pkg/sysregistriesv2: files are read in the order of
their names, tables with the same prefix replace each other, and the longest prefix counts. Drop-ins must be of
version 2, and one file that is refused (registries_rules.py) has nothing pulled at all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidReference
from ..nodes.registries_conf import FILE
from ..reference.reference import Reference
from .facts import Finding
from .registries_rules import fault_of, place

TRAP, SHORT = "registries.conf", "short names"
MAIN = "registries.conf"
_SHOWN = 3
_HUB = "docker.io"


@dataclass(frozen=True)
class _Table:
    """A registry's table: the file that it is in, its prefix, and whether it blocks."""

    file: str
    prefix: str
    blocked: bool


def registries_files(
    node: str, files: Mapping[str, str], images: Iterable[str], sources: Sequence[str]
) -> list[Finding]:
    """Look in files (by their name below /etc/containers) for what keeps images from being pulled by the mirrors.

    `images` are names that pods use, `sources` the registries (or begins of paths) whose mirrors are delivered.
    """
    found = [finding for name in sorted(files) if (finding := _fault(node, name, files[name]))]
    if found:
        return found
    tables: dict[str, _Table] = {}
    ours = [_Table(FILE, source, False) for source in sources]
    read = {**{name: _tables(name, text) for name, text in files.items()}, FILE: ours}
    for name in sorted(read, key=lambda name: (name != MAIN, name)):
        # Of one file the first table of a prefix counts, of several files the last.
        tables.update({table.prefix: table for table in reversed(read[name])})
    taken: dict[_Table, list[str]] = {}
    for image in sorted(set(images)):
        table = _effective(tables, Reference.parse(image).name)
        is_mirrored = _effective({table.prefix: table for table in ours}, Reference.parse(image).name)
        if table and table.file != FILE and (table.blocked or is_mirrored):
            taken.setdefault(table, []).append(image)
    return [_taken(node, table, names) for table, names in taken.items()]


def short_names(node: str, files: Mapping[str, str], images: Iterable[str]) -> list[Finding]:
    """Look whether names without a registry, as manifests have them, are those of Docker Hub for this node.

    Source: containers-registries.conf(5), short-name resolution; CRI-O has nobody whom it could ask.
    """
    search, is_strict, aliases, file = _search(files)
    asked: dict[tuple[str, ...], list[str]] = {}
    for image in sorted(set(images)):
        alias = aliases.get(_repository(image))
        asked.setdefault((alias,) if alias else tuple(search), []).append(image)
    found = []
    for places, names in asked.items():
        right = {*(Reference.parse(name).name for name in names), _HUB}
        if places and right.issuperset(places):
            continue
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        if not places:
            message = f"has no unqualified-search-registries: {shown} cannot be pulled under such names"
        elif is_strict and len(places) > 1:
            message = f"names {len(places)} unqualified-search-registries: CRI-O refuses {shown} as ambiguous"
        else:
            message = f"has {shown} asked for at {', '.join(places)}, which may have another image under that name"
        found.append(Finding(SHORT, f"{node}, {file}", message, _FULL_NAMES))
    return found


def _fault(node: str, name: str, text: str) -> Finding | None:
    where = f"{node}, /etc/containers/{name}"
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Finding(TRAP, where, f"is no TOML: {error}", "Repair it; CRI-O pulls nothing with it.", fatal=True)
    fault = fault_of(document, name == MAIN)
    if not fault:
        return None
    what, remedy = fault
    return Finding(TRAP, where, f"{what}: CRI-O pulls nothing with it", remedy, fatal=True)


_FULL_NAMES = (
    'Write docker.io before these names, or set unqualified-search-registries = ["docker.io"] there, without an alias '
    "that leads elsewhere."
)


def _taken(node: str, table: _Table, images: Sequence[str]) -> Finding:
    where = f"{node}, /etc/containers/{table.file}"
    more = f" and {len(images) - _SHOWN} more" if len(images) > _SHOWN else ""
    shown = ", ".join(images[:_SHOWN]) + more
    if table.blocked:
        message = f"blocks {table.prefix}, so {shown} cannot be pulled"
        return Finding(TRAP, where, message, f"Take blocked out of the table for {table.prefix}.", fatal=True)
    message = (
        f"has a table for {table.prefix} that counts before the one delivered: {shown} not asked for at the mirrors"
    )
    return Finding(
        TRAP, where, message, f"Remove that table, or write its mirrors into {FILE}'s source, the image policy."
    )


def _tables(name: str, text: str) -> list[_Table]:
    document = tomllib.loads(text)
    entries = document.get("registry") if isinstance(document.get("registry"), list) else []
    tables = [
        _Table(name, place(entry, "prefix") or place(entry, "location"), entry.get("blocked") is True)
        for entry in entries
        if isinstance(entry, Mapping)
    ]
    old = _table(document.get("registries"))
    for key in ("insecure", "block"):
        hosts = _table(old.get(key)).get("registries") or []
        tables += [_Table(name, str(host).rstrip("/"), key == "block") for host in hosts]
    return [table for table in tables if table.prefix]


def _effective(tables: Mapping[str, _Table], name: str) -> _Table | None:
    """Return the table with the longest prefix of a reference without tag; '*.example.com' is for hosts below it."""
    return max((table for prefix, table in tables.items() if _covers(prefix, name)), key=_length, default=None)


def _covers(prefix: str, name: str) -> bool:
    if prefix.startswith("*."):
        return name.partition("/")[0].partition(":")[0].endswith(prefix[1:])
    # The library takes a host without port for all its ports.
    return name == prefix or name.startswith((f"{prefix}/", f"{prefix}:"))


def _length(table: _Table) -> int:
    return len(table.prefix)


def _search(files: Mapping[str, str]) -> tuple[list[str], bool, dict[str, str], str]:
    """Return the hosts for short names, whether several are refused, the aliases, and the file that has the hosts."""
    search: list[str] = []
    mode, file = "", f"/etc/containers/{MAIN}"
    aliases: dict[str, str] = {}
    for name in sorted(files, key=lambda name: (name != MAIN, name)):
        try:
            document = tomllib.loads(files[name])
        except tomllib.TOMLDecodeError:
            continue
        old = _table(_table(document.get("registries")).get("search")).get("registries")
        hosts = document.get("unqualified-search-registries", old)
        if isinstance(hosts, list):
            search, file = [str(host) for host in hosts], f"/etc/containers/{name}"
        mode = str(document.get("short-name-mode") or mode)
        for short, full in _table(document.get("aliases")).items():
            aliases[str(short)] = _full(str(full))
    return search, mode == "enforcing", aliases, file


def _full(alias: str) -> str:
    """Return what an alias leads to, as references name it; '' for one that is taken back or is none."""
    try:
        return Reference.parse(alias).name
    except InvalidReference:
        return ""


def _repository(image: str) -> str:
    return image.partition("@")[0].partition(":")[0]


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
