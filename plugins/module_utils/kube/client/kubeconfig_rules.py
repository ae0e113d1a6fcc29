# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What client-go refuses in the cluster and the user of a context (tools/clientcmd/validation.go and transport)."""

from __future__ import annotations

import os
import re
from typing import Any

EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|^\s|\s\Z")
_MODES = ("Never", "IfAvailable", "Always")


def cluster_faults(cluster: dict[str, Any]) -> list[str]:
    """What is wrong with the fields of a cluster; [] when nothing is."""
    found = []
    if not cluster.get("server"):
        found.append("the cluster has no server")
    found += _twice(cluster, "certificate-authority")
    found += _unreadable(cluster, "certificate-authority")
    if cluster.get("insecure-skip-tls-verify") and (
        cluster.get("certificate-authority") or cluster.get("certificate-authority-data")
    ):
        found.append("insecure-skip-tls-verify and a certificate authority exclude each other")
    return found


def user_faults(user: dict[str, Any]) -> list[str]:
    """What is wrong with the fields of a user; [] when nothing is."""
    found = []
    if user.get("auth-provider"):
        found.append("auth-provider is not supported; use an exec plugin (for OIDC: kubelogin)")
    has_token = bool(user.get("token"))
    if (user.get("username") and (has_token or user.get("tokenFile"))) or (user.get("password") and has_token):
        found.append("a token and a user with password exclude each other")
    if user.get("client-certificate") or user.get("client-certificate-data"):
        found += _twice(user, "client-certificate") + _twice(user, "client-key")
        if not (user.get("client-key") or user.get("client-key-data")):
            found.append("the client certificate has no client-key")
        found += _unreadable(user, "client-certificate") + _unreadable(user, "client-key")
    if (user.get("as-groups") or user.get("as-uid") or user.get("as-user-extra")) and not user.get("as"):
        found.append("as-groups, as-uid and as-user-extra need as")
    if not _is_text_list(user.get("as-groups") or []):
        found.append("as-groups is not a list of strings")
    if not all(_is_text_list(values or []) for values in (user.get("as-user-extra") or {}).values()):
        found.append("as-user-extra is not a map of lists of strings")
    found += [f"{key} holds a control character, or a blank at its begin or end" for key in _unsendable(user)]
    return found + (_exec_faults(user["exec"]) if "exec" in user else [])


def _exec_faults(plugin: dict[str, Any]) -> list[str]:
    found = []
    version = plugin.get("apiVersion")
    if not plugin.get("command"):
        found.append("exec has no command")
    if version not in EXEC_VERSIONS:
        found.append(f"exec needs apiVersion {' or '.join(EXEC_VERSIONS)}")
    mode = plugin.get("interactiveMode")
    if mode not in _MODES and (mode or version != EXEC_VERSIONS[1]):
        found.append(f"exec needs interactiveMode {', '.join(_MODES)}")
    if not _is_text_list(plugin.get("args") or []):
        found.append("args of exec is not a list of strings")
    for variable in plugin.get("env") or []:
        fields = variable if isinstance(variable, dict) else {}
        if not fields.get("name") or not _is_text_list([fields["name"], fields.get("value") or ""]):
            found.append("env of exec is not a list of {name, value}")
    return found


def _unsendable(user: dict[str, Any]) -> list[str]:
    """The fields of an impersonation that a header does not keep; their types are judged elsewhere.

    kubectl keeps blanks, by HTTP/2; where they were lost, we would act as another one.
    """
    fields = {"as": [user.get("as")], "as-uid": [user.get("as-uid")], "as-groups": user.get("as-groups") or []}
    fields["as-user-extra"] = [
        value for values in (user.get("as-user-extra") or {}).values() if isinstance(values, list) for value in values
    ]
    return [key for key, values in fields.items() if any(_UNSENDABLE.search(str(value)) for value in values)]


def _twice(fields: dict[str, Any], key: str) -> list[str]:
    return [f"{key} and {key}-data exclude each other"] if fields.get(key) and fields.get(f"{key}-data") else []


def _unreadable(fields: dict[str, Any], key: str) -> list[str]:
    path = fields.get(key)
    if not path:
        return []
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        return [f"{key} {path} cannot be read: {error.strerror}"]
    return []


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
