"""A proxy on loopback that behaves like a distant mirror: latency, a limit for each connection and one for the link.

Run as a process of its own: python -m bench.shaping_proxy PORT TARGET_PORT. All figures are of Link.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field

CHUNK = 16 * 1024


@dataclass
class Link:
    """Seconds of one direction; bytes a second of a connection and of all together, counted towards the client."""

    delay: float = 0.02
    per_connection: float = 1.5e6
    total: float = 12.5e6
    _free_at: float = field(default=0.0, repr=False)

    def slot(self, size: int) -> float:
        """Return when the link has carried so many more bytes."""
        self._free_at = max(self._free_at, time.monotonic()) + size / self.total
        return self._free_at


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link, limited: bool) -> None:
    """Move bytes in one direction, each as late as the link brings it."""
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
    mover = asyncio.create_task(_deliver(queue, writer))
    free_at = 0.0
    try:
        while data := await reader.read(CHUNK):
            now = time.monotonic()
            if limited:
                free_at = max(free_at, now) + len(data) / link.per_connection
                now = max(free_at, link.slot(len(data)))
                # What is sent faster than the link carries waits at the sender, as with TCP.
                await asyncio.sleep(max(0.0, now - time.monotonic()))
            await queue.put((now + link.delay, data))
    except ConnectionError:
        pass
    await queue.put((0.0, b""))
    await mover


async def _deliver(queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            due, data = await queue.get()
            if not data:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def serve(port: int, target: int, link: Link) -> None:
    """Serve until the process ends."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * link.delay)  # setting up a connection takes a round trip
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        ways = pump(reader, back_writer, link, False), pump(back_reader, writer, link, True)
        await asyncio.gather(*ways)

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), Link()))
