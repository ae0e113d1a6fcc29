"""Fetches images as a process of its own, which a test may kill: fetch_child.py LAYOUT HOST NUMBER STREAMS."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import (
    Limits,
    Wanted,
    fetch_images,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients

directory, host, number, streams = sys.argv[1:]
wanted = [
    Wanted(f"example.com/{image}:1", (Reference(host, f"app{image}", f"t{image}"),)) for image in range(int(number))
]
print("begins", flush=True)
limits = Limits(int(streams), int(streams))
fetch_images(
    wanted, Layout.create(Path(directory)), Clients(ImagePolicy()), limits, lambda line: print(line, flush=True)
)
