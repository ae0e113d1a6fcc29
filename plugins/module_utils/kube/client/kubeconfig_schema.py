# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a kubeconfig and their types (client-go, tools/clientcmd/api/v1/types.go); others are passed over."""

from __future__ import annotations

import base64
import binascii
from typing import Any

CONTEXT = {"cluster": str, "user": str, "namespace": str}
CLUSTER = {
    "server": str,
    "tls-server-name": str,
    "insecure-skip-tls-verify": bool,
    "certificate-authority": str,
    "certificate-authority-data": bytes,
    "proxy-url": str,
    "disable-compression": bool,
    "extensions": list,
}
EXEC = {
    "command": str,
    "args": list,
    "env": list,
    "apiVersion": str,
    "installHint": str,
    "provideClusterInfo": bool,
    "interactiveMode": str,
}
USER = {
    "client-certificate": str,
    "client-certificate-data": bytes,
    "client-key": str,
    "client-key-data": bytes,
    "token": str,
    "tokenFile": str,
    "as": str,
    "as-uid": str,
    "as-groups": list,
    "as-user-extra": dict,
    "username": str,
    "password": str,
    "auth-provider": dict,
    "exec": EXEC,
}
_WORDS = {str: "a string", bool: "true or false", list: "a list", dict: "a map", bytes: "base64"}


class KubeconfigError(Exception):
    """What is wrong with a file, without its content."""


def checked(fields: Any, schema: dict[str, Any], where: str) -> dict[str, Any]:
    """The known fields that are set; those of type bytes are decoded. Raises KubeconfigError."""
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise KubeconfigError(f"{where} is not a map")
    found = {}
    for key, wanted in schema.items():
        value = fields.get(key)
        if value is None:
            continue
        if isinstance(wanted, dict):
            value = checked(value, wanted, f"{key} of {where}")
        elif not isinstance(value, str if wanted is bytes else wanted):
            raise KubeconfigError(f"{key} of {where} is not {_WORDS[wanted]}")
        elif wanted is bytes:
            value = _decoded(value, key, where)
        found[key] = value
    return found


def _decoded(text: str, key: str, where: str) -> bytes:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise KubeconfigError(f"{key} of {where} is not base64") from None
