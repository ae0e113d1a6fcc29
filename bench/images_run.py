"""Copies the same images through a slow mirror with our library and with other tools, and prints the ratios."""

from __future__ import annotations

import json
import re
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry

from .contestants import Contestant, Course, all_of, start_registry
from .preflight import preflight
from .processes import Processes, free_port
from .samples import SIZES, stock
from .shaping_proxy import Link

REQUEST = re.compile(r"^127\.0\.0\.1 - - \[", re.MULTILINE)
IMAGES, PREFLIGHT_IMAGES = len(SIZES), 60


def main() -> int:
    """Run everything; the last line printed is one JSON object."""
    with tempfile.TemporaryDirectory(prefix="serverless-bench-") as folder, Processes(Path(folder)) as processes:
        scratch = Path(folder)
        host = start_registry("registry", scratch, processes)
        repositories, size = stock(host, scratch / "samples", SIZES)
        repositories += stock(host, scratch / "more", (1000,) * (PREFLIGHT_IMAGES - IMAGES))[0]
        port = free_port()
        registry_port = host.partition(":")[2]
        module = [sys.executable, "-m", "bench.shaping_proxy", str(port), registry_port]
        processes.start("proxy", *module, socket_of=port)
        capacity = measured_capacity(port, host, repositories[IMAGES - 1])
        print(f"{IMAGES} images, {size / 1e6:.0f} MB; the link carries {capacity / 1e6:.1f} MB/s", flush=True)
        course = Course(f"127.0.0.1:{port}", repositories[:IMAGES], scratch)
        seconds: dict[str, float] = {}
        again: dict[str, tuple[float, float]] = {}
        contestants = all_of(course, processes)
        for contestant in contestants:
            seconds[contestant.name] = timed(contestant)
            before = requests(scratch)
            present = timed(contestant)
            again[contestant.name] = present, (requests(scratch) - before) / IMAGES
            print(
                f"{contestant.name:24} {seconds[contestant.name]:7.1f} s   with everything present {present:6.2f} s, "
                f"{again[contestant.name][1]:.1f} requests an image",
                flush=True,
            )
        result = {
            **ratios(contestants, seconds),
            "link_share": round(size / seconds["ours (layout)"] / capacity, 2),
            "present_seconds": round(again["ours (layout)"][0], 2),
            "present_requests_per_image": round(again["ours (layout)"][1], 2),
            "preflight_seconds": round(preflight(course.mirror, repositories, scratch), 2),
            "seconds": {name: round(value, 1) for name, value in seconds.items()},
            "present": {name: [round(value, 2) for value in values] for name, values in again.items()},
        }
    print(json.dumps(result))
    return 0


def ratios(contestants: list[Contestant], seconds: dict[str, float]) -> dict[str, Any]:
    """Their time over ours, each against ours into a like target; docker's is unpacked, as containerd's.

    The best is that of the tools as they come; what was tuned is told beside it.
    """
    ours = {item.target: seconds[item.name] for item in contestants if item.name.startswith("ours")}
    others = {
        item.name: seconds[item.name] / ours["layout" if item.target == "layout" else "containerd"]
        for item in contestants
        if not item.name.startswith("ours")
    }
    serial = others.pop("docker pull, tag, rmi")
    tuned = {item.name: round(others.pop(item.name), 2) for item in contestants if item.is_tuned}
    best = min(others, key=lambda name: others[name])
    return {
        "serial_docker": round(serial, 2),
        "best_other": round(others[best], 2),
        "best_other_name": best,
        "tuned": tuned,
    }


def timed(contestant: Contestant) -> float:
    """The seconds of one copy."""
    start = time.monotonic()
    contestant.copy()
    return time.monotonic() - start


def requests(scratch: Path) -> int:
    """How many requests the registry has answered."""
    return len(REQUEST.findall((scratch / "registry.log").read_text()))


def measured_capacity(port: int, host: str, repository: str) -> float:
    """Bytes a second that plain connections get through the proxy, enough of them to fill the link."""
    streams = int(Link().total / Link().per_connection) * 2
    moved = [0] * streams

    def load(number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            path = f"/v2/{repository}/blobs/{largest}"
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            while data := connection.recv(65536):
                moved[number] += len(data)
                if time.monotonic() > end:
                    return

    largest = largest_blob(host, repository)
    start = time.monotonic()
    end = start + 4
    threads = [threading.Thread(target=load, args=(number,)) for number in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(moved) / (time.monotonic() - start)


def largest_blob(host: str, repository: str) -> str:
    """The digest of an image's largest blob."""
    return max(Registry(host).manifest(repository, "1").blobs(), key=lambda blob: blob.size).digest


if __name__ == "__main__":
    sys.exit(main())
