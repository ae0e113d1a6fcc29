# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether docker starts with its daemon.json, and whether that serves the images.

Source: moby registry/config.go (ValidateMirror, loadInsecureRegistries), daemon/config (unknown directives, types); the
refusals are those that a real dockerd gave.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..reference.reference import Reference
from .facts import Finding

MIRRORS, INSECURE = "registry-mirrors", "insecure-registries"
_HUB = "docker.io"
# Names of flags, and of a fork that is gone: docker does not start with a key that it does not know
_NO_KEYS = {
    "registry-mirror": MIRRORS,
    "insecure-registry": INSECURE,
    "add-registry": "",
    "block-registry": "",
}


_TOLERANT = 25  # the first major version that takes a mirror with a path, and a byte order mark


def docker_mirrors(
    node: str, config: str, images: Iterable[str], plain: Iterable[str] = (), major: int = 0
) -> list[Finding]:
    """Look in the text of a daemon.json for what keeps docker from starting, or from pulling these images.

    `plain` are registries that are spoken to without TLS, which docker must be told; those on loopback it knows.
    `major` is docker's version, 0 where it is not known.
    """
    where = f"{node}, docker's daemon.json"

    def broken(what: str, repair: str = "Repair it") -> Finding:
        return Finding(MIRRORS, where, what, f"{repair}; docker does not start with it.", fatal=True)

    text = config.strip()
    if text.startswith("\ufeff") and major >= _TOLERANT:
        text = text.removeprefix("\ufeff")
    elif text.startswith("\ufeff"):
        return [broken("begins with a byte order mark, which docker before 25 takes for no JSON", "Save it without")]
    try:
        document = json.loads(text or "{}")
    except ValueError as error:
        return [Finding(MIRRORS, where, f"is no JSON: {error}", "Repair it; docker does not start with it.")]
    if not isinstance(document, dict):
        return [broken("is JSON, but no object")]
    found = [broken(*fault) for fault in _faults(document, major)]
    return found or _served(where, document, images, plain)


def _served(where: str, document: Mapping[str, Any], images: Iterable[str], plain: Iterable[str]) -> list[Finding]:
    found = []
    others = sorted({name for name in images if Reference.parse(name).registry != _HUB})
    if others and document.get(MIRRORS):
        message = f"{MIRRORS} serves {_HUB} alone; these are asked for at their origin: {', '.join(others)}"
        remedy = "Have these images rewritten to a mirror's name, or preloaded (serverless_images.mode)."
        found.append(Finding(MIRRORS, where, message, remedy))
    insecure = [str(entry).rpartition("://")[2] for entry in document.get(INSECURE) or []]
    refused = sorted(host for host in set(plain) if not _is_insecure(host, insecure))
    if refused:
        message = (
            f"{INSECURE} lacks {', '.join(refused)}, which the image policy speaks to without TLS: docker will not"
        )
        listed = ", ".join(f'"{host}"' for host in [*insecure, *refused])
        remedy = f'Set "{INSECURE}": [{listed}] there and restart docker, or give the registry a certificate.'
        # Docker asks for the addresses of a name, too, and holds them against the networks.
        is_certain = not any(map(_network, insecure)) or any(_address(host) for host in refused)
        found.append(Finding(INSECURE, where, message, remedy, fatal=is_certain))
    return found


def _faults(document: Mapping[str, Any], major: int) -> list[tuple[str, str]]:
    """Return what docker refuses to start with, and how to repair it."""
    found = []
    for key, instead in _NO_KEYS.items():
        if key in document:
            found.append((f"has {key}, which docker does not know", f"Write {instead}" if instead else "Remove it"))
    for key in (MIRRORS, INSECURE):
        entries = document.get(key)
        if entries is None:
            continue
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            found.append((f"has {key} that is no list of texts", f'Write "{key}": ["..."]'))
            continue
        faults = (_mirror_fault(entry, major) if key == MIRRORS else _insecure_fault(entry) for entry in entries)
        found += [(f"has in {key} {fault[0]}", fault[1]) for fault in faults if fault]
    return found


def _mirror_fault(entry: str, major: int) -> tuple[str, str] | None:
    try:
        url = urlsplit(entry)
    except ValueError:
        return "what is no address", "Write https://HOST"
    # Without what may be a password
    host = url.netloc.rpartition("@")[2] or entry.partition("@")[0]
    if url.scheme not in ("http", "https"):
        return f"{host} without a scheme", f"Write https://{host}"
    if url.username or url.password:
        return f"a login for {host}", f"Write {url.scheme}://{host}, and log in with docker login"
    if url.query or url.fragment:
        return f"{host} with a query or fragment", f"Write {url.scheme}://{host}"
    if url.path.strip("/") and major < _TOLERANT:
        return f"{host} with a path, which docker before 25 refuses", f"Write {url.scheme}://{host}"
    return None


def _insecure_fault(entry: str) -> tuple[str, str] | None:
    scheme, separator, host = entry.rpartition("://")
    if separator and scheme.lower() not in ("http", "https"):
        return f"{entry}, which has a scheme", f"Write {host}"
    if "/" in host and not _network(host):
        return f"{host}, which has a path", f"Write {host.partition('/')[0]}"
    return None


def _is_insecure(host: str, insecure: Iterable[str]) -> bool:
    address = _address(host)
    for entry in insecure:
        network = _network(entry)
        if entry == host or (network and address and address in network):
            return True
    return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    try:
        return ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None
