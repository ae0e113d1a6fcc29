"""Which application listens where."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from starlette.applications import Starlette

from . import application, settings

METRICS_PORT = 9464
"""Prometheus' usual port for an exporter. Knative's queue-proxy has 8012, 8013, 8022, 9090 and 9091, Istio 150xx."""


class PortUnusable(Exception):
    """An address cannot be listened on; the text names the setting to change."""


@dataclass(frozen=True)
class Listener:
    """One application and the address that it listens on. `setting` is the variable that the port comes from."""

    app: Starlette
    host: str
    port: int
    setting: str = "PORT"

    def open(self) -> socket.socket:
        """The listening socket; with the host `::` it takes IPv4 too. Raises PortUnusable."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        both = self.host == "::" and socket.has_dualstack_ipv6()
        try:
            listening = socket.create_server((self.host, self.port), family=family, backlog=2048, dualstack_ipv6=both)
        except OSError as error:
            reason = (error.strerror or str(error)).partition(" (while")[0]
            text = f"{self.setting}={self.port} cannot be listened on at {self.host}: {reason}"
            raise PortUnusable(f"{text}; choose another") from error
        # Connections inherit it. asyncio sets it only where a socket names its protocol, which those of the standard
        # library do not: the second part of an answer would wait 40 ms for the caller's delayed acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening


def of_service(app: Starlette) -> Listener:
    """The listener of a service that runs alone: HOST (default every address) and PORT (default 8080)."""
    return Listener(app, settings.text("HOST", "0.0.0.0"), settings.integer("PORT", 8080, 1, 65535))


def of_metrics(host: str) -> list[Listener]:
    """The listener of the process's metrics: METRICS_HOST (default `host`) and METRICS_PORT; none with port 0."""
    port = settings.integer("METRICS_PORT", METRICS_PORT, 0, 65535)
    if not port:
        return []
    return [Listener(application.metrics_only(), settings.text("METRICS_HOST", host), port, "METRICS_PORT")]
