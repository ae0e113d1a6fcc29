# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exec credential plugins, run as client-go does (plugin/pkg/client/auth/exec; KEP-541).

A plugin that is missing or fails is the error, with what it wrote to its standard error. Its standard output holds
credentials and is in no message.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ...http.redaction import conceal_text, redact
from ...http.tls import ClientCertificate
from ..errors import ClusterError
from .logins import Login, bearer

RUN_SECONDS = 120.0  # a plugin that takes longer waits for somebody who is not there
_LONGEST_STDERR = 2000  # characters, of its end
_LOOKED_AT = 8192  # bytes of it that are looked through
_LONG = 8  # characters; a shorter value of our environment is rather a word such as "false"
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASS|KEY|CREDENTIAL", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"eyJ[\w-]+(?:\.[\w-]+)*"  # a JSON web token
    r"|(?<=Bearer )\S+"
    r"|(?<=://)[^/\s@]+(?=@)"  # the login of a proxy
    r"|-----BEGIN.*?(?:-----END[^\n]*|\Z)",
    re.DOTALL,
)


@dataclass(frozen=True)
class ExecCredential:
    """What a plugin gave; `expires` is None for a credential without an end."""

    token: str = field(repr=False)
    client: ClientCertificate | None
    expires: datetime | None

    @property
    def is_expired(self) -> bool:
        return self.expires is not None and datetime.now(UTC) > self.expires


class ExecLogin(Login):
    """The login of a plugin. `cluster` is what it is told about the cluster, None when it is not to know.

    The plugin runs when its first credential is needed, when that has expired, and when the server refuses it.
    """

    asks_others = True

    def __init__(self, plugin: dict[str, Any], cluster: dict[str, Any] | None, user: str) -> None:
        self._plugin = plugin
        self._cluster = cluster
        self._user = user
        self._credential: ExecCredential | None = None
        self._lock = threading.Lock()

    def authorization(self) -> str | None:
        token = self._current().token
        return bearer(token, f"the token of the exec plugin {self._plugin['command']}") if token else None

    def certificate(self) -> ClientCertificate | None:
        return self._current().client

    def refresh(self) -> bool:
        with self._lock:
            self._credential = None
        return True

    def _current(self) -> ExecCredential:
        with self._lock:
            if self._credential is None or self._credential.is_expired:
                self._credential = self._run()
            return self._credential

    def _run(self) -> ExecCredential:
        command = self._plugin["command"]
        where = f"the exec plugin {command} of user '{self._user}'"
        interactive = self._interactive(where)
        spec: dict[str, Any] = {"interactive": interactive}
        if self._cluster is not None:
            spec["cluster"] = self._cluster
        info = {"kind": "ExecCredential", "apiVersion": self._plugin["apiVersion"], "spec": spec}
        own = {item["name"]: item.get("value") or "" for item in self._plugin.get("env") or []}
        program = shutil.which(command)
        if program is None:
            hint = self._plugin.get("installHint") or "install it, or put it in PATH"
            raise ClusterError(f"{where} is not there: {' '.join(hint.split())}")
        try:
            done = subprocess.run(
                [program, *(self._plugin.get("args") or [])],
                env={**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(info)},
                stdin=None if interactive else subprocess.DEVNULL,
                capture_output=True,
                timeout=RUN_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ClusterError(f"{where} did not end within {RUN_SECONDS:.0f} s") from None
        except (OSError, ValueError) as error:
            raise ClusterError(f"{where} cannot be run: {getattr(error, 'strerror', '') or 'bad argument'}") from None
        if done.returncode:
            said = _presentable(done.stderr, _given_secrets(self._plugin)) or "it wrote nothing to its standard error"
            raise ClusterError(f"{where} failed with exit code {done.returncode}: {said}")
        return _read(done.stdout, self._plugin["apiVersion"], where)

    def _interactive(self, where: str) -> bool:
        mode = self._plugin.get("interactiveMode") or "IfAvailable"
        terminal = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
        if mode == "Always" and not terminal:
            raise ClusterError(f"{where} asks questions (interactiveMode Always), and there is no terminal here")
        return terminal and mode != "Never"


def _read(output: bytes, api_version: str, where: str) -> ExecCredential:
    try:
        answer = json.loads(output)
        kind, version, status = answer["kind"], answer["apiVersion"], answer.get("status")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ClusterError(f"{where} gave no ExecCredential") from None
    if kind != "ExecCredential" or version != api_version:
        raise ClusterError(f"{where} gave {kind} of {version}; the kubeconfig wants ExecCredential of {api_version}")
    if not isinstance(status, dict):
        raise ClusterError(f"{where} gave an ExecCredential without a status")
    names = ("token", "clientCertificateData", "clientKeyData", "expirationTimestamp")
    token, certificate, key, expires = (status.get(name) or "" for name in names)
    if not all(isinstance(value, str) for value in (token, certificate, key, expires)):
        raise ClusterError(f"{where} gave a status with fields that are no strings")
    if not (token or certificate or key):
        raise ClusterError(f"{where} gave neither a token nor a client certificate")
    if bool(certificate) != bool(key):
        raise ClusterError(f"{where} gave a client certificate without its key, or a key alone")
    client = ClientCertificate(certificate.encode(), key.encode()) if certificate else None
    return ExecCredential(token, client, _time(expires, where) if expires else None)


def _time(text: str, where: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise ClusterError(f"{where} gave an expirationTimestamp that is no time (RFC 3339)")
    return when


def _given_secrets(plugin: dict[str, Any]) -> list[str]:
    """What is given to the plugin under a name that tells of a secret, as variable or as argument."""
    inherited = [value for name, value in os.environ.items() if _SECRET_NAME.search(name) and len(value) >= _LONG]
    found = [item.get("value") or "" for item in plugin.get("env") or [] if _SECRET_NAME.search(item["name"])]
    arguments = plugin.get("args") or []
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, _equals, value = argument.partition("=")
        if name.startswith("-") and _SECRET_NAME.search(name):
            found.append(value or following)
    return [value for value in [*inherited, *found] if len(value) > 3]


def _presentable(stderr: bytes, secrets: list[str]) -> str:
    """The end of what a plugin complained, without what looks like a credential or was given to it as one."""
    text = conceal_text(_SECRET_TEXT.sub("***", stderr[-_LOOKED_AT:].decode("utf-8", "replace")), secrets)
    printable = "".join(character for character in text if character.isprintable() or character.isspace())
    # Line by line: in one, what is no blank may belong to a credential.
    return " ".join(" ".join(redact(line).split()) for line in printable.splitlines())[-_LONGEST_STDERR:].strip()
