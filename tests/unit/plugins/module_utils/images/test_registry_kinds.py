"""Twelve kinds of registries, each planned from, pulled from, pushed to, synchronized twice, and copied within."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import copy_image, push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import Wanted, fetch_images
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.sync import place_in, sync_images
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import Lock
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.plan import make_plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import Found
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry import uploads
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from distribution_spec import violations
from faulty_registry import FaultyRegistry
from kind_registry import KindRegistry
from recording_proxy import RecordingProxy
from registry_kinds import KINDS, PASSWORD
from sample_images import SampleImage

pytestmark = pytest.mark.parametrize("name", KINDS)


@pytest.fixture
def registry(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[KindRegistry]:
    """A registry of the kind, and uploads with sizes that fit to its limits.

    It is reached through a proxy that records: nothing is sent but what the specification allows.
    """
    monkeypatch.setattr(uploads, "CHUNK", 16_000)
    monkeypatch.setattr(uploads, "SMALLER", (4096, 512))
    made = KindRegistry(KINDS[name])
    proxy = RecordingProxy(made.host)
    made.host, made.port = proxy.host, proxy.port  # as it names itself
    yield made
    proxy.stop()
    made.stop()
    assert proxy.exchanges and violations(proxy.exchanges) == []


@pytest.fixture
def policy(registry: KindRegistry) -> ImagePolicy:
    login = {"username": registry.kind.username, "password": {"value": PASSWORD}}
    return ImagePolicy.from_config(
        {"registries": {registry.host: login}, "mirrors": {"docker.io": [f"{registry.host}/team"]}}
    )


@pytest.fixture
def clients(policy: ImagePolicy, quick: Backoff) -> Clients:
    return Clients(policy, replace(quick, read_timeout=10.0))


def images() -> list[SampleImage]:
    """Two images that share a layer too large for one chunk."""
    shared = os.urandom(40_000)
    return [SampleImage(shared, ("amd64", "arm64")), SampleImage(shared, ("amd64", "s390x"))]


def holds(registry: KindRegistry, repository: str, image: SampleImage) -> bool:
    """Whether a repository has an image for amd64, byte by byte."""
    part = image.parts[0]
    return (
        registry.manifests[repository, "1"].raw == image.index.raw
        and registry.manifests[repository, part.digest].raw == part.raw
        and all(registry.data[blob.digest] == image.blobs[blob.digest] for blob in part.blobs())
        and {blob.digest for blob in part.blobs()} <= registry.blobs[repository]
    )


def test_plan_and_plan_again_with_the_lock(registry: KindRegistry, policy: ImagePolicy) -> None:
    image = images()[0]
    found = [Found("app:1", "here"), Found("none:1", "here")]
    registry.seed(image, "team/library/app")
    plan = make_plan(found, policy, ["amd64"])
    assert [str(row.image) for row in plan.missing] == ["docker.io/library/none:1"]
    assert [row.failures[0].reason for row in plan.missing] == ["not found"]
    lock = Lock(images=plan.locked())
    assert list(lock.images) == ["docker.io/library/app:1"]
    again = make_plan(found[:1], policy, ["amd64"], lock=lock)
    assert not again.missing
    assert again.rows[0].inspected == plan.rows[0].inspected


def test_pull(registry: KindRegistry, clients: Clients, tmp_path: Path) -> None:
    image = images()[0]
    registry.seed(image, "team/app")
    layout = Layout.create(tmp_path / "layout")
    wanted = Wanted("docker.io/team/app:1", (Reference(registry.host, "team/app", "1"),))
    assert fetch_images([wanted], layout, clients).images == {wanted.name: image.index.digest}
    assert all(layout.path(digest).read_bytes() == data for digest, data in image.blobs.items())


def test_push(registry: KindRegistry, clients: Clients, tmp_path: Path) -> None:
    image = images()[0]
    moved: list[int] = []
    target = Reference(registry.host, "team/app", "1")
    layout = image.write(tmp_path / "layout")
    done = push_layout(layout, "", clients.of(registry.host), target, moved.append)
    assert (done.changed, done.blobs) == (True, len(image.blobs))
    assert holds(registry, "team/app", image)
    assert sum(moved) == sum(len(data) for data in image.blobs.values())


def test_sync(registry: KindRegistry, clients: Clients, faulty: FaultyRegistry, tmp_path: Path) -> None:
    _synced(registry, clients, faulty, tmp_path)


def test_a_second_sync_asks_once_for_each(
    registry: KindRegistry, policy: ImagePolicy, clients: Clients, faulty: FaultyRegistry, tmp_path: Path
) -> None:
    wanted = _synced(registry, clients, faulty, tmp_path)
    seen = len(registry.requests)
    done = sync_images(wanted, f"{registry.host}/team", Layout.create(tmp_path / "staging"), clients)
    assert done.copied == []
    asked = [(method, path) for method, path, _headers in registry.requests[seen:] if "/manifests/" in path]
    # GET follows where HEAD does not tell the digest
    tells = registry.kind.head_manifest == 200 and registry.kind.digest_header
    assert len(asked) == len(wanted) * (1 if tells else 2)
    assert not [path for method, path, _headers in registry.requests[seen:] if method not in ("HEAD", "GET")]


def test_a_copy_within_it_is_mounted_where_that_can_be(registry: KindRegistry, clients: Clients) -> None:
    image = images()[0]
    registry.seed(image, "team/app")
    client = clients.of(registry.host)
    done = copy_image(
        client, Reference(registry.host, "team/app", "1"), client, Reference(registry.host, "team/b", "1")
    )
    assert holds(registry, "team/b", image)
    kind = registry.kind
    assert done.blobs == (0 if kind.mount == 201 and kind.scopes == "all" else len(image.blobs))


def _synced(registry: KindRegistry, clients: Clients, faulty: FaultyRegistry, directory: Path) -> list[Wanted]:
    both = images()
    wanted = []
    for number, image in enumerate(both):
        faulty.add(image, f"t{number}")
        source = Reference(faulty.host, "app", f"t{number}")
        wanted.append(Wanted(f"quay.io/app{number}:1", (source,), image.index.digest, ("amd64",)))
    target = f"{registry.host}/team"
    done = sync_images(wanted, target, Layout.create(directory / "staging"), clients)
    assert sorted(done.copied) == [item.name for item in wanted]
    for item, image in zip(wanted, both, strict=True):
        assert holds(registry, place_in(target, item.name).repository, image)
    return wanted
