# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET requests to one address, each on a new connection or all on one that is kept."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass

USER_AGENT = "selfhosted.serverless drill"
MOST_BYTES = 4 * 1024 * 1024  # of one answer; more is not the application's


@dataclass(frozen=True)
class Address:
    """Where requests go: TCP host and port, and the name in their Host header."""

    host: str
    port: int
    name: str

    @classmethod
    def parse(cls, address: str, name: str) -> Address:
        """From 'host:port' or 'host'. Raises ValueError for anything else."""
        host, colon, port = address.rpartition(":")
        if not colon:
            host, port = address, "80"
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"{address!r} is not host:port")
        return cls(host.strip("[]"), int(port), name)

    def __str__(self) -> str:
        return f"http://{self.host}:{self.port} (Host: {self.name})"


@dataclass(frozen=True)
class Reply:
    """`status` 0 means that there was no answer; `error` is the kind of failure, empty for a 2xx."""

    status: int
    error: str = ""
    body: bytes = b""

    def field(self, name: str) -> str | None:
        """A field of a JSON answer as text; None when there is none."""
        try:
            value = json.loads(self.body)[name]
        except (ValueError, KeyError, TypeError):
            return None
        return str(value)


class Client:
    """Not thread-safe: each worker has its own. `timeout` is in seconds, for each wait on the socket."""

    def __init__(self, address: Address, keep_alive: bool, timeout: float) -> None:
        self.address = address
        self.keep_alive = keep_alive
        self.timeout = timeout
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Reply:
        """One request; never raises for what the network or the server does.

        A kept connection that the server closed in the meantime is replaced once, as every HTTP client does for a GET
        (RFC 9110, section 9.2.2); that is no failure.
        """
        reused = self._connection is not None
        try:
            return self._once(path)
        except (ConnectionError, http.client.RemoteDisconnected) as error:
            self.close()
            if not reused:
                return Reply(0, _kind(error))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Reply(0, _kind(error))
        try:
            return self._once(path)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Reply(0, _kind(error))

    def close(self) -> None:
        """Close the kept connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, path: str) -> Reply:
        connection = self._connection or http.client.HTTPConnection(
            self.address.host, self.address.port, timeout=self.timeout
        )
        self._connection = connection
        headers = {"Host": self.address.name, "User-Agent": USER_AGENT, "Accept": "*/*"}
        if not self.keep_alive:
            headers["Connection"] = "close"
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read(MOST_BYTES)
        if not self.keep_alive or answer.will_close:
            self.close()
        error = "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
        return Reply(answer.status, error, body)


def _kind(error: Exception) -> str:
    """The failure in a few words, without what differs from one request to the next."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, http.client.RemoteDisconnected):
        return "closed without an answer"
    if isinstance(error, ConnectionError):
        return "connection reset"
    if isinstance(error, socket.gaierror):
        return "name not known"
    return type(error).__name__
