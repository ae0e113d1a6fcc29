# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login at OpenShift's OAuth server by name and password, as `oc login` does it: the code flow with PKCE.

Sources: openshift/library-go pkg/oauth/tokenrequest (request_token.go, challengehandlers), openshift/oauth-server
(challenges, warnings), RFC 6749 (code flow), RFC 7636 (PKCE), RFC 7617 (Basic), RFC 8414 (metadata). The package
`openshift` (helper.userpassauth) has a shorter form of the same, in which a wrong password, a server without password
logins and a certificate that is not accepted cannot be told apart.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from ..http.errors import HttpSetupError
from ..http.failures import Failure, FailureKind, describe
from ..http.pools import USER_AGENT, Pools
from ..http.redaction import conceal_text, redact
from ..http.userinfo import basic
from ..kube.client.backoff import pause_before
from ..kube.deadline import Deadline
from ..kube.errors import ClusterError

try:
    import urllib3
except ImportError:  # reported by context.connect
    urllib3 = None  # type: ignore[assignment]

METADATA = "/.well-known/oauth-authorization-server"
CLIENT = "openshift-challenging-client"
OPTION = "serverless_openshift_login"
PATIENCE = 30.0  # seconds, with a server that does not answer or says that it is not ready
CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 30.0  # seconds
_MOST_STEPS = 10  # requests of a login, redirects counted
_NOT_READY = (429, 502, 503, 504)
_BASIC = re.compile(r"\s*basic(\s|$)", re.IGNORECASE)
_WARNING = re.compile(r'199 \S+ "((?:[^"\\]|\\.)*)"')
_LONGEST = 300  # characters of what a server says
_BY_TOKEN = f"{OPTION}: {{token: {{env: NAME}}}}"
_INGRESS_CA = r"oc get configmap default-ingress-cert -n openshift-config-managed -o jsonpath='{.data.ca-bundle\.crt}'"


@dataclass(frozen=True)
class Reply:
    """An answer; `headers` are found by any case of their names."""

    status: int
    headers: Any
    body: bytes


