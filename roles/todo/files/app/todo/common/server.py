"""Serving applications over HTTP, and stopping without losing a request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import uvicorn
from starlette.applications import Starlette

from .. import __version__
from . import listeners, logs, settings
from .listeners import Listener, PortUnusable
from .protocol import Protocol

_LOG = logging.getLogger(__name__)
GRACE_SECONDS = 20
"""How long a stopping server waits for requests under way; below Kubernetes' 30 s grace."""


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, which may hold several servers in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(served: Sequence[Listener], drain_seconds: float = 0) -> bool:
    """Serve until SIGTERM or SIGINT; True when every server came up, worked and ended in order.

    All sockets are opened before the first application starts: a taken port ends it at once, with one line in the log.
    After the signal /readyz fails at once; listening goes on for `drain_seconds`, so that callers which have not
    yet heard of it still get answers; then requests under way are finished, for GRACE_SECONDS at the most,
    in the order of `served`.
    """
    with contextlib.ExitStack() as opened:
        try:
            sockets = [opened.enter_context(listener.open()) for listener in served]
        except PortUnusable as error:
            _LOG.error(str(error))
            return False
        return await _serve_on(sockets, [listener.app for listener in served], drain_seconds)


async def _serve_on(sockets: Sequence[socket.socket], apps: Sequence[Starlette], drain_seconds: float) -> bool:
    servers = [_Server(config(app)) for app in apps]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = [
        asyncio.create_task(server.serve(sockets=[opened])) for server, opened in zip(servers, sockets, strict=True)
    ]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        _LOG.info("stopping")
        for app in apps:
            app.state.stopping = True
        await asyncio.sleep(drain_seconds)
    stopping.cancel()
    # In order: whoever calls another of them comes first, and the metrics see it all.
    for server, task in zip(servers, running, strict=True):
        server.should_exit = True
        await asyncio.wait([task])
    failed = any(getattr(app.state, "failed", False) for app in apps)
    return stop.is_set() and not failed and all(server.started for server in servers)


def config(app: Starlette, **more: Any) -> uvicorn.Config:
    """How uvicorn serves an application of ours; `more` are further arguments of its Config."""
    return uvicorn.Config(
        app,
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **more,
    )


def give_up(app: Starlette, reason: str) -> None:
    """End the process with a failure, in order, because `app` cannot do its work; the platform starts it again."""
    _LOG.error(reason)
    app.state.failed = True
    os.kill(os.getpid(), signal.SIGTERM)


def main(service: str, build: Callable[[], Starlette]) -> None:
    """Run one service until it is told to stop. `build` makes its application. Exits with 1 on a failure."""
    logs.configure(service, settings.text("LOG_LEVEL", "INFO").upper())
    try:
        app = build()
        listener = listeners.of_service(app)
        served = [listener, *listeners.of_metrics(listener.host)]
        drain = settings.integer("DRAIN_SECONDS", 0, 0, 60)
    except settings.SettingError as error:
        _LOG.error(str(error))
        sys.exit(1)
    fields = {"host": listener.host, "port": listener.port, "version": __version__}
    _LOG.info("starting", extra={"fields": fields})
    if not asyncio.run(serve(served, drain)):
        sys.exit(1)
