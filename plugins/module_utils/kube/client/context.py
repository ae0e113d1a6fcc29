# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a kubeconfig and a context to a connection with TLS, proxy and login, as kubectl makes it.

Source: client-go, tools/clientcmd/client_config.go and rest/transport.go.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import stat
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ...http.errors import HttpSetupError
from ...http.proxies import parse_proxy
from ...http.userinfo import basic, userinfo_of
from ..errors import ClusterError
from .connection import Connection
from .endpoint import Endpoint
from .impersonation import impersonation_headers
from .kubeconfig import Kubeconfig, kubeconfig_location, load_kubeconfig
from .kubeconfig_rules import cluster_faults, user_faults
from .login_choice import certificate_of, content_of, login_of
from .logins import Login

_NEEDED = ("urllib3", "websocket", "yaml")  # of the kubernetes package, which brings them all

LoginFor = Callable[[Endpoint], Login]


def connect(context: str, kubeconfig: str | None, pool_size: int, login_for: LoginFor | None = None) -> Connection:
    """The connection of `context` with up to `pool_size` requests at a time. Raises ClusterError.

    With `login_for` the login that it gives counts, and nothing of what the kubeconfig says of the context's user.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ClusterError(
            f"the Python package 'kubernetes', or what comes with it, is missing on the controller "
            f"({', '.join(missing)}); install the collection's requirements: pip install -r requirements.txt"
        )
    config = load_kubeconfig(kubeconfig_location(kubeconfig))
    cluster, user, names = _entries(config, context)
    if login_for:
        user, names = {}, (names[0], "")
    faults = cluster_faults(cluster) + user_faults(user)
    if faults:
        raise ClusterError(f"context '{context}' of {config.location} cannot be used: {'; '.join(faults)}")
    try:
        return _connection(config, cluster, user, names, pool_size, login_for)
    except (HttpSetupError, ClusterError) as error:
        raise ClusterError(f"context '{context}' of {config.location} cannot be used: {error}") from None


def _entries(config: Kubeconfig, context: str) -> tuple[dict[str, Any], dict[str, Any], tuple[str, str]]:
    """The cluster and the user of a context, and their names."""
    if context not in config.contexts:
        known = ", ".join(sorted(config.contexts)) or "none"
        empty = "" if config.contexts or any(path.stat().st_size for path in config.files) else " (the file is empty)"
        raise ClusterError(f"there is no context '{context}' in {config.location}; contexts there: {known}{empty}")
    chosen = config.contexts[context]
    names = chosen.get("cluster", ""), chosen.get("user", "")
    for kind, name, entries in (("cluster", names[0], config.clusters), ("user", names[1], config.users)):
        if name and name not in entries:
            raise ClusterError(f"context '{context}' names the {kind} '{name}', which is not in {config.location}")
    return config.clusters.get(names[0], {}), config.users.get(names[1], {}), names


def _connection(
    config: Kubeconfig,
    cluster: dict[str, Any],
    user: dict[str, Any],
    names: tuple[str, str],
    pool_size: int,
    login_for: LoginFor | None,
) -> Connection:
    server, inline_login = _server(cluster["server"])
    endpoint = Endpoint(
        server,
        content_of(cluster, "certificate-authority"),
        not cluster.get("insecure-skip-tls-verify"),
        parse_proxy(cluster["proxy-url"], "proxy-url", strict=True) if cluster.get("proxy-url") else None,
        cluster.get("tls-server-name"),
    )
    login, certificate = None, None
    if login_for:
        login = login_for(endpoint)
    elif endpoint.is_secure:
        certificate = certificate_of(user)
        login = login_of(cluster, user, names[1], endpoint.authorities, inline_login)
        if login is None and certificate is None:
            raise ClusterError(f"user '{names[1]}' has no credentials; kubectl would ask for a name and a password")
    impersonation = impersonation_headers(user)
    connection = Connection(
        server,
        login or Login(),
        certificate,
        lambda client: endpoint.pools(pool_size, client),
        headers=impersonation,
        warnings=_warnings(config, server, endpoint.is_secure and not endpoint.verify),
        identity=_identity(endpoint, login.whose if login_for and login else names[1], impersonation),
    )
    if not (login and login.asks_others):  # certificates and proxies that cannot be used are told now
        connection.pools()
        connection.headers()
    return connection


def _server(text: str) -> tuple[str, str | None]:
    """The server's URL without login, and that login. Without a scheme it is http, as in client-go."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or (url != text and parts.path.strip("/")):
        raise ClusterError("the cluster's server is neither a URL (http or https) nor host:port")
    user, password = userinfo_of(parts)
    login = None if user is None else basic(user, password)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}", login


def _identity(endpoint: Endpoint, user: str, impersonation: list[tuple[str, str]]) -> str:
    authorities = (endpoint.authorities or b"").decode("latin-1")
    parts = [endpoint.server, endpoint.server_hostname, authorities, user, impersonation]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _warnings(config: Kubeconfig, server: str, unverified: bool) -> list[str]:
    found = []
    if unverified:
        found.append(f"{server}: the kubeconfig turns TLS verification off (insecure-skip-tls-verify)")
    for path in config.files:
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
            found.append(f"{path} can be read or written by others; chmod 600 {path}")
    return found
