"""Several items at once, and several who want them at once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import Access
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.checksum import sha256_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.sources import locate_all
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.transfers import Transfers
from layered_image import ARCHITECTURE, layer, push
from module_proxy import KNATIVE_CORE, OPERATOR, ModuleProxy, unpacked
from registry_process import RegistryProcess
from release_site import Site


def test_items_are_fetched_side_by_side_and_the_progress_is_told(site: Site, tmp_path: Path) -> None:
    site.slow = threading.Event()
    site.files = {f"/{name}": name.encode() * 3_000_000 for name in ("a", "b", "c")}
    items = []
    for name, data in site.files.items():
        (tmp_path / "x").write_bytes(data)
        items.append({"url": site.url + name, "sha256": sha256_of(tmp_path / "x")})
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        if line.count(" kB of 3.0 MB") == 3:
            site.slow.set()  # type: ignore[union-attr]

    access = Access(Store(tmp_path / "store"), transfers=Transfers(tell, period=0.05))
    assert len(locate_all(items, access)) == 3
    assert site.slow.is_set(), told
    assert any(re.search(rf"a, \d+ kB of 3.0 MB, from {site.url}/a", line) for line in told), told


FETCH = """
import json, sys
from pathlib import Path
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import Access
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.image_file import ImageAccess
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.sources import locate_all
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
items, store, proxy, mirror = json.loads(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]
policy = ImagePolicy.from_config({"mode": "rewrite", "mirrors": {"docker.io": [mirror]}})
access = Access(Store(store), go_proxy=proxy, images=ImageAccess(policy, store.with_suffix(".lock.yml")))
print(json.dumps([source.digest for source in locate_all(items, access)]))
"""


def test_two_processes_with_a_cold_cache_ten_times(
    site: Site, proxy: ModuleProxy, registry: RegistryProcess, tmp_path: Path, no_module_cache: None
) -> None:
    """Two contexts of one run, or two runs: both end well, and what both want is fetched once."""
    files = sorted((unpacked(OPERATOR, KNATIVE_CORE).parents[1]).glob("1.22.1/*.yaml"))
    modules = [
        {"go_module": OPERATOR, "path": f"{KNATIVE_CORE.rpartition('/')[0]}/{file.name}", "sha256": sha256_of(file)}
        for file in files
    ]
    site.files = {
        f"/{file.name}": file.read_bytes()
        for file in unpacked(OPERATOR, KNATIVE_CORE).parents[2].glob("knative-eventing/1.22.2/*.yaml")
    }
    urls = []
    for name, data in site.files.items():
        (tmp_path / "x").write_bytes(data)
        urls.append({"url": site.url + name, "sha256": sha256_of(tmp_path / "x")})
    programs = {f"bin/{name}": name.encode() * 500_000 for name in ("a", "b")}
    push(registry.host, "side/by-side", "1", [layer(dict(programs))], ARCHITECTURE)
    images = [{"image": "side/by-side:1", "path": path} for path in programs]
    items = modules + urls + images
    wanted = [item["sha256"] for item in modules + urls]
    wanted += [hashlib.sha256(program).hexdigest() for program in programs.values()]
    assert len(modules) >= 3 and len(urls) >= 4
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for turn in range(10):
        proxy.asked.clear()
        site.asked.clear()
        command = [
            sys.executable,
            "-c",
            FETCH,
            json.dumps(items),
            str(tmp_path / f"store{turn}"),
            proxy.url,
            registry.host,
        ]
        runs = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
            for _run in range(2)
        ]
        for run in runs:
            out, errors = run.communicate(timeout=300)
            assert run.returncode == 0, errors
            assert json.loads(out) == wanted
        assert len(proxy.asked) == 1
        assert sorted(site.asked) == sorted(site.files)
