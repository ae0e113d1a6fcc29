"""CRI-O's settings, read by skopeo: it is built on the same library, and CRI-O itself cannot run here."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import PolicyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.registries_conf import (
    FILE,
    registries_conf,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from registry_process import RegistryProcess
from sample_images import SampleImage, layer_of
from throwaway_pki import Pki


def inspect(image: str, conf: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            "skopeo",
            "--registries-conf",
            str(conf),
            "inspect",
            "--no-tags",
            "--format",
            "{{.Digest}}",
            f"docker://{image}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_second_mirror_has_it_and_the_origin_is_never_asked(mirror: RegistryProcess, tmp_path: Path) -> None:
    sample = SampleImage(layer_of(b"crio"))
    layout = sample.write(tmp_path / "layout", "gcr.io/team/crio:1")
    push_layout(layout, "", Registry(mirror.host), Reference.parse(f"{mirror.host}/second/team/crio:1"))
    policy = ImagePolicy.from_config({"mirrors": {"gcr.io": [f"{mirror.host}/first", f"{mirror.host}/second"]}})
    conf = tmp_path / "registries.conf"
    conf.write_bytes(registries_conf(policy)[FILE])
    found = inspect("gcr.io/team/crio:1", conf)
    assert found.stdout.strip() == sample.index.digest, found.stderr
    missing = inspect("gcr.io/team/other:1", conf)
    assert missing.returncode
    assert f"{mirror.host}/second/team/other" in missing.stderr
    assert "https://gcr.io" not in missing.stderr


def test_what_is_written(pki: Pki) -> None:
    config = {
        "mirrors": {"docker.io": ["m.io/hub", "docker.io"], "quay.io": [{"host": "q.io"}]},
        "registries": {"own.io": {"ca_file": str(pki.ca_certificate)}, "plain.io": {"plain_http": True}},
    }
    files = registries_conf(ImagePolicy.from_config(config))
    assert sorted(files) == ["certs.d/own.io/ca.crt", FILE]
    tables = tomllib.loads(files[FILE].decode())["registry"]
    assert tables == [
        {"prefix": "docker.io", "location": "docker.io", "mirror": [{"location": "m.io/hub"}]},
        {"prefix": "quay.io", "location": "q.io"},
        {"prefix": "plain.io", "location": "plain.io", "insecure": True},
    ]
    assert registries_conf(ImagePolicy.from_config({"mode": "rewrite", "mirrors": config["mirrors"]})) == {}


def test_what_cannot_be_told() -> None:
    login = {"m.io": {"username": "u", "password": {"value": "p"}}}
    with pytest.raises(PolicyError, match=r"m\.io has a login"):
        registries_conf(ImagePolicy.from_config({"mirrors": {"gcr.io": ["m.io/g"]}, "registries": login}))
