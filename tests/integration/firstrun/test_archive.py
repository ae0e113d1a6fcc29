"""One archive for a cluster without any registry, release site or module proxy."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ..conftest import until
from .conftest import World

pytestmark = pytest.mark.acceptance


def test_the_application_answers_from_the_archive_alone(world: World, tmp_path: Path) -> None:
    archive = tmp_path / "site.tar"
    with world.network() as network:
        user = world.user(network)
        made = user.run(
            "playbooks/images.yml",
            "-e",
            "images_verb=bundle",
            "-e",
            f"image_prefetch_bundle={archive}",
            *world.of_the_lab(),
        )
        assert made.code == 0, made.output[-6000:]
        assert set(made.reached) <= world.listed
        print(f"\n  bundle: {made.seconds:.0f} s, {archive.stat().st_size / 1e6:.0f} MB, {made.reached}")
        told = re.search(r'todo_image: "?([^\s"]+@sha256:[0-9a-f]{64})', made.output)
        assert told, made.output[-3000:]
        for line in ('serverless_registry: ""', "serverless_images: as it is now, with mode: runtime"):
            assert line in made.output.replace('\\"', '"'), made.output[-3000:]

    world.empty_node()
    since = {program: world.log_size(program) for program in ("mirror", "registry")}
    allowed = {f"{world.address}:{port}" for port in (6443, 30080)}
    with (
        world.without("mirror", "registry"),
        world.network(6443, 30080) as network,
        world.node_watched() as left_the_cluster,
    ):
        user = world.user(
            network,
            image_prefetch_bundle=str(archive),
            todo_image=told[1],
            serverless_registry="",
            serverless_images={"mode": "runtime", "map": "{{ __lab_image_map }}"},
            image_prefetch_nodes=[world.node_entry()],
        )
        user.variables = {}  # no proxy, no index, no password
        asked_since = datetime.now(UTC)
        wanting = user.run("site.yml", "-e", f"serverless_registry={world.address}:5001", *world.of_the_lab())
        assert wanting.code != 0
        said = " ".join(wanting.output.split())
        assert "serverless_registry_password: the environment variable REGISTRY_PASSWORD is not set" in said
        assert not world.lab.audit.writes(asked_since)
        first = user.run("site.yml", *world.of_the_lab())
        assert first.code == 0, first.output[-6000:]
        until("the application answers", world.answers, 60)
        print(f"  site: {first.seconds:.0f} s, {first.reached}; from the node: {left_the_cluster()}")
        assert set(first.reached) <= allowed, first.reached
        assert not left_the_cluster()
        second = user.run("site.yml", *world.of_the_lab())
        assert second.code == 0 and re.search(r"changed=0 ", second.output), second.output[-4000:]
        gone = user.run("playbooks/uninstall.yml", *world.of_the_lab())
        assert gone.code == 0 and set(gone.reached) <= allowed, gone.output[-4000:]
        assert not left_the_cluster()
    assert not [program for program, size in since.items() if world.requests(program, size)]
