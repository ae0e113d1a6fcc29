# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one registry is reached: scheme, certificate authority, login."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...http.authorities import read_authorities
from ...http.errors import HttpSetupError
from ...http.redaction import without_login
from ...secret_source import is_source
from ..errors import PolicyError
from ..reference.reference import HOST

# Docker Hub answers the registry API under a name of its own.
_API_HOSTS = {"docker.io": "registry-1.docker.io"}
KEY_HINT = "note that Ansible does not fill in variables in keys, so build the dictionary in an expression"
_KEYS = {"ca_file", "username", "password", "plain_http"}


@dataclass(frozen=True)
class RegistrySettings:
    """Settings of one registry, host or host:port.

    `ca_file` is the path of a PEM file with its authority (empty: the system's authorities), `password` a secret
    source as in secret_source.py, never the secret itself. `plain_http` None means: plain http on loopback unless
    there is a ca_file, TLS elsewhere.
    """

    host: str
    ca_file: str = ""
    username: str = ""
    password: Mapping[str, Any] = field(default_factory=dict, repr=False)
    plain_http: bool | None = None

    @classmethod
    def from_config(cls, host: str, config: Mapping[str, Any]) -> RegistrySettings:
        """Check one entry of `registries` of the image policy. Raises PolicyError."""
        where = f"serverless_images.registries[{without_login(host)!r}]"
        if not HOST.fullmatch(host):
            raise PolicyError(f"{where}: the key must be host or host:port; {KEY_HINT}")
        if not isinstance(config, Mapping):
            raise PolicyError(f"{where} must be a dictionary with some of {', '.join(sorted(_KEYS))}")
        unknown = sorted(set(config) - _KEYS)
        if unknown:
            raise PolicyError(f"{where} has unknown keys {', '.join(unknown)}; allowed are {', '.join(sorted(_KEYS))}")
        if bool(config.get("username")) != bool(config.get("password")):
            raise PolicyError(f"{where} needs username and password together, or neither")
        password = config.get("password") or {}
        if password and not is_source(password):
            raise PolicyError(
                f"{where}: password must be {{env: NAME}}, {{file: PATH}} or {{value: a vaulted variable}}"
            )
        if ":" in str(config.get("username") or ""):
            raise PolicyError(f"{where}: username holds a colon, which no login can carry")
        plain_http = config.get("plain_http")
        return cls(
            host,
            ca_file=str(config.get("ca_file") or ""),
            username=str(config.get("username") or ""),
            password=dict(password),
            plain_http=None if plain_http is None else bool(plain_http),
        )

    def authority(self) -> bytes:
        """Return the certificates of ca_file, b'' where there is none. Raises PolicyError."""
        try:
            return read_authorities(self.ca_file) if self.ca_file else b""
        except HttpSetupError as error:
            raise PolicyError(
                f"serverless_images.registries[{self.host!r}]: the ca_file {self.ca_file} {error}"
            ) from None

    @property
    def scheme(self) -> str:
        """http or https."""
        if self.plain_http is not None:
            return "http" if self.plain_http else "https"
        return "http" if is_loopback(self.host) and not self.ca_file else "https"

    @property
    def url(self) -> str:
        """Scheme and host under which the registry API is answered."""
        return f"{self.scheme}://{_API_HOSTS.get(self.host, self.host)}"


def is_loopback(host: str) -> bool:
    """Return whether host or host:port is this machine itself."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
