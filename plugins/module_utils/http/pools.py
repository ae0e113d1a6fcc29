# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to any host, each through the proxy that is meant for it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

try:
    import urllib3
except ImportError:  # it comes with the kubernetes package; told when a pool is made
    urllib3 = None  # type: ignore[assignment]

from .errors import HttpSetupError
from .proxies import Proxy, environment_proxy
from .redaction import secrets_of

USER_AGENT = "selfhosted.serverless"
_HOSTS = 8  # whose connections are kept


class Pools:
    """Pools of connections, one for each proxy in use. Thread-safe.

    `proxy_for(url)` chooses the proxy, by default from the environment. `proxy_tls` makes the context for proxies that
    are reached over TLS themselves: only then, since it takes 25 ms to read the system's authorities.
    `server_hostname` replaces the URL's host in TLS (SNI and verification).
    """

    def __init__(
        self,
        tls: ssl.SSLContext,
        connections: int,
        *,
        proxy_for: Callable[[str], Proxy | None] = environment_proxy,
        proxy_tls: Callable[[], ssl.SSLContext] | None = None,
        server_hostname: str | None = None,
    ) -> None:
        if urllib3 is None:
            raise HttpSetupError("the Python package urllib3 is missing; it comes with: pip install kubernetes")
        if tls.verify_mode == ssl.CERT_NONE:  # whoever turned it off is told once, by us
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._options: dict[str, Any] = {"num_pools": _HOSTS, "maxsize": connections, "ssl_context": tls}
        if server_hostname:
            self._options["server_hostname"] = server_hostname
        self._proxy_for = proxy_for
        self._proxy_tls = proxy_tls
        self._managers: dict[Proxy | None, Any] = {}
        self._lock = threading.Lock()

    def request(self, method: str, url: str, *, connect: float, read: float, **options: Any) -> Any:
        """urllib3's response, with redirects left to the caller and nothing repeated; times in seconds.

        Raises what urllib3 raises, and HttpSetupError.
        """
        timeout = urllib3.Timeout(connect=connect, read=read)
        return self._manager(url).request(method, url, timeout=timeout, retries=False, redirect=False, **options)

    def socket(self, url: str, timeout: float) -> Any:
        """A connected socket to the host of `url`, proxy and TLS done, for what is no plain HTTP any more.

        Raises what urllib3 raises, and HttpSetupError.
        """
        pool = self._manager(url).connection_from_url(url)
        connection = pool._new_conn()
        connection.timeout = timeout
        if getattr(connection, "proxy", None) and urlsplit(url).scheme == "https":
            pool._prepare_proxy(connection)  # connects as well
        else:
            connection.connect()
        connected, connection.sock = connection.sock, None
        return connected

    def secrets(self, url: str) -> list[str]:
        """The login of the proxy that `url` is reached through, in its forms; [] without."""
        try:
            proxy = self._proxy_for(url)
        except HttpSetupError:
            return []
        return [proxy.password, *secrets_of({"Proxy-Authorization": proxy.authorization or ""})] if proxy else []

    def _manager(self, url: str) -> Any:
        proxy = self._proxy_for(url)
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = self._make(proxy)
            return self._managers[proxy]

    def _make(self, proxy: Proxy | None) -> Any:
        if proxy is None:
            return urllib3.PoolManager(**self._options)
        if proxy.scheme == "socks5":
            return _socks_manager(proxy, self._options)
        login = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else None
        return urllib3.ProxyManager(
            str(proxy),
            proxy_headers=login,
            proxy_ssl_context=self._proxy_tls() if self._proxy_tls else self._options["ssl_context"],
            **self._options,
        )


def _socks_manager(proxy: Proxy, options: dict[str, Any]) -> Any:
    try:
        import socks  # noqa: F401  (urllib3 warns as well when it is not there)
        from urllib3.contrib.socks import SOCKSProxyManager
    except ImportError:
        raise HttpSetupError(f"the proxy {proxy} needs the Python package PySocks: pip install PySocks") from None
    address = str(proxy).replace("socks5://", "socks5h://", 1)
    return SOCKSProxyManager(address, username=proxy.username, password=proxy.password, **options)
