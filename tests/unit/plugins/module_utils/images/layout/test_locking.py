"""Two processes that fetch into one layout: one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import (
    Limits,
    Wanted,
    fetch_images,
    is_complete,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import LayoutError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import digest_of
from faulty_registry import FaultyRegistry, Handler
from sample_images import SampleImage

CHILD = Path(__file__).parents[1] / "support" / "fetch_child.py"
IMAGE = SampleImage(layer=os.urandom(100_000))
LAYER = digest_of(IMAGE.layer)


class Held:
    """A process that is in the middle of a fetch: its layer is asked for, and comes when `free` is set."""

    def __init__(self, faulty: FaultyRegistry, directory: Path) -> None:
        self.free = threading.Event()
        self.directory = directory
        self._faulty = faulty
        asked = threading.Event()

        def hold(handler: Handler) -> None:
            asked.set()
            self.free.wait(30)
            handler.serve()

        # Whoever is killed leaves broken connections; that is no news.
        faulty._server.handle_error = lambda request, address: None  # type: ignore[method-assign]
        faulty.add(IMAGE, "t0")
        faulty.faults[LAYER] = [hold]
        self.process = self.start()
        assert asked.wait(30)

    def start(self) -> subprocess.Popen[str]:
        """Start another process that fetches the same."""
        command = [sys.executable, str(CHILD), str(self.directory), self._faulty.host, "1", "2"]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )
        assert child.stdout and child.stdout.readline() == "begins\n"
        return child


@pytest.fixture
def held(faulty: FaultyRegistry, tmp_path: Path) -> Iterator[Held]:
    held = Held(faulty, tmp_path / "layout")
    yield held
    held.free.set()
    held.process.kill()
    held.process.wait(10)


def test_the_second_process_waits_and_says_so(faulty: FaultyRegistry, held: Held) -> None:
    second = held.start()
    assert second.stdout
    line = second.stdout.readline()
    assert f"in use by process {held.process.pid};" in line
    assert len(faulty.asked("GET", "manifests/t0")) == 1
    held.free.set()
    assert (held.process.wait(30), second.wait(30)) == (0, 0)
    assert len(faulty.asked("GET", LAYER)) == 1
    assert is_complete(Layout.open(held.directory), Wanted("example.com/0:1", (), IMAGE.index.digest))


def test_waiting_has_an_end_and_a_dead_holder_holds_nothing(faulty: FaultyRegistry, held: Held) -> None:
    layout = Layout.open(held.directory)
    wanted = [Wanted("example.com/0:1", (Reference(faulty.host, "app0", "t0"),), IMAGE.index.digest)]
    with pytest.raises(LayoutError, match=f"in use by process {held.process.pid} for more than"):
        fetch_images(wanted, layout, Clients(ImagePolicy()), Limits(lock_timeout=0.3))
    held.process.kill()
    held.process.wait(10)
    fetch_images(wanted, layout, Clients(ImagePolicy()), Limits(lock_timeout=0.3))
    assert is_complete(layout, wanted[0])
