"""Serving applications over HTTP, and stopping without losing a request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from . import logs, settings

_LOG = logging.getLogger(__name__)
GRACE_SECONDS = 20
"""How long a stopping server waits for requests under way; below Kubernetes' 30 s grace."""


@dataclass(frozen=True)
class Listener:
    """One application and the address that it listens on."""

    app: Starlette
    host: str
    port: int


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, which may hold several servers in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listener_from_settings(app: Starlette) -> Listener:
    """The listener of a service that runs alone: HOST (default every address) and PORT (default 8080)."""
    return Listener(app, settings.text("HOST", "0.0.0.0"), settings.integer("PORT", 8080, 1, 65535))


async def serve(listeners: Sequence[Listener], drain_seconds: float = 0) -> bool:
    """Serve until SIGTERM or SIGINT; True when every server came up, worked and ended in order.

    After the signal /readyz fails at once; listening goes on for `drain_seconds`, so that callers which have not
    yet heard of it still get answers; then requests under way are finished, for GRACE_SECONDS at the most.
    """
    servers = [
        _Server(
            uvicorn.Config(
                listener.app,
                host=listener.host,
                port=listener.port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=GRACE_SECONDS,
                h11_max_incomplete_event_size=32 * 1024,
            )
        )
        for listener in listeners
    ]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = [asyncio.create_task(_serve_one(server)) for server in servers]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        _LOG.info("stopping")
        for listener in listeners:
            listener.app.state.stopping = True
        await asyncio.sleep(drain_seconds)
    stopping.cancel()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running, return_exceptions=True)
    failed = any(getattr(listener.app.state, "failed", False) for listener in listeners)
    return stop.is_set() and not failed and all(server.started for server in servers)


async def _serve_one(server: uvicorn.Server) -> None:
    try:
        await server.serve()
    except SystemExit:  # uvicorn's way to say that the port is taken; the reason is in the log
        _LOG.error("the server did not start")


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
        listener = listener_from_settings(app)
        drain = settings.integer("DRAIN_SECONDS", 0, 0, 60)
    except settings.SettingError as error:
        _LOG.error(str(error))
        sys.exit(1)
    _LOG.info("starting", extra={"fields": {"host": listener.host, "port": listener.port}})
    if not asyncio.run(serve([listener], drain)):
        sys.exit(1)
