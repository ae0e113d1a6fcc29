"""Check mode on a cluster where nothing of the site stands yet."""

from __future__ import annotations

import json

from ..conftest import Site


def everything(site: Site) -> set[tuple[str, str, str, str]]:
    """Kind, namespace, name and version of every object, but for what controllers renew all the time."""
    kinds = site.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    kinds = [
        kind for kind in kinds if kind.split(".")[0] not in ("events", "leases", "nodes", "endpointslices", "pods")
    ]
    listed = json.loads(site.kubectl("get", ",".join(kinds), "-A", "-o", "json"))["items"]
    metas = [(item["kind"], item["metadata"]) for item in listed]
    return {(kind, meta.get("namespace", ""), meta["name"], meta.get("resourceVersion", "")) for kind, meta in metas}


def test_a_check_finds_no_failure_and_writes_nothing(site: Site) -> None:
    before = everything(site)
    files = sorted((site.directory / "certs.d").rglob("*"))
    done = site.playbook("site.yml", "--check", "--diff")
    assert done.returncode == 0, done.stdout[-4000:]
    assert "failed=0" in done.stdout
    assert everything(site) == before
    assert sorted((site.directory / "certs.d").rglob("*")) == files
