"""A fetch that is killed at random moments goes on where it was."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import Wanted, is_complete
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from faulty_registry import FaultyRegistry, Handler
from sample_images import SampleImage

CHILD = Path(__file__).parent / "support" / "fetch_child.py"
IMAGES, STREAMS, KILLS = 40, 4, 20
BLOB = 1_000_000
LOSS = 131_072  # bytes of one stream that a kill may cost: what is read at a time, and what was under way
CHUNK = 16_384
PAUSE = 0.005  # seconds between two chunks of one stream, so that the whole copy takes some seconds


class SlowRegistry(FaultyRegistry):
    """Sends blobs slowly, and counts what it sent of them."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.guard = self._slowly
        # Whoever is killed leaves broken connections; that is no news.
        self._server.handle_error = lambda request, address: None  # type: ignore[method-assign]

    def _slowly(self, handler: Handler) -> bool:
        data = self.blobs.get(handler.path.rpartition("/")[2])
        if data is None:
            return False
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        # Little is under way when the other end dies, so that what was sent was nearly all received.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK)
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        handler.begin(206 if start else 200, len(data) - start, headers)
        try:
            for position in range(start, len(data), CHUNK):
                part = data[position : position + CHUNK]
                handler.wfile.write(part)
                self.sent += len(part)
                time.sleep(PAUSE)
        except OSError:
            handler.close_connection = True
        return True


def test_killed_twenty_times(tmp_path: Path) -> None:
    registry = SlowRegistry()
    images = [SampleImage(os.urandom(BLOB)) for _number in range(IMAGES)]
    for number, image in enumerate(images):
        registry.add(image, f"t{number}")
    size = sum(len(data) for data in registry.blobs.values())
    moments = random.Random(20)
    for _kill in range(KILLS):
        child = begin(tmp_path / "layout", registry)
        goal = registry.sent + moments.randrange(CHUNK, 3 * BLOB)
        while registry.sent < goal:
            assert child.poll() is None, "the copy was over too soon for the test"
            time.sleep(PAUSE)
        child.send_signal(signal.SIGKILL)
        child.wait()
    before_last = registry.sent
    assert begin(tmp_path / "layout", registry).wait(60) == 0
    layout = Layout.open(tmp_path / "layout")
    for number, image in enumerate(images):
        assert is_complete(layout, Wanted(f"example.com/{number}:1", (), image.index.digest))
    assert layout.path(images[0].parts[0].blobs()[1].digest).read_bytes() == images[0].layer
    again = registry.sent - size
    print(f"{size} bytes, {before_last} sent in {KILLS} killed runs, {again} sent twice")
    assert again / KILLS < STREAMS * LOSS
    registry.stop()


def begin(directory: Path, registry: FaultyRegistry) -> subprocess.Popen[str]:
    """Start a fetch and return when it has begun."""
    command = [sys.executable, str(CHILD), str(directory), registry.host, str(IMAGES), str(STREAMS)]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert child.stdout and child.stdout.readline() == "begins\n"
    return child
