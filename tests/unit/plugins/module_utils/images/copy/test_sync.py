"""Images into a registry of one's own: what is there is skipped, bytes and digests stay what they are."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import FetchError, Wanted
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.sync import (
    mirror_variables,
    place_in,
    sync_images,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import digest_of
from faulty_registry import FaultyRegistry, Handler
from registry_process import PASSWORD, USERNAME, RegistryProcess
from sample_images import SampleImage
from throwaway_pki import Pki


@pytest.fixture
def clients(private: RegistryProcess, pki: Pki) -> Clients:
    login = {"ca_file": str(pki.ca_certificate), "username": USERNAME, "password": {"value": PASSWORD}}
    return Clients(ImagePolicy.from_config({"registries": {private.host: login}}))


@pytest.fixture
def staging(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "staging")


def served(registry: FaultyRegistry, tag: str, image: SampleImage, **settings: object) -> Wanted:
    """Serve an image, and want it."""
    registry.add(image, tag)
    source = Reference(registry.host, "app", tag)
    return Wanted(f"quay.io/team/{tag}:1", (source,), image.index.digest, **settings)


def test_a_sync_and_the_next_one(
    faulty: FaultyRegistry, private: RegistryProcess, clients: Clients, staging: Layout
) -> None:
    shared = os.urandom(100_000)
    items = [served(faulty, "sync-a", SampleImage(shared)), served(faulty, "sync-b", SampleImage(shared, ("arm64",)))]
    target = f"{private.host}/synced"
    done = sync_images(items, target, staging, clients)
    assert done.copied == [item.name for item in items]
    registry = clients.of(private.host)
    for item in items:
        assert registry.manifest(place_in(target, item.name).repository, "1").digest == item.digest
    before, asked = registry.transport.requests, len(faulty.requests)
    assert sync_images(items, target, staging, clients).copied == []
    assert registry.transport.requests - before == len(items)
    assert len(faulty.requests) == asked


def test_a_registry_that_wants_all_of_an_index_gets_it(
    faulty: FaultyRegistry, private: RegistryProcess, clients: Clients, staging: Layout
) -> None:
    image = SampleImage(os.urandom(1000), ("amd64", "arm64"))
    item = served(faulty, "whole", image, architectures=("amd64",))
    sync_images([item], f"{private.host}/whole", staging, clients)
    registry = clients.of(private.host)
    for part in image.parts:
        assert registry.manifest("whole/quay.io/team/whole", part.digest).raw == part.raw


def test_nothing_is_sent_when_an_image_cannot_be_had(
    faulty: FaultyRegistry, private: RegistryProcess, clients: Clients, staging: Layout
) -> None:
    good = served(faulty, "good", SampleImage(os.urandom(1000)))
    bad = Wanted("quay.io/team/none:1", (Reference(faulty.host, "app", "none"),))
    with pytest.raises(FetchError, match="quay.io/team/none:1"):
        sync_images([good, bad], f"{private.host}/half", staging, clients)
    assert not clients.of(private.host).has_manifest("half/quay.io/team/good", "1")


def test_an_image_is_sent_while_others_still_come(
    faulty: FaultyRegistry, private: RegistryProcess, clients: Clients, staging: Layout
) -> None:
    quick = served(faulty, "quick", SampleImage(os.urandom(1000)))
    image = SampleImage(os.urandom(2000))
    slow = served(faulty, "slow", image)
    registry = clients.of(private.host)

    def held(handler: Handler) -> None:
        """Give the other image's layer out only when the first image has been sent."""
        until(lambda: registry.has_manifest("beside/quay.io/team/quick", "1") == quick.digest)
        handler.serve()

    faulty.faults[f"blobs/{digest_of(image.layer)}"] = [held]
    lines: list[str] = []
    done = sync_images([quick, slow], f"{private.host}/beside", staging, clients, report=lines.append, period=0.05)
    assert sorted(done.copied) == sorted([quick.name, slow.name])
    assert registry.has_manifest("beside/quay.io/team/slow", "1") == slow.digest
    assert any(line.startswith(f"to {private.host}: 1/2 images") for line in lines)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, 20 seconds at the most."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_places_keep_the_source_registry() -> None:
    assert str(place_in("r.example.com/mirror", "nginx:1")) == "r.example.com/mirror/docker.io/library/nginx:1"
    assert str(place_in("r.example.com", "localhost:5000/a/b:1")) == "r.example.com/localhost_5000/a/b:1"


def test_variables_for_the_next_run() -> None:
    assert mirror_variables("r.example.com/m/", ["nginx", "gcr.io/a/b:1", "gcr.io/c:2"]) == [
        "serverless_images:",
        "  mirrors:",
        "    docker.io: [r.example.com/m/docker.io]",
        "    gcr.io: [r.example.com/m/gcr.io]",
    ]
