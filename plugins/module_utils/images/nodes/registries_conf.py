# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that tell CRI-O (and all else on containers/image) the mirrors: registries.conf.d and authorities.

Source: containers-registries.conf(5), containers-certs.d(5). After the mirrors the `location` itself is asked; here it
is the last mirror of the list, so that the origin is asked only where it is listed.
"""

from __future__ import annotations

import json

from ..errors import PolicyError
from ..policy.mirrors import Mirror
from ..policy.policy import ImagePolicy
from ..policy.settings import is_loopback

FILE = "registries.conf.d/50-selfhosted-serverless.conf"
_HEADER = "# Written by selfhosted.serverless from serverless_images; image_prefetch_state: absent takes it away.\n"


def registries_conf(policy: ImagePolicy) -> dict[str, bytes]:
    """Return the content of every file by its path below /etc/containers.

    Raises PolicyError for `strict`, since a table is for one registry or the hosts below one domain, never for all
    others, and for a mirror that has a login, since CRI-O reads those from a file of all its logins.
    """
    if policy.strict:
        raise PolicyError(
            "serverless_images.strict cannot be told to CRI-O, which blocks registries by their names alone; "
            "write strict: false"
        )
    files: dict[str, bytes] = {}
    tables = []
    for source, mirrors in (policy.mirrors if policy.mode == "runtime" else {}).items():
        tables.append(_table(source, list(mirrors), policy))
    for host, settings in policy.registries.items():
        if settings.ca_file:
            files[f"certs.d/{host}/ca.crt"] = settings.authority()
        if host not in policy.mirrors and (settings.plain_http or is_loopback(host)):
            tables.append(_table(host, [Mirror(host, "host", host)], policy))
    if tables:
        files[FILE] = (_HEADER + "\n".join(tables)).encode()
    return files


def _table(source: str, mirrors: list[Mirror], policy: ImagePolicy) -> str:
    last = mirrors.pop()
    lines = ["[[registry]]", f"prefix = {json.dumps(source)}", *_place(source, last, policy)]
    for mirror in mirrors:
        lines += ["", "  [[registry.mirror]]", *(f"  {line}" for line in _place(source, mirror, policy))]
    return "\n".join(lines) + "\n"


def _place(source: str, mirror: Mirror, policy: ImagePolicy) -> list[str]:
    settings = policy.settings(mirror.host)
    if settings.username and mirror.host != source:
        raise PolicyError(f"the mirror {mirror.host} has a login, which CRI-O cannot be told here; use mode: rewrite")
    location = "/".join(filter(None, [mirror.host, mirror.prefix]))
    insecure = settings.plain_http or (is_loopback(mirror.host) and not settings.ca_file)
    return [f"location = {json.dumps(location)}", *(["insecure = true"] if insecure else [])]
