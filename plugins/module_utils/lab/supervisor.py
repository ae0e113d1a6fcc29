# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the lab's supervisord, over its socket."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class ProgramState:
    """One supervised program; uptime in seconds, 0 when it does not run."""

    name: str
    state: str
    uptime: int
    log: str
    trouble: str


class SupervisorClient:
    """Asks and tells the supervisord of one lab. Raises OSError when it does not answer."""

    def __init__(self, path: Path) -> None:
        self._proxy = xmlrpc.client.ServerProxy("http://lab", transport=_SocketTransport(path))

    def programs(self) -> list[ProgramState]:
        """Every program with its state: RUNNING, STARTING, BACKOFF (crashed, to be tried again), STOPPED, FATAL..."""
        return [
            ProgramState(
                name=info["name"],
                state=info["statename"],
                uptime=info["now"] - info["start"] if info["statename"] == "RUNNING" else 0,
                log=info["stdout_logfile"],
                trouble=info["spawnerr"],
            )
            for info in self._proxy.supervisor.getAllProcessInfo()
        ]

    def stop(self, program: str) -> None:
        """Stop one program and wait until it has ended; one that does not run is no error."""
        try:
            self._proxy.supervisor.stopProcess(program)
        except xmlrpc.client.Fault:
            return


class _SocketTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return _SocketConnection(self._path)


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("lab", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))
