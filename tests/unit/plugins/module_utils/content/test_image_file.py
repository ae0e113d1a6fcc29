"""Files out of images, which a real registry holds."""

from __future__ import annotations

import hashlib
import platform
import uuid
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content import image_file, sources
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import Access
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.download import OTHERS_FOLLOW
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.image_file import ImageAccess
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.sources import documents_of, locate
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import Lock
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import Descriptor
from layered_image import ARCHITECTURE, layer, push
from registry_process import RegistryProcess

NEW, OLD = b"new", b"old"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ONLY_SOURCE", OTHERS_FOLLOW)


@pytest.fixture
def repository() -> str:
    return f"tools/t-{uuid.uuid4().hex[:8]}"


def access(tmp_path: Path, *mirrors: str, lock: Path | None = None, extend: bool = True) -> Access:
    policy = ImagePolicy.from_config({"mode": "rewrite", "mirrors": {"docker.io": list(mirrors)}})
    return Access(store=Store(tmp_path / "store"), images=ImageAccess(policy, lock, extend))


LAYERS = [
    layer({"usr/bin/tool": OLD, "usr/lib/gone": OLD, "usr/lib/kept": OLD, "etc/old/a": OLD, "etc/file": OLD}),
    layer({"bin": "usr/bin", "usr/lib/.wh.gone": b"", "etc/old/.wh..wh..opq": b"", "etc/old/b": NEW, "loop": "/loop"}),
    layer(
        {"./usr/bin/tool": NEW, "opt/link": "../bin/tool", "up": "../../../usr/lib/kept", "opt/folder/": None},
        hard_links={"usr/bin/same": "usr/bin/tool"},
    ),
]


@pytest.mark.parametrize(("path", "found"), [
    ("/usr/bin/tool", NEW),
    ("bin/tool", NEW),
    ("/opt/link", NEW),
    ("/usr/bin/same", NEW),
    ("/up", OLD),
    ("/usr/lib/kept", OLD),
    ("/etc/old/b", NEW),
    ("/usr/../etc/file", OLD),
    ("/usr/lib/gone", "there is no usr/lib/gone"),
    ("/etc/old/a", "there is no etc/old/a"),
    ("/etc/file/x", "etc/file is a file"),
    ("/opt/folder", "is a folder"),
    ("/loop", "more than 40 symbolic links"),
    ("/nowhere", "there is no nowhere"),
])  # fmt: skip
def test_a_file_is_what_a_container_would_see(
    registry: RegistryProcess, repository: str, tmp_path: Path, path: str, found: bytes | str
) -> None:
    top = push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    item = {"image": f"docker.io/{repository}@{top}", "path": path}
    given = access(tmp_path, f"{registry.host}")
    if isinstance(found, str):
        with pytest.raises(ContentError, match=found):
            locate(item, given)
    else:
        assert locate(item, given).place.read_bytes() == found


def test_it_is_locked_like_every_image(registry: RegistryProcess, repository: str, tmp_path: Path) -> None:
    first = push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    lock = tmp_path / "images.lock.yml"
    item = {"image": f"{repository}:1", "path": "/usr/bin/tool"}
    given = access(tmp_path, registry.host, lock=lock)
    told: list[str] = []
    given.transfers.tell = told.append
    locate(item, given)
    assert Lock.read(lock).images[f"docker.io/{repository}:1"].digest == first
    assert [line for line in told if f"docker.io/{repository}:1 is locked as {first}" in line]
    push(registry.host, repository, "1", [layer({"usr/bin/tool": b"other"})], ARCHITECTURE)
    # What is locked is kept under its digest, so no mirror is asked any more
    assert locate(item, access(tmp_path, "127.0.0.1:9", lock=lock)).place.read_bytes() == NEW
    source = locate(item, access(tmp_path / "cold", registry.host, lock=lock))
    assert source.place.read_bytes() == NEW


def test_what_is_kept_is_locked_in_each_inventory(registry: RegistryProcess, repository: str, tmp_path: Path) -> None:
    push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    item = {"image": f"{repository}:1", "path": "/usr/bin/tool"}
    for lock in (tmp_path / "one.yml", tmp_path / "two.yml"):
        locate(item, access(tmp_path, registry.host, lock=lock))
    assert (tmp_path / "one.yml").read_text() == (tmp_path / "two.yml").read_text()


