# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of a registry secret, type ``kubernetes.io/dockerconfigjson``.

The form is that of docker's ``config.json``, which the kubelet reads:
https://kubernetes.io/docs/concepts/containers/images/#config-json
"""

from __future__ import annotations

import base64
import json
import re

from .http.redaction import without_login

SECRET_TYPE = "kubernetes.io/dockerconfigjson"
SECRET_KEY = ".dockerconfigjson"

# host[:port], as it stands before the first slash of an image reference
_REGISTRY = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?")


class DockerConfigError(ValueError):
    """A registry, user name or password that a dockerconfigjson cannot carry."""


def docker_config(registry: str, username: str, password: str) -> str:
    """Return the JSON text for one registry, the same text for the same input.

    Raises DockerConfigError, which never repeats the password.
    """
    if not _REGISTRY.fullmatch(registry):
        raise DockerConfigError(
            f"registry {without_login(registry)!r} is not host or host:port; write it as it stands in image "
            "references, without https:// and without a path"
        )
    if not username or ":" in username:
        raise DockerConfigError(
            f"the user name for {registry} is empty or holds a colon, which basic auth cannot carry"
        )
    if not password:
        raise DockerConfigError(f"the password for {username} at {registry} is empty")
    if password != password.strip("\r\n"):
        raise DockerConfigError(f"the password for {username} at {registry} begins or ends with a line break")
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    entry = {"username": username, "password": password, "auth": auth}
    return json.dumps({"auths": {registry: entry}}, sort_keys=True, separators=(",", ":"))
