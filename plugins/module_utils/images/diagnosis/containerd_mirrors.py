# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The older way of telling containerd mirrors, registry.mirrors in config.toml, and how to leave it without harm.

Source: containerd internal/cri/config (ValidateImageConfig), docs/cri/registry.md; k3s pkg/agent/containerd/config.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .facts import ContainerdConfig, Finding

TRAP = "registry.mirrors"
_DEFAULT = "/etc/containerd/certs.d"
# What writes config.toml anew at each start, by a part of its path, and where it takes the mirrors from
_GENERATED = {
    "/rancher/k3s/": "k3s writes this file anew at each start: change /etc/rancher/k3s/registries.yaml or its config "
    "template (config.toml.tmpl, config-v3.toml.tmpl) instead, and restart k3s.",
    "/rancher/rke2/": "RKE2 writes this file anew at each start: change /etc/rancher/rke2/registries.yaml or its "
    "config template (config.toml.tmpl, config-v3.toml.tmpl) instead, and restart RKE2.",
    "/microk8s/": "microk8s makes this file of containerd-template.toml beside it: change that, and restart microk8s.",
}


@dataclass(frozen=True)
class OlderSettings:
    """Hosts in registry.mirrors, and those in registry.configs that have a tls table."""

    mirrors: tuple[str, ...]
    tls: tuple[str, ...]

    @property
    def any(self) -> bool:
        return bool(self.mirrors or self.tls)


def older_settings(registries: Iterable[Mapping[str, Any]]) -> OlderSettings:
    """Return what tables `registry` of the CRI plugin say in the older way, of all its names together."""
    mirrors: set[str] = set()
    tls: set[str] = set()
    for registry in registries:
        mirrors.update(_tables(registry.get("mirrors")))
        tls.update(host for host, table in _tables(registry.get("configs")).items() if "tls" in table)
    return OlderSettings(tuple(sorted(mirrors)), tuple(sorted(tls)))


def older_way(where: str, config: ContainerdConfig, older: OlderSettings, path: str, imports: bool) -> Finding:
    """Return what becomes of these settings, and the way out in its order. `path` is config_path, '' where not set."""
    wanted = config.certs_dir or path.partition(":")[0] or _DEFAULT
    parts = [f"registry.mirrors ({', '.join(older.mirrors)})"] if older.mirrors else []
    parts += [f"registry.configs with tls ({', '.join(older.tls)})"] if older.tls else []
    told = " and ".join(parts)
    if path and older.mirrors:
        message = f"{told} and config_path = {path} are both set: containerd's CRI plugin does not load"
    elif path:
        message = (
            f"{told} beside config_path = {path}: the CRI plugin of containerd 1.x does not load, 2.x ignores the tls"
        )
    else:
        message = (
            f"{told} set, config_path is not: mirrors written to {wanted} are not read, and with config_path added "
            "beside them containerd's CRI plugin does not load"
        )
    hosts = ", ".join(sorted({*older.mirrors, *older.tls}))
    steps = [
        f"write what they say of {hosts} into {wanted}/HOST/hosts.toml, where the image policy does not name them",
        f"remove {' and '.join(_removed(older))} there{' and in the files that it imports' if imports else ''}",
        *([] if wanted == path.rstrip("/") else [f'set config_path = "{wanted}"']),
        "restart containerd",
    ]
    remedy = "In this order: " + "; ".join(f"{number}. {step}" for number, step in enumerate(steps, start=1)) + "."
    generated = next((remark for part, remark in _GENERATED.items() if part in config.path), "")
    # Both in one file exclude each other; what is imported takes the place of the whole plugin's table up to 1.7.
    fatal = config.whole or bool(path and older.mirrors and not config.imported)
    return Finding(TRAP, where, message, " ".join(filter(None, [remedy, generated])), fatal=fatal)


def _removed(older: OlderSettings) -> list[str]:
    return [*(["registry.mirrors"] if older.mirrors else []), *(["registry.configs.*.tls"] if older.tls else [])]


def _tables(value: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(value, Mapping):
        return {}
    return {str(host): table if isinstance(table, Mapping) else {} for host, table in value.items()}