def test_the_files_of_an_image_share_its_layers_and_leave_none(
    registry: RegistryProcess, repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    fetched: list[str] = []
    fetch_blob = image_file.fetch_blob

    def counted(registry: object, repository: str, blob: Descriptor, *others: object) -> None:
        fetched.append(blob.digest)
        fetch_blob(registry, repository, blob, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(image_file, "fetch_blob", counted)
    paths = ("/usr/bin/tool", "/opt/link", "/usr/lib/kept", "/etc/file", "/etc/old/b")
    given = access(tmp_path, registry.host)
    sources.locate_all([{"image": f"{repository}@{top}", "path": path} for path in paths], given)
    assert len(fetched) == len(LAYERS)
    assert not list((tmp_path / "store").glob("*.layers"))


def test_an_image_by_digest_is_asked_for_once(registry: RegistryProcess, repository: str, tmp_path: Path) -> None:
    top = push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    item = {"image": f"{repository}@{top}", "path": "/usr/bin/tool"}
    locate(item, access(tmp_path, registry.host))
    assert locate(item, access(tmp_path, "127.0.0.1:9")).place.read_bytes() == NEW


def test_another_image_under_a_locked_tag_is_refused(
    registry: RegistryProcess, repository: str, tmp_path: Path
) -> None:
    push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    lock = tmp_path / "images.lock.yml"
    item = {"image": f"{repository}:1", "path": "/usr/bin/tool"}
    locate(item, access(tmp_path, registry.host, lock=lock))
    changed = f"changed/{repository}"
    push(registry.host, changed, "1", [layer({"usr/bin/tool": b"other"})], ARCHITECTURE)
    with pytest.raises(ContentError, match="the lock says"):
        locate(item, access(tmp_path / "cold", f"{registry.host}/changed", lock=lock))


def test_in_check_mode_the_lock_is_not_written(registry: RegistryProcess, repository: str, tmp_path: Path) -> None:
    push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    item = {"image": f"{repository}:1", "path": "/usr/bin/tool"}
    locate(item, access(tmp_path, registry.host, lock=tmp_path / "lock", extend=False))
    assert not (tmp_path / "lock").exists()


def test_the_next_mirror_is_taken_and_all_are_named(registry: RegistryProcess, repository: str, tmp_path: Path) -> None:
    top = push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    item = {"image": f"{repository}@{top}", "path": "/usr/bin/tool"}
    wrong = f"{registry.host}/nothing"
    assert locate(item, access(tmp_path, wrong, registry.host)).place.read_bytes() == NEW
    with pytest.raises(ContentError, match=rf"{wrong}/{repository}(.|\n)*not found(.|\n)*127.0.0.1:9/{repository}"):
        locate(item, access(tmp_path / "cold", wrong, "127.0.0.1:9"))


def test_without_any_pin_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="nothing pins it"):
        locate({"image": "istio/istioctl:1", "path": "/x"}, access(tmp_path, "127.0.0.1:9"))


def test_a_checksum_pins_the_file(registry: RegistryProcess, repository: str, tmp_path: Path) -> None:
    push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    item = {"image": f"{repository}:1", "path": "/usr/bin/tool", "sha256": digest(NEW)}
    assert locate(item, access(tmp_path, registry.host)).digest == digest(NEW)
    with pytest.raises(ContentError, match="not what its checksum says"):
        locate({**item, "sha256": digest(OLD)}, access(tmp_path, registry.host))


def test_istioctl_out_of_an_image_runs(registry: RegistryProcess, repository: str, tmp_path: Path) -> None:
    program = b'#!/bin/sh\nprintf "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: rendered}\\n"\n'
    top = push(registry.host, repository, "1", [layer({"usr/local/bin/istioctl": program})], ARCHITECTURE)
    item = {
        "kind": "istioctl",
        "image": f"{repository}@{top}",
        "path": "/usr/local/bin/istioctl",
        "values": {"spec": {"hub": "docker.io/istio", "tag": "1"}},
    }
    assert documents_of(locate(item, access(tmp_path, registry.host)))[0]["metadata"]["name"] == "rendered"


def test_an_image_for_other_machines_is_told(
    registry: RegistryProcess, repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = push(registry.host, repository, "1", LAYERS, ARCHITECTURE)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(ContentError, match="architecture missing: it has no riscv64"):
        locate({"image": f"{repository}@{top}", "path": "/x"}, access(tmp_path, registry.host))
