# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client for each registry of a policy, made when it is first needed."""

from __future__ import annotations

import threading

from ..policy.policy import ImagePolicy
from .backoff import Backoff
from .client import Registry
from .cooldown import Patience


class Clients:
    """The registry clients of one policy. Thread-safe. `patience` is that of all of them with rate limits."""

    def __init__(self, policy: ImagePolicy, backoff: Backoff | None = None) -> None:
        self._policy = policy
        self._backoff = backoff
        self.patience = Patience(limit=policy.rate_limit_wait)
        self._clients: dict[str, Registry] = {}
        self._lock = threading.Lock()

    def of(self, host: str) -> Registry:
        """Return the client of a registry, host or host:port. Raises ImageError."""
        with self._lock:
            if host not in self._clients:
                self._clients[host] = Registry(host, self._policy.settings(host), self._backoff, self.patience)
            return self._clients[host]

    def pauses(self) -> str:
        """Return in words which registries are waited for, and until when."""
        with self._lock:
            clients = list(self._clients.values())
        return "; ".join(filter(None, (client.transport.cooldown.text() for client in clients)))
