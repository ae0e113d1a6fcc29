# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an API server is reached, apart from as whom."""

from __future__ import annotations

from dataclasses import dataclass

from ...http.pools import Pools
from ...http.proxies import Proxy, environment_proxy
from ...http.tls import ClientCertificate, tls_context


@dataclass(frozen=True)
class Endpoint:
    """The cluster of a kubeconfig's context.

    `server` is its URL without a login; `authorities` (PEM) are the only ones that are trusted, None for the system's.
    `proxy` None leaves the choice to the environment. `server_hostname` replaces the URL's host in TLS.
    """

    server: str
    authorities: bytes | None = None
    verify: bool = True
    proxy: Proxy | None = None
    server_hostname: str | None = None

    @property
    def is_secure(self) -> bool:
        """Whether it is reached over TLS: a credential is not sent in the clear, as with kubectl."""
        return self.server.startswith("https://")

    def pools(self, size: int, client: ClientCertificate | None = None) -> Pools:
        """Connections to it, up to `size` at a time. Raises HttpSetupError."""
        authorities, verify = self.authorities, self.verify
        return Pools(
            tls_context(authorities, system_authorities=not authorities, verify=verify, client=client),
            size,
            proxy_for=self.proxy_for,
            # A proxy gets no certificate of ours, and may be known to the system alone.
            proxy_tls=lambda: tls_context(authorities, verify=verify),
            server_hostname=self.server_hostname if self.is_secure else None,
        )

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy through which a URL is reached: the kubeconfig's, else that of the environment."""
        return self.proxy or environment_proxy(url)
