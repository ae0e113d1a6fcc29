# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a user's credentials count, as client-go decides (tools/clientcmd/client_config.go, transport)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ...http.tls import ClientCertificate
from ...http.userinfo import basic
from ..errors import ClusterError
from .exec_plugin import ExecLogin
from .logins import Fixed, Login, TokenFile, bearer


def certificate_of(user: dict[str, Any]) -> ClientCertificate | None:
    """The client certificate of a user's fields. Raises ClusterError when a file cannot be read."""
    certificate = content_of(user, "client-certificate")
    return ClientCertificate(certificate, content_of(user, "client-key") or b"") if certificate else None


def content_of(fields: dict[str, Any], key: str) -> bytes | None:
    """What the file under `key` or its inline form holds. Raises ClusterError."""
    if fields.get(f"{key}-data"):
        return fields[f"{key}-data"]
    if not fields.get(key):
        return None
    try:
        return Path(fields[key]).read_bytes()
    except OSError as error:
        raise ClusterError(f"{key} {fields[key]} cannot be read: {error.strerror}") from error


def login_of(
    cluster: dict[str, Any],
    user: dict[str, Any],
    name: str,
    authorities: bytes | None,
    inline_login: str | None,
) -> Login | None:
    """The login that counts: a tokenFile before a token, a password, and a plugin only when there is nothing else.

    None when there is none but perhaps a client certificate.
    """
    if user.get("tokenFile"):
        login = TokenFile(Path(user["tokenFile"]), user.get("token", ""))
        login.authorization()
        return login
    if user.get("token"):
        return Fixed(bearer(user["token"], f"the token of user '{name}'"))
    if user.get("username"):
        return Fixed(basic(user["username"], user.get("password", "")))
    if user.get("client-certificate") or user.get("client-certificate-data"):
        return None
    if "exec" in user:
        told = _told_to_plugin(cluster, authorities) if user["exec"].get("provideClusterInfo") else None
        return ExecLogin(user["exec"], told, name)
    return Fixed(inline_login) if inline_login else None


def _told_to_plugin(cluster: dict[str, Any], authorities: bytes | None) -> dict[str, Any]:
    """The cluster of an ExecCredential's spec (client.authentication.k8s.io)."""
    extensions = [item for item in cluster.get("extensions") or [] if isinstance(item, dict)]
    config = next(
        (item.get("extension") for item in extensions if item.get("name") == "client.authentication.k8s.io/exec"), None
    )
    told = {
        "server": cluster["server"],
        "tls-server-name": cluster.get("tls-server-name"),
        "insecure-skip-tls-verify": cluster.get("insecure-skip-tls-verify"),
        "certificate-authority-data": base64.b64encode(authorities).decode() if authorities else None,
        "proxy-url": cluster.get("proxy-url"),
        "disable-compression": cluster.get("disable-compression"),
        "config": config,
    }
    return {key: value for key, value in told.items() if value}
