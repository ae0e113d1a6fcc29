# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether containerd reads the mirrors where they are written: config_path of its plugins.

Source: containerd issues 12415 and 12636, internal/cri/config and plugins/cri/images. The CRI plugin splits config_path
at ':'. Pulls through the transfer service (from 2.1 on) take it as the name of one directory and find no hosts.toml,
without saying so. Where it is not set, 2.2 and later take two directories, and earlier ones none: 2.2 says so in its
dump, later ones, whose dump is of version 4, only when they start. The nodes of kind are such.

The older way, registry.mirrors in config.toml, excludes config_path: with both the CRI plugin does not load
(ValidateImageConfig), and with registry.configs.*.tls beside config_path neither does that of 1.x. So these go first.
"""

from __future__ import annotations

import functools
import posixpath
import tomllib
from collections.abc import Mapping
from typing import Any

from .containerd_mirrors import older_settings, older_way
from .facts import ContainerdConfig, Finding

TRAP = "config_path"
# What containerd takes where it is not set, and the version of the configuration from which on that is so
_DEFAULT, _DEFAULT_FROM = "/etc/containerd/certs.d:/etc/docker/certs.d", 4
# Plugins with a config_path: CRI of configuration version 1, 2, and 3 and 4, the transfer service
_CRI = (("cri", "registry"), ("io.containerd.grpc.v1.cri", "registry"), ("io.containerd.cri.v1.images", "registry"))
_TRANSFER = ("io.containerd.transfer.v1.local",)
# Settings of the CRI plugin with which it pulls by itself, without the transfer service, and their values then
# (internal/cri/config, CheckLocalImagePullConfigs)
_LOCAL = {
    "use_local_image_pull": True,
    "disable_snapshot_annotations": False,
    "discard_unpacked_layers": True,
    "image_pull_with_sync_fs": True,
}


def config_path(node: str, config: ContainerdConfig) -> list[Finding]:
    """Look for what keeps containerd from reading the hosts.toml files of the node's certs_dir.

    A finding is fatal where the configuration is known with all its defaults, so that there is no doubt.
    """
    where = f"{node}, containerd's config.toml"
    try:
        documents = [tomllib.loads(text) for text in (config.text, *config.imported)]
    except tomllib.TOMLDecodeError as error:
        what = "is no TOML, or imports what is none" if config.imported else "is no TOML"
        return [Finding(TRAP, where, f"{what}: {error}", "Repair it; containerd does not start with it.")]
    document = functools.reduce(_merged, documents)
    address = _address(document)
    if config.address and address and _socket(address) != _socket(config.address):
        message = f"is that of another containerd, whose socket is {address} and not {config.address}"
        return [Finding(TRAP, where, message, "Name the right file as `config` of the node in image_prefetch_nodes.")]
    plugins = document.get("plugins")
    # Of files of several versions, each with another name for the plugin, the last one counts.
    path = next(
        (path for one in reversed(documents) for keys in _CRI if (path := _value(one.get("plugins"), keys))), ""
    )
    older = older_settings([_table(plugins, keys) for keys in _CRI])
    if older.any:
        # First of all: what is said below of config_path would have the CRI plugin not load.
        return [older_way(where, config, older, path, bool(document.get("imports")))]
    return _of_cri(where, config, document, path) + _of_transfer(where, plugins)


def _of_cri(where: str, config: ContainerdConfig, document: Mapping[str, Any], path: str) -> list[Finding]:
    plugins, version = document.get("plugins"), document.get("version")
    name = next((keys[0] for keys in _CRI if path and _value(plugins, keys) == path), _CRI[-1][0])
    told = f"config_path of {name} is {path}" if path else f"config_path of {name} is not set"
    directories = _directories(path)
    several = f"{name} has {len(directories)} directories as config_path"
    if not path and isinstance(version, int) and version >= _DEFAULT_FROM:
        directories = _directories(_DEFAULT)
        told = several = f"{told}, so containerd takes {_DEFAULT}"
    wanted = posixpath.normpath(config.certs_dir) if config.certs_dir else ""
    if len(directories) > 1 and not _pulls_by_itself(config, _table(plugins, (name,))):
        keep = wanted or directories[0]
        message = f"{several}; mirrors may be ignored silently"
        remedy = f'Set config_path = "{keep}" there, move all hosts.toml into it, restart containerd.'
        return [Finding(TRAP, where, message, remedy, fatal=config.whole)]
    if not wanted or wanted in directories:
        return []
    remedy = f'Set config_path = "{wanted}" there and restart containerd'
    remedy += f", or certs_dir: {directories[0]} for the node in image_prefetch_nodes." if directories else "."
    return [Finding(TRAP, where, f"{told}; mirrors written to {wanted} are not read", remedy, fatal=config.whole)]


def _directories(path: str) -> list[str]:
    return [posixpath.normpath(part) for part in path.split(":") if part]


def _of_transfer(where: str, plugins: Any) -> list[Finding]:
    path, others = _value(plugins, _TRANSFER), {path for keys in _CRI if (path := _value(plugins, keys))}
    directories = _directories(path)
    if len(directories) > 1:
        message = f"{_TRANSFER[0]} has {len(directories)} directories as config_path; mirrors may be ignored silently"
        remedy = f'Set config_path = "{directories[0]}" there, move all hosts.toml into it, restart containerd.'
        return [Finding(TRAP, where, message, remedy)]
    is_one = posixpath.normpath(path) in set(map(posixpath.normpath, others)) and len(others) == 1
    if path and others and not any(":" in other for other in others) and not is_one:
        message = f"config_path differs: {_TRANSFER[0]} has {path}, the CRI plugin {', '.join(sorted(others))}"
        return [Finding(TRAP, where, message, "Set the same single directory in both and restart containerd.")]
    return []


def _pulls_by_itself(config: ContainerdConfig, plugin: Mapping[str, Any]) -> bool:
    """Return whether the CRI plugin pulls without the transfer service, as all did before 2.1."""
    if config.whole and "use_local_image_pull" not in plugin:
        return True
    downloads = plugin.get("max_concurrent_downloads", 3)
    return downloads != 3 or any(plugin.get(key) is value for key, value in _LOCAL.items())


def _merged(base: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return both tables as one, as containerd merges what a file imports: what comes later counts."""
    merged = dict(base)
    for key, value in other.items():
        there = merged.get(key)
        both = isinstance(there, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(there, value) if both else value
    return merged


def _address(document: Mapping[str, Any]) -> str:
    """Return the path of the socket, where it is set: in a table of its own up to version 3, of a plugin since."""
    tables = (_table(document, ("grpc",)), _table(document.get("plugins"), ("io.containerd.server.v1.grpc",)))
    return next((str(table["address"]) for table in tables if table.get("address")), "")


def _socket(address: str) -> str:
    """Return the path of a socket as it is compared: /var/run is /run, and a scheme may stand before it."""
    path = posixpath.normpath(address.removeprefix("unix://"))
    return path.removeprefix("/var") if path.startswith("/var/run/") else path


def _value(plugins: Any, keys: tuple[str, ...]) -> str:
    path = _table(plugins, keys).get("config_path")
    return path if isinstance(path, str) else ""


def _table(document: Any, keys: tuple[str, ...]) -> Mapping[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document if isinstance(document, Mapping) else {}
