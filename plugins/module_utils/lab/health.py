# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the lab's cluster alive? Asked of its API server, with the user's certificate."""

from __future__ import annotations

import datetime
import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


@dataclass(frozen=True)
class Health:
    """Questions about one cluster; server is https://ADDRESS:PORT, pki has ca.crt, admin.crt and admin.key."""

    server: str
    pki: Path
    timeout: float = 5

    def server_is_ready(self) -> bool:
        """Whether the API server says that all of its own checks pass."""
        return self._get("/readyz") is not None

    def node_lives(self, node: str, since: datetime.datetime) -> bool:
        """Whether the node's kubelet has reported after a moment: its Ready condition may be of an earlier life."""
        answer = self._get(f"{LEASES}/{node}")
        if answer is None:
            return False
        renewed = json.loads(answer).get("spec", {}).get("renewTime")
        return renewed is not None and datetime.datetime.fromisoformat(renewed.replace("Z", "+00:00")) > since

    def _get(self, path: str) -> bytes | None:
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        context.load_cert_chain(self.pki / "admin.crt", self.pki / "admin.key")
        address = urlsplit(self.server)
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=self.timeout, context=context
        )
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):  # refused, reset, timed out, cut off
            return None
        finally:
            connection.close()
        return content if answer.status == http.client.OK else None
