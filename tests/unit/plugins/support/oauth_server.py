"""OpenShift's OAuth server as a client sees it, over HTTPS on loopback, and the TokenReview webhook behind it.

After openshift/oauth-server: challenges (pkg/authenticator/challenger, pkg/oauth/handlers/default_auth_handler.go),
the code flow with PKCE and the redirect to /oauth/token/implicit (RFC 6749, RFC 7636), tokens that are stored under the
hash of what clients hold (openshift/library-go pkg/oauth, `sha256~`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from throwaway_pki import Pki

CLIENT = "openshift-challenging-client"
PREFIX = "sha256~"
REVIEWS = "/tokenreviews"


@dataclass
class OAuthServer:
    """Serves on `url` with a certificate of `pki`. `users` are passwords by name.

    `challenges` off is a cluster whose identity providers want a browser. `pkce` off is one of long ago. `failure` is
    what the next authorization is redirected with (error, description); `status` what it is answered with.
    `tokens` are those that are valid: users by the name of the stored object. `logins` counts the tokens given.
    """

    pki: Pki
    users: dict[str, str]
    challenges: bool = True
    pkce: bool = True
    failure: tuple[str, str] | None = None
    status: int = 0
    tokens: dict[str, str] = field(default_factory=dict)
    logins: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)
    expires_in: int = 86400  # seconds

    def start(self) -> None:
        self._codes: dict[str, tuple[str, str, str]] = {}
        oauth = self

        class Handler(_Handler):
            owner = oauth

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.pki.server_certificate, self.pki.server_key)
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def metadata(self) -> dict[str, Any]:
        """What the API server tells of it (RFC 8414)."""
        methods = {"code_challenge_methods_supported": ["plain", "S256"]} if self.pkce else {}
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/oauth/authorize",
            "token_endpoint": f"{self.url}/oauth/token",
            "scopes_supported": ["user:check-access", "user:full", "user:info"],
            "response_types_supported": ["code", "token"],
            "grant_types_supported": ["authorization_code", "implicit"],
            **methods,
        }

    def give(self, user: str) -> str:
        """A token of a user, as `oc whoami --show-token` shows it."""
        token = PREFIX + secrets.token_urlsafe(32)
        self.tokens[stored_name(token)] = user
        self.logins += 1
        return token

    def revoke(self, name: str) -> bool:
        """Forget the token that is stored under a name; whether there was one."""
        return self.tokens.pop(name, None) is not None

    def user_of(self, token: str) -> str | None:
        return self.tokens.get(stored_name(token))

    def code(self, user: str, challenge: str, redirect: str) -> str:
        code = PREFIX + secrets.token_urlsafe(32)
        self._codes[code] = (user, challenge, redirect)
        return code

    def exchange(self, form: dict[str, str]) -> str | None:
        """The token for a code, which is good once; None where the code, its verifier or its redirect is wrong."""
        user, challenge, redirect = self._codes.pop(form.get("code", ""), ("", "", ""))
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        is_proven = not challenge or challenge == base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        is_right = user and is_proven and form.get("redirect_uri") == redirect
        return self.give(user) if is_right and form.get("grant_type") == "authorization_code" else None


def stored_name(token: str) -> str:
    """The name of the object in which a token is stored."""
    digest = hashlib.sha256(token.removeprefix(PREFIX).encode()).digest()
    return PREFIX + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: OAuthServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        pass

    def do_GET(self) -> None:
        self.owner.requests.append(("GET", self.path))
        address = urlsplit(self.path)
        if address.path != "/oauth/authorize":
            return self._answer(404 if address.path != "/" else 403, b"{}")
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        redirect = f"{self.owner.url}/oauth/token/implicit"
        if query.get("client_id") != CLIENT or query.get("redirect_uri", redirect) != redirect:
            return self._answer(400, b'{"error":"unauthorized_client"}')
        if self.owner.status:
            return self._answer(self.owner.status, b"<html>the authentication server is broken</html>")
        if self.owner.failure:
            error, description = self.owner.failure
            return self._redirect(f"{redirect}?{urlencode({'error': error, 'error_description': description})}")
        user = self._user()
        if user is None:
            return self._challenge()
        echo = {"state": query["state"]} if "state" in query else {}
        if query.get("response_type") == "code":
            code = self.owner.code(user, query.get("code_challenge", ""), redirect)
            return self._redirect(f"{redirect}?{urlencode({'code': code, **echo})}")
        fragment = {
            "access_token": self.owner.give(user),
            "expires_in": str(self.owner.expires_in),
            "scope": "user:full",
            "token_type": "Bearer",
            **echo,
        }
        self._redirect(f"{redirect}#{urlencode(fragment)}")

    def do_POST(self) -> None:
        self.owner.requests.append(("POST", self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.partition("?")[0] == REVIEWS:
            return self._review(json.loads(body))
        if self.path != "/oauth/token":
            return self._answer(404, b"{}")
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        client, _colon, secret = self._basic() or ("", "", "")
        token = self.owner.exchange(form) if client == CLIENT and not secret else None
        if token is None:
            return self._answer(400, b'{"error":"invalid_grant","error_description":"the code is not valid"}')
        given = {
            "access_token": token,
            "expires_in": self.owner.expires_in,
            "scope": "user:full",
            "token_type": "Bearer",
        }
        self._answer(200, json.dumps(given).encode())

    def do_HEAD(self) -> None:
        self.do_GET()

    def _user(self) -> str | None:
        name, _colon, password = self._basic() or ("", "", "")
        is_one = self.owner.challenges and name in self.owner.users and self.owner.users[name] == password
        return name if is_one else None

    def _basic(self) -> tuple[str, str, str] | None:
        scheme, _space, value = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(value).decode().partition(":") if scheme == "Basic" else None

    def _challenge(self) -> None:
        if not self.owner.challenges:
            page = f"{self.owner.url}/oauth/token/request"
            text = f"You must obtain an API token by visiting {page}"
            headers = {"Warning": f'199 Origin "{text}"', "Link": f'<{page}>; rel="related"'}
        elif not self.headers.get("X-CSRF-Token"):
            text = "A non-empty X-CSRF-Token header is required to receive basic-auth challenges"
            headers = {"Warning": f'199 Origin "{text}"'}
        else:
            text, headers = "", {"WWW-Authenticate": 'Basic realm="openshift"'}
        self._answer(401, f"{text}\n".encode() if text else b"", headers)

    def _review(self, review: dict[str, Any]) -> None:
        user = self.owner.user_of(review["spec"]["token"])
        groups = ["system:authenticated:oauth"]
        status = {"authenticated": True, "user": {"username": user, "groups": groups}} if user else {}
        kept = {"apiVersion": review["apiVersion"], "kind": "TokenReview"}
        self._answer(200, json.dumps({**kept, "status": status}).encode())

    def _redirect(self, place: str) -> None:
        self._answer(302, b"", {"Location": place})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
