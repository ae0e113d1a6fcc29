"""A user's first run behind a closed network, with a sample inventory, an image mirror and a module proxy."""

from __future__ import annotations

import pytest

from ..conftest import until
from .conftest import MODULES, World
from .user import Done

pytestmark = pytest.mark.acceptance

RELEASE_SITES = ("github.com", "storage.googleapis.com")
LOOK = ("--check", "--tags", "image_prefetch")  # all content, and no more


def told(done: Done, world: World) -> None:
    """Print the figures of a run."""
    print(f"\n  {done.seconds:.0f} s, connections begun: {done.reached}; module proxy: {world.modules.asked}")


def test_a_first_run_goes_through_without_a_pin_and_asks_nobody_who_is_not_listed(world: World) -> None:
    since = {program: world.log_size(program) for program in ("mirror", "registry")}
    world.modules.asked.clear()
    world.empty_node()
    with world.network() as network, world.node_watched() as left_the_cluster:
        user = world.user(network)
        first = user.run("site.yml", *world.of_the_lab())
        assert first.code == 0, first.output[-6000:]
        until("the application answers", world.answers, 60)
        told(first, world)
        assert set(first.reached) <= world.listed, first.reached
        assert not left_the_cluster()
        assert sorted(world.modules.asked) == sorted(set(world.modules.asked)), "a module was fetched twice"
        assert len(world.modules.asked) == 2
        for program, size in since.items():
            print(f"  requests to {program}: {dict(world.requests(program, size))}")
        assert (
            "set knative-1.22" in first.output and "sha256:" in (user.inventory.parent / "images.lock.yml").read_text()
        )

        second = user.run("site.yml", *world.of_the_lab())
        assert second.code == 0 and " changed=0 " in second.output, second.output[-4000:]
        assert set(second.reached) <= world.listed - {f"{world.address}:{MODULES}"}, second.reached
        gone = user.run("playbooks/uninstall.yml", *world.of_the_lab())
        assert gone.code == 0 and set(gone.reached) <= world.listed, gone.output[-4000:]


@pytest.mark.parametrize("mode", ["drop", "swallow", "names", "refuse"])
def test_release_sites_that_are_blocked_cost_seconds_once(world: World, mode: str) -> None:
    """An inventory that says nothing of places asks the release sites first."""
    world.modules.asked.clear()
    with world.network(mode=mode) as network:
        user = world.user(network, serverless_content_places=[])
        done = user.run("site.yml", *LOOK, *world.of_the_lab())
        assert done.code == 0, done.output[-6000:]
        told(done, world)
        others = {where for where in done.reached if where not in world.listed}
        assert others <= {f"name {site}" for site in RELEASE_SITES} | {f"{site}:443" for site in RELEASE_SITES}
        for site in RELEASE_SITES:
            assert len(done.lines(f"{site}: ")) == 1, done.output  # told once
            # Files that are wanted at the same time find it out at the same time, and nobody after them
            assert done.reached.get(f"{site}:443", 0) <= 8
        assert done.lines("fetched ") and len(world.modules.asked) == 2
        again = user.run("site.yml", *LOOK, *world.of_the_lab())
        assert again.code == 0 and set(again.reached) <= world.listed, again.reached
        print(f"  with all files there: {again.seconds:.0f} s")
