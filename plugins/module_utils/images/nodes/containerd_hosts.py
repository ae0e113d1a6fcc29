# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that tell containerd the mirrors: hosts.toml for each source registry, with certificate authorities.

Source: containerd docs/hosts.md and core/remotes/docker/config/hosts.go: hosts are tried in their order, then `server`.
Here the last mirror of the list is the `server`, because without one containerd falls back to the origin.

`_default` is the directory of every registry that has none of its own (hosts.go: hostPaths). With `strict` its server
is one that no request can be sent to: containerd refuses at once, nothing leaves the node, no name server or proxy can
change that, and the words of the address stand in the pull's error.
"""

from __future__ import annotations

from ..errors import PolicyError
from ..policy.mirrors import Mirror
from ..policy.policy import ImagePolicy
from ..policy.settings import RegistrySettings, is_loopback
from ..registry.auth import basic_login

_HEADER = "# Written by selfhosted.serverless from serverless_images; image_prefetch_state: absent takes it away.\n"
LOGIN = "authorization ="  # begins the line with a login, which is not to be shown
_CAPABILITIES = 'capabilities = ["pull", "resolve"]'
# containerd takes anything that begins with http for a scheme, and its HTTP client knows only http and https.
REFUSAL = "http-refused://not-in-serverless_images.mirrors"


def host_files(policy: ImagePolicy) -> dict[str, bytes]:
    """Return the content of every file by its path below containerd's config_path.

    Raises PolicyError for a mirror that containerd cannot be told, or an authority that cannot be read.
    """
    files: dict[str, bytes] = {}
    # Rewritten references name the mirror itself, so nothing has to be sent elsewhere.
    for source, mirrors in (policy.mirrors if policy.mode == "runtime" else {}).items():
        files.update(_directory(source, list(mirrors), policy))
    for host in by_name(policy):
        if _file(host) not in files:
            files.update(_directory(host, [Mirror(host, "host", host)], policy))
    if policy.strict:
        files[_file("_default")] = f'{_HEADER}server = "{REFUSAL}"\n'.encode()
    return files


def by_name(policy: ImagePolicy) -> set[str]:
    """Return the registries that nodes must be told how to reach under their own names.

    With `strict` that is every one that images may be named at, since the others are refused.
    """
    if policy.strict:
        return {*policy.registries, *(mirror.host for mirrors in policy.mirrors.values() for mirror in mirrors)}
    return {
        host
        for host, settings in policy.registries.items()
        if settings.ca_file or settings.plain_http or is_loopback(host)
    }


def without_login(text: str) -> str:
    """Return the text of a file as it may be shown."""
    return "\n".join(
        line.partition(LOGIN)[0] + f"{LOGIN} (not shown)" if LOGIN in line else line for line in text.split("\n")
    )


def directory_of(host: str) -> str:
    """Return the name of a registry's directory; a colon is not allowed everywhere, so containerd also takes _port_."""
    name, separator, port = host.rpartition(":")
    return f"{name}_{port}_" if separator else host


def _directory(source: str, mirrors: list[Mirror], policy: ImagePolicy) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    sections = []
    for mirror in mirrors:
        settings = policy.settings(mirror.host)
        _check(mirror)
        if settings.ca_file:
            files[f"{directory_of(source)}/{_authority(mirror)}"] = settings.authority()
        sections.append(_settings(source, mirror, settings))
    server, options, login = sections.pop()
    lines = [f'server = "{server}"', *options, *_header("header", login)]
    for url, host_options, login in sections:
        lines += ["", f'[host."{url}"]', *(f"  {option}" for option in host_options)]
        lines += [f"  {line}" for line in _header(f'host."{url}".header', login)]
    files[_file(source)] = (_HEADER + "\n".join(lines) + "\n").encode()
    return files


def _file(host: str) -> str:
    return f"{directory_of(host)}/hosts.toml"


def _header(table: str, login: str) -> list[str]:
    return ["", f"[{table}]", f'  {LOGIN} "{login}"'] if login else []


def _settings(source: str, mirror: Mirror, settings: RegistrySettings) -> tuple[str, list[str], str]:
    """Return a mirror's URL, the options that belong to it, and its login.

    To a registry's own name the kubelet comes with the pull secret; a mirror's login it does not know.
    """
    options = [_CAPABILITIES]
    url = settings.url
    if mirror.prefix:
        url = f"{url}/v2/{mirror.prefix}"
        options.append("override_path = true")
    if settings.ca_file:
        options.append(f'ca = "{_authority(mirror)}"')
    return url, options, basic_login(settings) if settings.username and mirror.host != source else ""


def _check(mirror: Mirror) -> None:
    if mirror.prefix is None:
        raise PolicyError(
            f"the mirror {mirror.place} for {mirror.source} cannot be told to containerd; use mode: rewrite"
        )


def _authority(mirror: Mirror) -> str:
    return f"{directory_of(mirror.host)}.crt"
