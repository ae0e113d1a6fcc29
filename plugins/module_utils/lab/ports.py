# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on a port of this machine, from /proc/net/tcp and the open files of the processes."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

LISTEN = "0A"


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket."""

    address: str
    port: int
    inode: int


def listeners(proc: Path = Path("/proc")) -> list[Listener]:
    """All listening TCP sockets of our network namespace."""
    found = []
    for name in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / name).read_text().splitlines()[1:]
        except OSError:  # no IPv6
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTEN:
                address, port = fields[1].split(":")
                found.append(Listener(_address(address), int(port, 16), int(fields[9])))
    return found


def conflicts(address: str, port: int, found: list[Listener]) -> list[Listener]:
    """Those that keep us from listening on this address and port."""
    return [each for each in found if each.port == port and each.address in (address, "0.0.0.0", "::")]


def holder(listener: Listener, proc: Path = Path("/proc")) -> str:
    """The process that holds the socket, as "name (process 123)", or what else is known."""
    wanted = f"socket:[{listener.inode}]"
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(os.readlink(entry) == wanted for entry in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:  # it ended, or is not ours to look into
            continue
    return "a process that cannot be seen from here"


def _address(text: str) -> str:
    """The kernel writes addresses in words of four bytes, each in the machine's byte order."""
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
