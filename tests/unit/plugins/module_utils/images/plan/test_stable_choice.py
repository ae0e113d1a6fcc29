"""In mode rewrite the mirror that was chosen stays while it serves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.choice import choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import Lock, extend_lock
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.plan import make_plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import Found
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from faulty_registry import FaultyRegistry
from sample_images import SampleImage

NAME = "docker.io/team/app:1"
IMAGE = Reference.parse(NAME)


class Mirrors:
    """Two mirrors of Docker Hub, and what a run makes of them; the first one may lack the image for a while."""

    def __init__(self, lock: Path) -> None:
        self.first, self.second = FaultyRegistry(), FaultyRegistry()
        self.lock = lock
        self.image = SampleImage()
        self.second.add(self.image)

    def policy(self, mode: str = "rewrite") -> ImagePolicy:
        mirrors = {"docker.io": [{"host": registry.host} for registry in (self.first, self.second)]}
        return ImagePolicy.from_config({"mode": mode, "mirrors": mirrors})

    def serve(self, first: bool, second: bool = True) -> None:
        for registry, there in ((self.first, first), (self.second, second)):
            registry.manifests.clear()
            if there:
                registry.add(self.image)

    def run(self, context: str = "a", update: str = "missing", policy: ImagePolicy | None = None) -> str:
        """Plan as image_plan does, keep what is to be kept, and return which mirror was taken."""
        lock = Lock.read(self.lock)
        policy = policy or self.policy()
        trusted = Lock() if update == "all" else lock
        plan = make_plan([Found(NAME, "a pod")], policy, ["amd64"], lock=trusted, context=context)
        extend_lock(self.lock, plan.locked(), context, plan.chosen(policy))
        (row,) = plan.rows
        assert row.source
        return self.named(row.source.registry)

    def role(self, context: str = "a") -> str:
        """What a role alone chooses."""
        found = choose({IMAGE: True}, self.policy(), ["amd64"], Lock.read(self.lock), context)
        candidate = found[IMAGE].candidate
        assert candidate
        return self.named(candidate.reference.registry)

    def named(self, host: str) -> str:
        return {self.first.host: "first", self.second.host: "second"}[host]


@pytest.fixture
def mirrors(tmp_path: Path) -> Iterator[Mirrors]:
    both = Mirrors(tmp_path / "images.lock.yml")
    yield both
    both.first.stop()
    both.second.stop()


def test_what_was_chosen_stays_when_the_first_mirror_returns(mirrors: Mirrors) -> None:
    mirrors.serve(first=False)
    assert mirrors.run() == "second"
    mirrors.serve(first=True)
    asked = len(mirrors.first.requests)
    assert [mirrors.run(), mirrors.role()] == ["second", "second"]
    assert len(mirrors.first.requests) == asked


def test_it_is_left_when_it_serves_no_more_and_the_next_stays(mirrors: Mirrors) -> None:
    mirrors.serve(first=True)
    assert mirrors.run() == "first"
    mirrors.serve(first=False)
    assert mirrors.run() == "second"
    mirrors.serve(first=True)
    assert mirrors.run() == "second"


def test_all_chooses_anew(mirrors: Mirrors) -> None:
    mirrors.serve(first=False)
    mirrors.run()
    mirrors.serve(first=True)
    assert [mirrors.run(update="all"), mirrors.run(), mirrors.role()] == ["first"] * 3


def test_each_context_has_its_own_choice(mirrors: Mirrors) -> None:
    mirrors.serve(first=False)
    mirrors.run("a")
    mirrors.serve(first=True)
    assert [mirrors.run("b"), mirrors.run("a"), mirrors.role("b"), mirrors.role("a")] == ["first", "second"] * 2


def test_a_mirror_that_the_policy_names_no_more_is_left(mirrors: Mirrors) -> None:
    mirrors.serve(first=False)
    mirrors.run()
    mirrors.serve(first=True)
    hosts = [{"host": mirrors.first.host}, "docker.io"]
    changed = ImagePolicy.from_config({"mode": "rewrite", "mirrors": {"docker.io": hosts}})
    assert mirrors.run(policy=changed) == "first"


def test_in_mode_runtime_nodes_ask_in_their_order_and_nothing_is_kept(mirrors: Mirrors) -> None:
    mirrors.serve(first=False)
    mirrors.run()
    mirrors.serve(first=True)
    assert mirrors.run(policy=mirrors.policy("runtime")) == "first"
    mirrors.lock.unlink()
    mirrors.run(policy=mirrors.policy("runtime"))
    assert "chosen" not in mirrors.lock.read_text()


def test_the_second_run_changes_no_lock(mirrors: Mirrors) -> None:
    mirrors.serve(first=True)
    mirrors.run()
    before = mirrors.lock.read_text()
    mirrors.run()
    assert mirrors.lock.read_text() == before
    assert Lock.read(mirrors.lock).chosen == {"a": {NAME: f"{mirrors.first.host}/team/app:1"}}
