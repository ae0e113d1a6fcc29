# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What image.config.openshift.io/cluster must say of registries before OpenShift's nodes can pull from them.

It is the administrator's object and never changed here: what it lacks is told. Source: openshift/api config/v1
types_image.go (registrySources, additionalTrustedCA: a ConfigMap in openshift-config, whose keys are hosts, with two
dots in place of the colon before a port).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..images.policy.policy import ImagePolicy

NAMESPACE = "openshift-config"


def trusted_config_map(image_config: Mapping[str, Any]) -> str:
    """Return the name of the ConfigMap with the authorities of registries; '' where there is none."""
    return str(((image_config.get("spec") or {}).get("additionalTrustedCA") or {}).get("name") or "")


def lacking(
    policy: ImagePolicy, hosts: Iterable[str], image_config: Mapping[str, Any], authorities: Collection[str]
) -> list[str]:
    """Return what an administrator has to say of these mirrors' registries, in words.

    `authorities` are the keys of the ConfigMap that additionalTrustedCA names.
    """
    sources = (image_config.get("spec") or {}).get("registrySources") or {}
    field = "image.config.openshift.io/cluster spec.registrySources"
    found = []
    for host in sorted(set(hosts)):
        settings = policy.settings(host)
        if settings.scheme == "http" and not _names(sources.get("insecureRegistries"), host):
            found.append(f"{host} is reached without TLS; add it to {field}.insecureRegistries")
        if settings.ca_file and host.replace(":", "..") not in authorities:
            name = trusted_config_map(image_config)
            where = f"to the ConfigMap {name} in {NAMESPACE}" if name else f"to a ConfigMap in {NAMESPACE}"
            named = "" if name else ", and name that in spec.additionalTrustedCA of image.config.openshift.io/cluster"
            key = host.replace(":", "..")
            found.append(f"{host} has an authority of its own; add {settings.ca_file} {where} as {key}{named}")
        if _names(sources.get("blockedRegistries"), host):
            found.append(f"{host} is in {field}.blockedRegistries; take it out")
        if sources.get("allowedRegistries") and not _names(sources.get("allowedRegistries"), host):
            found.append(f"{host} is not in {field}.allowedRegistries; add it")
        if settings.username:
            found.append(f"{host} wants a login; see that the secret pull-secret in {NAMESPACE} has one for it")
    return found


def _names(entries: Any, host: str) -> bool:
    """Whether a list of registries names a host, itself or by a wildcard; an entry may have a path below the host."""
    for entry in entries or []:
        if entry == host or (entry.startswith("*.") and host.partition(":")[0].endswith(entry[1:])):
            return True
    return False
