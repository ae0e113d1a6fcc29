# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NO_PROXY as Go's golang.org/x/net/http/httpproxy reads it, so that kubectl, docker and we agree."""

from __future__ import annotations

import ipaddress


def bypasses_proxy(host: str, port: int, no_proxy: str) -> bool:
    """True when `host` (a name, or an IP address without brackets) is reached without the environment's proxy.

    `no_proxy` is a list with commas of: `*`, an IP address, a CIDR, a domain name (itself and what is below it),
    `.name` or `*.name` (only what is below it); all but the CIDR may end with `:port`. Loopback never uses a proxy.
    """
    name = host.strip().lower()
    address = _address(name)
    if name == "localhost" or (address is not None and address.is_loopback):
        return True
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    return "*" in entries or any(_matches(entry, name, address, port) for entry in entries if entry)


def _matches(entry: str, name: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int) -> bool:
    network = _network(entry)
    if network is not None:
        return address is not None and address in network
    pattern, wanted_port = _split_port(entry)
    if wanted_port and wanted_port != str(port):
        return False
    listed = _address(pattern)
    if listed is not None:
        return listed == address
    if not pattern:
        return False
    pattern = pattern.removeprefix("*")
    if pattern.startswith("."):
        return name.endswith(pattern)
    return name == pattern or name.endswith(f".{pattern}")


def _split_port(entry: str) -> tuple[str, str]:
    """Host and port of an entry; an IPv6 address has brackets when a port follows."""
    if entry.startswith("["):
        host, _bracket, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    if entry.count(":") == 1:
        host, _colon, port = entry.partition(":")
        return host, port
    return entry, ""


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
