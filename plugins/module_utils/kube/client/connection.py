# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a kubeconfig and a context to connections with TLS, proxy and login, as kubectl makes them.

Source: client-go, tools/clientcmd/client_config.go (what counts before what) and rest/transport.go.
"""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ...http.errors import HttpSetupError
from ...http.pools import Pools
from ...http.proxies import environment_proxy, parse_proxy
from ...http.tls import ClientCertificate, tls_context
from ..errors import ClusterError
from .exec_plugin import ExecLogin
from .impersonation import impersonation_headers
from .kubeconfig import Kubeconfig, kubeconfig_location, load_kubeconfig
from .kubeconfig_rules import cluster_faults, user_faults
from .logins import Fixed, Login, TokenFile, basic, bearer

try:
    import urllib3  # noqa: F401
    import websocket  # noqa: F401
    import yaml  # noqa: F401

    IMPORT_ERROR: str | None = None
except ImportError as error:
    IMPORT_ERROR = str(error)


class Connection:
    """How one API server is reached, and as whom. Thread-safe; nothing is sent before a request.

    `server` has neither a login nor a slash at its end. `warnings` are for the user. `identity` tells connections
    apart (which server, as whom) and holds no credential.
    """

    def __init__(
        self,
        server: str,
        login: Login,
        certificate: ClientCertificate | None,
        make_pools: Callable[[ClientCertificate | None], Pools],
        *,
        headers: list[tuple[str, str]],
        warnings: list[str],
        identity: str,
    ) -> None:
        self.server = server
        self.warnings = warnings
        self.identity = identity
        self._login = login
        self._certificate = certificate
        self._headers = headers
        self._make_pools = make_pools
        self._made: tuple[ClientCertificate | None, Pools] | None = None
        self._lock = threading.Lock()

    def headers(self) -> list[tuple[str, str]]:
        """Login and impersonation, as headers that Latin-1 can hold; the same name may come several times.

        Raises ClusterError when a credential is not to be had.
        """
        authorization = self._login.authorization()
        found = [("Authorization", authorization)] if authorization else []
        # Go sends the bytes of UTF-8; http.client takes text as Latin-1, which keeps bytes.
        return [(name, value.encode().decode("latin-1")) for name, value in found + self._headers]

    def pools(self) -> Pools:
        """The pools to send by, made anew when a plugin gave another client certificate. Raises ClusterError."""
        certificate = self._certificate or self._login.certificate()
        with self._lock:
            if self._made is None or self._made[0] != certificate:
                try:
                    self._made = (certificate, self._make_pools(certificate))
                except HttpSetupError as error:
                    raise ClusterError(str(error)) from None
            return self._made[1]

    def refresh(self) -> bool:
        """Get other credentials after a 401; False when there are none."""
        return self._login.refresh()

    def redacted(self, text: str) -> str:
        """`text` without the credential of a header, should an answer repeat it."""
        authorization = self._login.authorization() or ""
        secret = authorization.partition(" ")[2]
        return text.replace(secret, "***") if secret else text


def connect(context: str, kubeconfig: str | None, pool_size: int) -> Connection:
    """The connection of `context` with up to `pool_size` requests at a time. Raises ClusterError."""
    if IMPORT_ERROR:
        raise ClusterError(
            f"the Python package 'kubernetes', or what comes with it, is missing on the controller ({IMPORT_ERROR}); "
            "install the collection's requirements: pip install -r requirements.txt"
        )
    config = load_kubeconfig(kubeconfig_location(kubeconfig))
    cluster, user, names = _entries(config, context)
    faults = cluster_faults(cluster) + user_faults(user)
    if faults:
        raise ClusterError(f"context '{context}' of {config.location} cannot be used: {'; '.join(faults)}")
    try:
        return _connection(config, cluster, user, names, pool_size)
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
    config: Kubeconfig, cluster: dict[str, Any], user: dict[str, Any], names: tuple[str, str], pool_size: int
) -> Connection:
    server, inline_login = _server(cluster["server"])
    proxy = parse_proxy(cluster["proxy-url"], "proxy-url", needs_scheme=True) if cluster.get("proxy-url") else None
    secure = server.startswith("https://")
    authorities = _content(cluster, "certificate-authority")
    skip_verification = bool(cluster.get("insecure-skip-tls-verify"))
    login, certificate = Login(), None
    if secure:  # a credential is not sent in the clear, as with kubectl
        certificate = _certificate(user)
        login = _login(server, cluster, user, names[1], authorities, inline_login)
        if type(login) is Login and certificate is None:
            raise ClusterError(f"user '{names[1]}' has no credentials; kubectl would ask for a name and a password")

    def make_pools(client: ClientCertificate | None) -> Pools:
        return Pools(
            tls_context(authorities, system_authorities=not authorities, verify=not skip_verification, client=client),
            pool_size,
            proxy_for=(lambda url: proxy) if proxy else environment_proxy,
            # A proxy gets no certificate of ours, and may be known to the system alone.
            proxy_tls=tls_context(authorities, verify=not skip_verification),
            server_hostname=cluster.get("tls-server-name") if secure else None,
        )

    impersonation = impersonation_headers(user)
    connection = Connection(
        server,
        login,
        certificate,
        make_pools,
        headers=impersonation,
        warnings=_warnings(config, server, secure and skip_verification),
        identity=_identity(server, cluster, authorities, names[1], impersonation),
    )
    if not isinstance(login, ExecLogin):  # certificates and proxies that cannot be used are told now
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
    login = None
    if parts.username is not None:
        login = basic(unquote(parts.username), unquote(parts.password or ""))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}", login


def _certificate(user: dict[str, Any]) -> ClientCertificate | None:
    certificate = _content(user, "client-certificate")
    return ClientCertificate(certificate, _content(user, "client-key") or b"") if certificate else None


def _content(fields: dict[str, Any], key: str) -> bytes | None:
    """What a file or its inline form holds."""
    if fields.get(f"{key}-data"):
        return fields[f"{key}-data"]
    if not fields.get(key):
        return None
    try:
        return Path(fields[key]).read_bytes()
    except OSError as error:
        raise ClusterError(f"{key} {fields[key]} cannot be read: {error.strerror}") from error


def _login(
    server: str,
    cluster: dict[str, Any],
    user: dict[str, Any],
    name: str,
    authorities: bytes | None,
    inline_login: str | None,
) -> Login:
    """The login that counts: a tokenFile before a token, a password, and a plugin only when there is nothing else."""
    if user.get("tokenFile"):
        login = TokenFile(Path(user["tokenFile"]), user.get("token", ""))
        login.authorization()
        return login
    if user.get("token"):
        return Fixed(bearer(user["token"], f"the token of user '{name}'"))
    if user.get("username"):
        return Fixed(basic(user["username"], user.get("password", "")))
    if user.get("client-certificate") or user.get("client-certificate-data"):
        return Login()
    if "exec" in user:
        told = _told_to_plugin(server, cluster, authorities) if user["exec"].get("provideClusterInfo") else None
        return ExecLogin(user["exec"], told, name)
    return Fixed(inline_login) if inline_login else Login()


def _told_to_plugin(server: str, cluster: dict[str, Any], authorities: bytes | None) -> dict[str, Any]:
    """The cluster of an ExecCredential's spec (client.authentication.k8s.io)."""
    extensions = [item for item in cluster.get("extensions") or [] if isinstance(item, dict)]
    config = next(
        (item.get("extension") for item in extensions if item.get("name") == "client.authentication.k8s.io/exec"), None
    )
    told = {
        "server": server,
        "tls-server-name": cluster.get("tls-server-name"),
        "insecure-skip-tls-verify": cluster.get("insecure-skip-tls-verify"),
        "certificate-authority-data": base64.b64encode(authorities).decode() if authorities else None,
        "proxy-url": cluster.get("proxy-url"),
        "disable-compression": cluster.get("disable-compression"),
        "config": config,
    }
    return {key: value for key, value in told.items() if value}


def _identity(
    server: str, cluster: dict[str, Any], authorities: bytes | None, user: str, impersonation: list[tuple[str, str]]
) -> str:
    parts = [server, cluster.get("tls-server-name"), (authorities or b"").decode("latin-1"), user, impersonation]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _warnings(config: Kubeconfig, server: str, unverified: bool) -> list[str]:
    found = []
    if unverified:
        found.append(f"{server}: the kubeconfig turns TLS verification off (insecure-skip-tls-verify)")
    for path in config.files:
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
            found.append(f"{path} can be read or written by others; chmod 600 {path}")
    return found
