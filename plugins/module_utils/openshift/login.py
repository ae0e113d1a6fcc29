# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the inventory logs in to OpenShift: the option, and the logins that it stands for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..http.authorities import read_authorities
from ..http.errors import HttpSetupError
from ..http.pools import Pools
from ..http.tls import tls_context
from ..kube.client.context import LoginFor, connect
from ..kube.client.endpoint import Endpoint
from ..kube.client.kubeconfig import kubeconfig_location
from ..kube.client.logins import Fixed, Login, bearer
from ..kube.client.transport import Transport
from ..kube.errors import ClusterError, KubeError
from ..secret_source import SecretSourceError, is_source, resolve
from .oauth import OPTION, oauth_server, request_token, stored_name
from .token_store import KeptToken, TokenStore, take_all

TOKENS = "/apis/oauth.openshift.io/v1/oauthaccesstokens"
REVOKE_SECONDS = 5.0
_KEYS = ("username", "password", "token", "ca_file")


def fault_of(option: Any) -> str:
    """What is wrong with the option, as the rest of a sentence that begins with it; '' for nothing."""
    given = {key: value for key, value in option.items() if value} if isinstance(option, Mapping) else {}
    if not given:
        return ""
    unknown = sorted(set(given) - set(_KEYS))
    if unknown:
        return f"has {', '.join(map(str, unknown))}; there are {', '.join(_KEYS)}"
    if "token" in given and {"username", "password"} & set(given):
        return "has both a token and a user's name or password; write one of the two"
    if "token" not in given and not {"username", "password"} <= set(given):
        return "has neither a token nor a user's name with a password; write both, or a token"
    if "token" not in given and (not isinstance(given["username"], str) or _is_no_name(given["username"])):
        return "has a username that no password goes with (RFC 7617): a text without colons and line breaks is wanted"
    secret = "token" if "token" in given else "password"
    if not is_source(given[secret]):
        return f"has a {secret} that is written into it; write where it is: {{env: NAME}} or {{file: PATH}}"
    try:
        if "ca_file" in given:
            read_authorities(str(given["ca_file"]))
    except HttpSetupError as error:
        return f"has the ca_file {given['ca_file']}, which {error}"
    return ""


def login_for(option: Mapping[str, Any], context: str, kubeconfig: str | None, directory: Path | None) -> LoginFor:
    """What gives the login of an option, of which `fault_of` finds nothing, for the API server of a context.

    `directory` is the folder of this run, in which its tasks share a token; None keeps none. Raises ClusterError.
    """
    if fault := fault_of(option):
        raise ClusterError(f"{OPTION} {fault}")
    if option.get("token"):
        return lambda endpoint: GivenToken(option["token"])
    where = _Where(context, kubeconfig_location(kubeconfig), directory)
    return lambda endpoint: PasswordLogin(option, endpoint, where)


def revoke_all(directory: str | Path) -> list[str]:
    """Revoke every token that was got for this run, as `oc logout` does; return a sentence for each that was not."""
    return [told for kept in take_all(directory) if (told := _revoke(kept))]


@dataclass(frozen=True)
class _Where:
    """Context, kubeconfig and folder of a run."""

    context: str
    kubeconfig: str
    directory: Path | None


class GivenToken(Login):
    """A token that the user has, from its source. It is not ours to revoke."""

    whose = "token"

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = source
        self._token = _secret(source, "token")

    def authorization(self) -> str | None:
        return bearer(self._token, f"the token of {OPTION}")

    def refresh(self) -> bool:
        """Read it anew, where somebody has renewed it. Raises ClusterError for one that was refused."""
        before, self._token = self._token, _secret(self._source, "token")
        if self._token != before:
            return True
        raise ClusterError(
            f"the API server does not accept the token of {OPTION}: it has run out, was revoked, or is of another "
            "cluster; `oc whoami --show-token` prints that of somebody who is logged in"
        )


class PasswordLogin(Login):
    """A token for a name and a password, got when it is first needed and when the server refuses the last one."""

    asks_others = True

    def __init__(self, option: Mapping[str, Any], endpoint: Endpoint, where: _Where) -> None:
        if not endpoint.is_secure:
            raise ClusterError(f"{OPTION}: no password is sent on the word of a server without TLS ({endpoint.server})")
        self._option = option
        self._endpoint = endpoint
        self._where = where
        self._token = ""
        self._lock = threading.Lock()
        self.whose = f"password of {option['username']}"
        key = "\n".join((endpoint.server, where.context, where.kubeconfig, self.whose))
        self._store = TokenStore(where.directory, key)

    def authorization(self) -> str | None:
        with self._lock:
            if not self._token:
                self._token = self._store.token("", self._log_in)
            return bearer(self._token, "the token of the OAuth server")

    def refresh(self) -> bool:
        with self._lock:
            self._token = self._store.token(self._token, self._log_in)
        return True

    def _log_in(self) -> KeptToken:
        password = _secret(self._option["password"], "password")
        try:
            server = oauth_server(self._endpoint.server, self._endpoint.pools(1))
            token = request_token(server, self._pools(), self._option["username"], password)
        except HttpSetupError as error:
            raise ClusterError(f"{OPTION}: {error}") from None
        return KeptToken(self._where.context, self._where.kubeconfig, token)

    def _pools(self) -> Pools:
        """Connections to the OAuth server, whose certificate may be of the system's, the cluster's or another CA."""
        endpoint = self._endpoint
        authorities = b"\n".join(filter(None, (endpoint.authorities, self._ca())))
        # As oc does, the kubeconfig's word that certificates are not verified counts here, too.
        return Pools(tls_context(authorities, verify=endpoint.verify), 1, proxy_for=endpoint.proxy_for)

    def _ca(self) -> bytes:
        named = self._option.get("ca_file")
        try:
            return read_authorities(str(named)) if named else b""
        except HttpSetupError as error:
            raise ClusterError(f"{OPTION}: the ca_file {named} {error}") from None


def _is_no_name(username: str) -> bool:
    return ":" in username or any(ord(character) < 32 or ord(character) == 127 for character in username)


def _secret(source: Mapping[str, Any], what: str) -> str:
    try:
        return resolve(source)
    except SecretSourceError as error:
        raise ClusterError(f"{OPTION}: {error} ({what})") from None


def _revoke(kept: KeptToken) -> str:
    name = stored_name(kept.token)
    try:
        login = Fixed(bearer(kept.token, "the token of this run"))
        transport = Transport(connect(kept.context, kept.kubeconfig, 1, lambda endpoint: login))
        answer = transport.exchange("DELETE", f"{TOKENS}/{name}", REVOKE_SECONDS)
    except (KubeError, OSError) as error:
        why = str(error)
    else:
        # Nobody has to revoke what the server does not accept any more, or does not have.
        if answer.status < 300 or answer.status in (401, 404):
            return ""
        why = f"the API server answers {answer.status}"
    return (
        f"context '{kept.context}': the token of this run could not be revoked, and holds until it runs out: {why}. "
        f"To revoke it: oc delete oauthaccesstoken {name}"
    )
