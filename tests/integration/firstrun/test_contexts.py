"""Two contexts with cold caches: in one run, and in two at the same time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ..conftest import ROOT
from .conftest import World
from .user import User

sys.path.insert(0, str(ROOT / "tests" / "unit" / "plugins" / "support"))

from api_server import ApiServer, running_api_server  # noqa: E402

pytestmark = pytest.mark.acceptance

TURNS = 10


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A second cluster: a control plane without nodes."""
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server:
        yield server


def two_contexts(world: World, other: ApiServer, user: User) -> None:
    """Have the inventory and the kubeconfig name both."""
    document = yaml.safe_load(user.inventory.read_text())
    document["clusters"]["hosts"] = {"docker-desktop": {}, "other": {}}
    user.inventory.write_text(yaml.safe_dump(document, sort_keys=False))
    (user.home / ".kube" / "config").unlink()
    (user.home / ".kube").rmdir()
    user.kubeconfig({"docker-desktop": world.lab.directory / "kubeconfig", "other": other.kubeconfig})


@pytest.mark.parametrize("processes", [1, 2])
def test_two_contexts_with_cold_caches_ten_times(world: World, other: ApiServer, processes: int) -> None:
    for turn in range(TURNS):
        world.modules.asked.clear()
        with world.network() as network:
            network.let_in("127.0.0.1", other.port)
            user = world.user(network)
            two_contexts(world, other, user)
            limits = [[]] if processes == 1 else [["--limit", "docker-desktop"], ["--limit", "other"]]
            words = ["--tags", "image_prefetch", *world.of_the_lab()]
            outputs = [user.home / f"output-{number}" for number in range(processes)]
            runs = [
                user.start(output, "site.yml", *limit, *words) for output, limit in zip(outputs, limits, strict=True)
            ]
            codes = [run.wait(600) for run in runs]
            text = "\n".join(output.read_text() for output in outputs)
            assert codes == [0] * processes, text[-6000:]
            reached = network.reached_for()
        assert set(reached) <= world.listed | {f"127.0.0.1:{other.port}"}, reached
        assert len(world.modules.asked) == len(set(world.modules.asked)) == 2, world.modules.asked
        check_lock(user.inventory.parent / "images.lock.yml", text)
        print(f"  turn {turn + 1} of {TURNS}, {processes} processes: {reached}")


def check_lock(file: Path, text: str) -> None:
    """What both wanted is in it, whoever wrote last."""
    locked = set(yaml.safe_load(file.read_text())["images"])
    wanted = {line.split()[0] for line in text.splitlines() if " mirror " in line and "  found" in line}
    assert len(wanted) > 15
    missing = {image for image in wanted if "@" not in image} - locked
    assert not missing, missing
