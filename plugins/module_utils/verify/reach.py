# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a Service from where the user stands: at an address, or through the API server where there is none."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import Protocol

from ..drills.http_client import Address, Client
from ..kube.client.cluster import Cluster
from ..kube.errors import KubeError

HTTP_PORT = 80


@dataclass(frozen=True)
class Reply:
    """`status` 0 means that there was no answer; `error` is the kind of failure, empty for a 2xx."""

    status: int
    error: str
    seconds: float
    body: bytes = b""


class Way(Protocol):
    """How requests get to a Service."""

    @property
    def where(self) -> str:
        """The way in words, to stand behind 'at' or alone."""

    def get(self, path: str, host: str, timeout: float) -> Reply:
        """One GET on a new connection, with this Host header. Never raises for what the network or the server does."""


@dataclass(frozen=True)
class Direct:
    """By host:port."""

    address: str

    @property
    def where(self) -> str:
        return self.address

    def get(self, path: str, host: str, timeout: float) -> Reply:
        begin = time.monotonic()
        client = Client(Address.parse(self.address, host or self.address), False, timeout)
        reply = client.get(path)
        return Reply(reply.status, reply.error, time.monotonic() - begin, reply.body)


@dataclass(frozen=True)
class ThroughApiServer:
    """By the API server's proxy to a Service, which is there wherever kubectl works, and which takes its time."""

    cluster: Cluster
    namespace: str
    service: str

    @property
    def where(self) -> str:
        return f"Service {self.namespace}/{self.service} through the API server"

    def get(self, path: str, host: str, timeout: float) -> Reply:
        begin = time.monotonic()
        base = f"/api/v1/namespaces/{self.namespace}/services/http:{self.service}:{HTTP_PORT}/proxy"
        headers = [("Host", host)] if host else []
        try:
            answer = self.cluster.transport.exchange("GET", base + path, timeout, headers=headers)
        except (KubeError, OSError, http.client.HTTPException) as error:
            return Reply(0, str(error), time.monotonic() - begin)
        error = "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
        return Reply(answer.status, error, time.monotonic() - begin, answer.body)
