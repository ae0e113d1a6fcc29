"""Content is found and verified: files, directories, Go modules, tools."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import Access
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.checksum import sha256_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.sources import documents_of, locate
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from api_server import find_binaries

ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "release" / "sub").mkdir(parents=True)
    (tmp_path / "release" / "b.yaml").write_text(ONE.replace("one", "b"))
    (tmp_path / "release" / "sub" / "a.yml").write_text(ONE)
    (tmp_path / "release" / "notes.txt").write_text("no manifest")
    return tmp_path / "release"


def test_a_directorys_checksum_is_what_sha256sum_says(directory: Path) -> None:
    command = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum"
    said = subprocess.run(command, shell=True, cwd=directory, capture_output=True, text=True, check=True).stdout
    assert sha256_of(directory) == said.split()[0]


def test_a_directory_gives_its_yaml_files_in_order(directory: Path) -> None:
    source = locate({"path": str(directory), "sha256": sha256_of(directory)})
    assert [document["metadata"]["name"] for document in documents_of(source)] == ["b", "one"]


@pytest.mark.parametrize("form", ["sha256:{}", "{}\n", " SHA256:{}"])
def test_a_checksum_may_be_written_as_release_pages_have_it(directory: Path, form: str) -> None:
    right = sha256_of(directory)
    assert locate({"path": str(directory), "sha256": form.format(right)}).digest == right


def test_a_missing_checksum_is_told_with_its_value(directory: Path) -> None:
    with pytest.raises(ContentError, match=rf"b.yaml needs a sha256(.|\n)*sha256: {sha256_of(directory / 'b.yaml')}"):
        locate({"path": str(directory / "b.yaml")})


def test_one_flipped_bit_is_refused(directory: Path) -> None:
    right = sha256_of(directory)
    data = bytearray((directory / "b.yaml").read_bytes())
    data[3] ^= 1
    (directory / "b.yaml").write_bytes(data)
    with pytest.raises(ContentError, match=rf"expected {right}\n  found    {sha256_of(directory)}"):
        locate({"path": str(directory), "sha256": right})


def test_a_go_module_comes_from_the_module_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "example.org" / "!big!name@v1.2.3" / "yaml"
    place.mkdir(parents=True)
    (place / "one.yaml").write_text(ONE)
    monkeypatch.setenv("GOMODCACHE", str(tmp_path))
    item = {"go_module": "example.org/BigName@v1.2.3", "path": "yaml/one.yaml", "sha256": digest(ONE)}
    assert documents_of(locate(item))[0]["metadata"]["name"] == "one"


def test_a_go_module_that_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path))
    access = Access(store=Store(tmp_path / "store"), go_proxy="off")
    with pytest.raises(ContentError, match=r"^example.org/x@v1: GOPROXY says off"):
        locate({"go_module": "example.org/x@v1", "sha256": "0" * 64}, access)


def test_contradictions_are_refused() -> None:
    with pytest.raises(ContentError, match="one of path, url, go_module"):
        locate({"sha256": "0"})
    with pytest.raises(ContentError, match="one of path, url, go_module"):
        locate({"url": "http://x/", "go_module": "a@b"})
    with pytest.raises(ContentError, match="kind 'chart' is unknown"):
        locate({"kind": "chart", "path": "x"})


def test_a_kustomization_is_built_by_kubectl(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "overlay").mkdir()
    (tmp_path / "base" / "one.yaml").write_text(ONE)
    (tmp_path / "base" / "kustomization.yaml").write_text("resources: [one.yaml]\n")
    (tmp_path / "overlay" / "kustomization.yaml").write_text("namePrefix: my-\nresources: [../base]\n")
    item = {
        "kind": "kustomize",
        "path": str(tmp_path),
        "build": "overlay",
        "sha256": sha256_of(tmp_path),
        "kubectl": str(find_binaries()["kubectl"]),
    }
    assert documents_of(locate(item))[0]["metadata"]["name"] == "my-one"


@pytest.fixture
def istioctl(tmp_path: Path) -> Path:
    """A program that answers like istioctl does."""
    program = tmp_path / "istioctl"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = version ]; then echo "client version: 9.9.9"; exit; fi\n'
        'test "$KUBECONFIG" = /dev/null || exit 3\n'
        "tag=$(sed -n 's/^ *tag: *//p' \"$4\")\n"
        'printf "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: istio-%s}\\n" "$tag"\n'
    )
    program.chmod(0o755)
    return program


def test_istioctl_renders_without_a_cluster(istioctl: Path) -> None:
    item = {
        "kind": "istioctl",
        "path": str(istioctl),
        "version": "9.9.9",
        "values": {"spec": {"hub": "docker.io/istio", "tag": "t1"}},
    }
    assert documents_of(locate(item))[0]["metadata"]["name"] == "istio-t1"


def test_istioctl_must_be_the_pinned_one_and_told_hub_and_tag(istioctl: Path) -> None:
    item = {"kind": "istioctl", "path": str(istioctl)}
    with pytest.raises(ContentError, match=r"needs its version or sha256(.|\n)*version: '9.9.9'"):
        locate(item)
    with pytest.raises(ContentError, match=r"is version '9.9.9', not '1.0'"):
        locate({**item, "version": "1.0"})
    with pytest.raises(ContentError, match="lacks hub and tag"):
        documents_of(locate({**item, "version": "9.9.9", "values": {"spec": {}}}))
    with pytest.raises(ContentError, match="there is no program /nowhere/istioctl"):
        locate({"kind": "istioctl", "path": "/nowhere/istioctl", "version": "1"})
    assert os.environ.get("KUBECONFIG") != os.devnull
