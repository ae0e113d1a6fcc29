# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two hosts of a run lead to one cluster: contexts may have other names, users and addresses, and the same end.

Two roles at work on one cluster would each undo what the other does.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from ..kube.client.cluster import Cluster
from ..kube.errors import KubeError


def identity_of(cluster: Cluster) -> str:
    """Return what tells a cluster from all others: the UID of its first namespace; '' where it may not be read."""
    try:
        namespace = cluster.get("v1", "Namespace", "kube-system")
    except KubeError:
        return ""
    return str(namespace["metadata"]["uid"]) if namespace else ""


def first_of(folder: str | Path, identity: str, host: str) -> str:
    """Return the host of this run that came to a cluster first, which may be this one.

    `folder` is the run's own. Hosts come side by side, and a file is made by one of them alone.
    """
    if not identity:
        return host
    file = Path(folder, f"cluster-{identity}")
    with NamedTemporaryFile("w", dir=folder, encoding="utf-8") as own:  # whole before it has its name
        own.write(host)
        own.flush()
        try:
            os.link(own.name, file)
        except FileExistsError:
            return file.read_text(encoding="utf-8")
    return host
