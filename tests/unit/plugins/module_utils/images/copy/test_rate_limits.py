"""A prefetch of forty images from registries with limits: it waits, says until when, goes on, and ends."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import (
    FetchError,
    Wanted,
    fetch_images,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import Reason, RegistryError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff, retry_after
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from faulty_registry import FaultyRegistry, Handler
from quick_clock import QuickClock
from sample_images import SampleImage

IMAGES = 40
WINDOW = 3.0  # seconds that stand for an hour
PULLS = 30  # of the 80 manifests that 40 images have; they stand for 100 an hour

Headers = Callable[[float], dict[str, str]]
# What the header says of the seconds that are left
HUB: Headers = lambda left: {"Retry-After": str(int(left) + 1), "ratelimit-limit": "100;w=3600"}  # noqa: E731
DATE: Headers = lambda left: {"Retry-After": formatdate(time.time() + left + 1, usegmt=True)}  # noqa: E731
RESET: Headers = lambda left: {"RateLimit-Reset": str(int(time.time() + left) + 1)}  # noqa: E731
NO_END: Headers = lambda left: {"ratelimit-limit": "100;w=21600"}  # noqa: E731


class Limit:
    """Lets so many requests through in each window: manifests alone as Docker Hub counts, or all as a proxy does."""

    def __init__(
        self,
        count: int,
        status: int,
        headers: Headers,
        everything: bool = False,
        window: float = WINDOW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refused = 0
        self.windows: dict[int, int] = {}
        self._count = count
        self.status = status
        self._headers = headers
        self._everything = everything
        self._window = window
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()

    def __call__(self, handler: Handler) -> bool:
        if not self._everything and (handler.command != "GET" or "/manifests/" not in handler.path):
            return False
        with self._lock:
            passed = self._clock() - self._start
            window = int(passed / self._window)
            self.windows[window] = self.windows.get(window, 0) + 1
            if self.windows[window] <= self._count:
                return False
            self.refused += 1
        words = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'
        return handler.reply(self.status, words, self._headers((window + 1) * self._window - passed)) or True


@pytest.fixture
def clients(quick: Backoff) -> Clients:
    """Clients to whom the window is a long time."""
    return Clients(ImagePolicy(), replace(quick, longest_pause=0.5, read_timeout=20.0))


def forty(
    registry: FaultyRegistry, *others: FaultyRegistry, architectures: tuple[str, ...] = ("amd64",)
) -> list[Wanted]:
    """Serve forty images at some registries, and want them."""
    wanted = []
    for number in range(IMAGES):
        image = SampleImage(f"layer {number}".encode() * 99, architectures)
        for place in (registry, *others):
            place.add(image, f"t{number}")
        sources = tuple(Reference(place.host, f"app{number}", f"t{number}") for place in (registry, *others))
        wanted.append(Wanted(f"example.com/app{number}:1", sources, image.index.digest))
    return wanted


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (lambda: Limit(PULLS, 429, HUB), True),
        (lambda: Limit(PULLS, 429, DATE), True),
        (lambda: Limit(PULLS, 429, RESET), True),
        (lambda: Limit(PULLS, 429, NO_END), False),
        (lambda: Limit(3 * PULLS, 429, HUB, everything=True), True),
        (lambda: Limit(3 * PULLS, 503, DATE, everything=True), True),
    ],
    ids=["Docker Hub", "a date", "GitLab", "no end", "Harbor behind nginx", "nginx as it comes"],
)
def test_forty_images(
    faulty: FaultyRegistry, clients: Clients, tmp_path: Path, limit: Callable[[], Limit], told: bool
) -> None:
    wanted = forty(faulty)
    faulty.guard = made = limit()
    lines: list[str] = []
    done = fetch_images(wanted, Layout.create(tmp_path / "layout"), clients, report=lines.append, period=0.1)
    assert len(done.images) == IMAGES
    assert made.refused
    assert len(made.windows) >= 3
    said = [line for line in lines if re.search(rf"waits until \d\d:\d\d:\d\d for {faulty.host}", line)]
    assert bool(said) is told
    if told:  # each stream asks once when a limit is told, and no more until it has ended
        # A long 503 may be that of one image; so each is asked for once before all wait.
        assert made.refused <= 16 * len(made.windows) + (2 * IMAGES if made.status == 503 else 0)


@pytest.mark.parametrize(
    ("headers", "everything", "count"),
    [
        (lambda left: {"Retry-After": str(int(left) + 1), "ratelimit-limit": "100;w=3600"}, False, 100),
        (lambda left: {"ratelimit-limit": "100;w=3600", "ratelimit-remaining": "0;w=3600"}, False, 100),
        (lambda left: {"Retry-After": str(int(left) + 1)}, True, 100),
    ],
    ids=["Docker Hub", "Docker Hub without an end", "Harbor"],
)
def test_forty_images_of_two_architectures_at_100_an_hour(
    faulty: FaultyRegistry, tmp_path: Path, headers: Headers, everything: bool, count: int
) -> None:
    """120 manifests, and 120 blobs where all requests count: one hour is waited for, or two."""
    quick = QuickClock()
    clients = Clients(ImagePolicy(), Backoff(clock=quick.clock))
    wanted = forty(faulty, architectures=("amd64", "arm64"))
    faulty.guard = made = Limit(count, 429, headers, everything, 3600.0, quick.clock.monotonic)
    lines: list[str] = []
    done = fetch_images(wanted, Layout.create(tmp_path / "layout"), clients, report=lines.append, period=0.05)
    assert len(done.images) == IMAGES
    hours = 2 if everything else 1
    assert hours * 3600 <= quick.passed < (hours + 1) * 3600
    asked = [line for line in lines if "waits until" in line and faulty.host in line]
    if "Retry-After" in headers(1.0):
        assert re.search(r"waits until (\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d for", asked[0])
        assert made.refused <= 2 * 12 * (hours + 1)  # each stream once in each pass
    else:
        # An hour, asked every half minute at most by each of twelve streams
        assert made.refused <= 12 * (3600 / 15 + 10)


def test_who_has_another_mirror_does_not_wait(
    faulty: FaultyRegistry, mirror_beside: FaultyRegistry, clients: Clients, tmp_path: Path
) -> None:
    wanted = forty(faulty, mirror_beside)
    faulty.guard = made = Limit(5, 429, lambda left: {"Retry-After": "3600"})
    lines: list[str] = []
    done = fetch_images(wanted, Layout.create(tmp_path / "layout"), clients, report=lines.append, period=0.1)
    assert len(done.images) == IMAGES
    assert made.refused <= 16  # those that were under way; the others know
    assert mirror_beside.asked("GET", "/manifests/")


@pytest.fixture
def mirror_beside() -> FaultyRegistry:
    registry = FaultyRegistry()
    yield registry
    registry.stop()


def test_a_limit_beyond_all_patience_ends_with_its_time(faulty: FaultyRegistry, quick: Backoff, tmp_path: Path) -> None:
    clients = Clients(ImagePolicy.from_config({}, 100), quick)
    wanted = forty(faulty)[:1]
    faulty.guard = Limit(0, 429, lambda left: {"Retry-After": "21600", "ratelimit-limit": "100;w=21600"})
    with pytest.raises(
        FetchError, match=r"rate limit: .*ends in (6 h|5 h 59 min), at .*:\d\d(.|\n)*serverless_rate_limit"
    ):
        fetch_images(wanted, Layout.create(tmp_path / "layout"), clients)
    assert len(faulty.requests) <= 2


def test_a_push_waits_as_well(faulty: FaultyRegistry, quick: Backoff, tmp_path: Path) -> None:
    """There is no other registry for it."""
    image = SampleImage()
    limit = Limit(4, 429, HUB, everything=True)
    where = {"Location": "/v2/app/blobs/uploads/1"}
    taken = {"HEAD": 404, "GET": 404, "POST": 202, "PUT": 201}
    faulty.guard = lambda handler: limit(handler) or handler.reply(taken[handler.command], b"", where) or True
    registry = Registry(faulty.host, backoff=replace(quick, longest_pause=0.5, read_timeout=20.0))
    target = Reference(faulty.host, "app", "1")
    done = push_layout(image.write(tmp_path / "layout"), "", registry, target)
    assert (done.changed, done.blobs) == (True, 2)
    assert limit.refused


def test_the_words_of_a_limit(faulty: FaultyRegistry, quick: Backoff) -> None:
    faulty.guard = Limit(0, 429, lambda left: {"Retry-After": "3600", "ratelimit-limit": "100;w=21600"})
    with pytest.raises(RegistryError) as caught:
        Registry(faulty.host, backoff=quick).manifest("app", "1")
    assert caught.value.reason == Reason.RATE_LIMIT
    assert "pull rate limit.; the limit is 100 requests in 6 h; it ends in 1 h, at " in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"RateLimit-Reset": "60"}, 60),
        ({"X-RateLimit-Reset": "60"}, 60),
        ({"X-RateLimit-Reset": "\u00b2"}, None),
        ({"ratelimit-limit": "100;w=21600"}, None),
        ({}, None),
    ],
)
def test_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_headers_with_a_time() -> None:
    at = time.time() + 90
    for headers in ({"Retry-After": formatdate(at, usegmt=True)}, {"RateLimit-Reset": str(int(at))}):
        found = retry_after(headers)
        assert found is not None and 85 <= found <= 91