class Unreachable(ClusterError):
    """No answer; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


@dataclass(frozen=True)
class OAuthServer:
    """What an API server says of the OAuth server that it trusts (RFC 8414); `pkce` is whether that knows S256."""

    api_server: str
    issuer: str
    authorize: str
    token: str
    pkce: bool

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"the OAuth server {origin(self.authorize)}, which {self.api_server} names,"

    @property
    def redirect(self) -> str:
        """Where the client sends browsers: registered for it, never asked by us."""
        return f"{self.issuer.rstrip('/')}/oauth/token/implicit"


def oauth_server(api_server: str, pools: Pools) -> OAuthServer:
    """Ask an API server where to log in. Raises ClusterError."""
    try:
        reply = _request(pools, "GET", api_server + METADATA, {"Accept": "application/json"})
    except Unreachable as error:
        raise ClusterError(f"{api_server} cannot be asked where to log in: {error}") from None
    try:
        told = json.loads(reply.body) if reply.status == 200 else {}
        texts = [told["issuer"], told["authorization_endpoint"], told["token_endpoint"]]
        methods = told.get("code_challenge_methods_supported") or []
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ClusterError(
            f"{api_server} names no OAuth server ({METADATA} answers {reply.status}): it is no OpenShift, or its users "
            f"come from elsewhere (external OIDC). Log in otherwise, and give the token: {_BY_TOKEN}"
        ) from None
    if not all(isinstance(text, str) and urlsplit(text).scheme == "https" for text in texts):
        raise ClusterError(f"{api_server} names an OAuth server that is no https address; no password is sent to it")
    return OAuthServer(api_server, *texts, pkce="S256" in methods)


def request_token(server: OAuthServer, pools: Pools, username: str, password: str) -> str:
    """A new token for a user. The password goes nowhere but to the host that asks for it. Raises ClusterError."""
    try:
        return _Flow(server, pools, username, password).run()
    except Unreachable as error:
        raise ClusterError(_unreachable(server, error.failure)) from None


def stored_name(token: str) -> str:
    """The name under which OpenShift keeps a token: the hash of it (library-go, `sha256~`); no secret."""
    digest = hashlib.sha256(token.removeprefix("sha256~").encode()).digest()
    return f"sha256~{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def origin(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class _Flow:
    """One login, from the first question to the token."""

    def __init__(self, server: OAuthServer, pools: Pools, username: str, password: str) -> None:
        self._server = server
        self._pools = pools
        self._username = username
        self._password = password
        self._state = secrets.token_urlsafe(16)
        self._verifier = secrets.token_urlsafe(48) if server.pkce else ""

    def run(self) -> str:
        url, asked_by = self._first_url(), ""
        for _step in range(_MOST_STEPS):
            # The header tells that no browser was tricked into this, without which there is no challenge.
            headers = {"X-CSRF-Token": "1", "Accept": "*/*"}
            if asked_by == origin(url):
                headers["Authorization"] = basic(self._username, self._password)
            reply = _request(self._pools, "GET", url, headers)
            if reply.status == 401:
                self._look_at_challenge(reply, refused="Authorization" in headers)
                asked_by = origin(url)
            elif reply.status in (302, 303, 307) and reply.headers.get("Location"):
                url = urljoin(url, reply.headers["Location"])
                code = self._code_in(url)
                if code:
                    return self._exchange(code)
            else:
                raise ClusterError(
                    f"{self._server.name} answers {reply.status} to a login{self._said(_text(reply))}; look at the "
                    "pods of the namespace openshift-authentication, or try again later"
                )
        raise ClusterError(f"{self._server.name} sends the login of {self._username} round in a circle")

    def _first_url(self) -> str:
        query = {
            "client_id": CLIENT,
            "response_type": "code",
            "redirect_uri": self._server.redirect,
            "state": self._state,
        }
        if self._verifier:
            digest = hashlib.sha256(self._verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{self._server.authorize}{'&' if '?' in self._server.authorize else '?'}{urlencode(query)}"

    def _look_at_challenge(self, reply: Reply, refused: bool) -> None:
        """Raise unless the answer asks for the password that it has not had yet."""
        challenges = reply.headers.getlist("WWW-Authenticate")
        if any(map(_BASIC.match, challenges)):
            if not refused:
                return
            raise ClusterError(
                f"{self._server.name} does not accept the password of {self._username}: look at both in {OPTION}. A "
                "locked account, or a password that has to be changed first, is refused in the same way"
            )
        found = [match[1] for text in reply.headers.getlist("Warning") if (match := _WARNING.match(text))]
        asked = "; ".join(found) or (f"it wants {challenges[0].split()[0]}" if challenges and challenges[0] else "")
        raise ClusterError(
            f"{self._server.name} takes no password from programs{self._said(asked)}. Get a token with a browser at "
            f"{self._server.issuer.rstrip('/')}/oauth/token/request and give it: {_BY_TOKEN}"
        )

    def _code_in(self, url: str) -> str:
        """The code that a redirect brings; '' for one that is only a step on the way. Raises ClusterError."""
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        if query.get("error"):
            words = " ".join(filter(None, (query["error"], query.get("error_description", ""))))
            raise ClusterError(f"{self._server.name} refuses the login of {self._username}{self._said(words)}")
        if urlsplit(url).scheme != "https":
            raise ClusterError(f"{self._server.name} sends the login on to {origin(url)}, which is not https")
        if query.get("code") and query.get("state", self._state) != self._state:
            raise ClusterError(f"{self._server.name} answers another login than this one (state)")
        return query.get("code", "")

    def _exchange(self, code: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._server.redirect}
        if self._verifier:
            form["code_verifier"] = self._verifier
        headers = {
            "Accept": "application/json",
            "Authorization": basic(CLIENT, ""),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        reply = _request(self._pools, "POST", self._server.token, headers, urlencode(form).encode())
        try:
            told = json.loads(reply.body)
        except ValueError:
            told = {}
        token = told.get("access_token") if isinstance(told, dict) else None
        if reply.status == 200 and isinstance(token, str) and token:
            return token
        words = " ".join(str(told[key]) for key in ("error", "error_description") if key in told) if told else ""
        raise ClusterError(f"{self._server.name} gives no token, it answers {reply.status}{self._said(words)}")

    def _said(self, text: str) -> str:
        """What a server says, in brackets, without what it was sent."""
        line = redact(conceal_text(" ".join(text.split())[:_LONGEST], [self._password]))
        return f" ({line})" if line else ""


def _text(reply: Reply) -> str:
    """What a person can read of a body: no page."""
    text = reply.body[:4096].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{")) else text


def _request(pools: Pools, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
    """The answer to a request that may be repeated: none of them changes more than a code. Raises Unreachable.

    A code is good once, so what carries one is not sent again.
    """
    deadline, attempt = Deadline(PATIENCE), 0
    while True:
        attempt += 1
        try:
            response = pools.request(
                method,
                url,
                connect=CONNECT_TIMEOUT,
                read=READ_TIMEOUT,
                headers={"User-Agent": USER_AGENT, **headers},
                body=body,
            )
            reply = Reply(response.status, response.headers, response.data)
            failure = None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            failure = describe(error)
        except HttpSetupError as error:
            raise Unreachable(Failure(FailureKind.PROXY, str(error))) from None
        pause = pause_before(attempt, None)
        is_last = body is not None or pause >= deadline.remaining
        if failure and (is_last or failure.kind.is_permanent or failure.kind is FailureKind.REFUSED):
            raise Unreachable(failure)
        if failure is None and (is_last or reply.status not in _NOT_READY):
            return reply
        time.sleep(pause)


def _unreachable(server: OAuthServer, failure: Failure) -> str:
    if failure.kind is FailureKind.CERTIFICATE:
        return (
            f"{server.name} has a certificate that is not accepted: {failure.text}. It is the router's, which another "
            f"authority has signed than the API server's. Have the file of that authority from somebody who is logged "
            f"in: {_INGRESS_CA} > ingress-ca.crt; then name it: {OPTION}: {{..., ca_file: ingress-ca.crt}}"
        )
    return (
        f"{server.name} cannot be reached: {failure.text}. It stands behind the cluster's router: its name must be "
        f"known here, and the router's port open. A token that was made elsewhere needs no OAuth server: {_BY_TOKEN}"
    )
