# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebSocket to a pod over the API server, for commands in it and for its ports."""

from __future__ import annotations

import json
from typing import Any

try:
    import urllib3
    import websocket
except ImportError:  # they come with the kubernetes package, whose absence context.connect reports
    urllib3 = websocket = None

from ...http.errors import HttpSetupError
from ...http.failures import describe
from ..errors import ClusterError
from .cluster import Cluster
from .connection import Connection
from .transport import CONNECT_TIMEOUT


def open_stream(cluster: Cluster, path: str, protocol: str, what: str, silence: float) -> Any:
    """The WebSocket at a path of the API server, speaking a subprotocol.

    `what` begins every message, `silence` is how many seconds may pass without a byte. Raises ClusterError.
    """
    connection = cluster.transport.connection
    try:
        try:
            return _handshake(connection, path, protocol, silence)
        except websocket.WebSocketBadStatusException as error:
            if error.status_code != 401 or not cluster.transport.renew(connection):
                raise
        connection = cluster.transport.connection
        return _handshake(connection, path, protocol, silence)
    except websocket.WebSocketBadStatusException as error:
        body = connection.redacted((error.resp_body or b"").decode("utf-8", "replace"))
        raise ClusterError(f"{what}: status {error.status_code}: {_message(body)}") from None
    except HttpSetupError as error:
        raise ClusterError(f"{what}: {error}") from None
    except (websocket.WebSocketException, urllib3.exceptions.HTTPError, OSError) as error:
        raise ClusterError(f"{what}: {connection.redacted(describe(error).text)}") from None


def _handshake(connection: Connection, path: str, protocol: str, silence: float) -> Any:
    connected = connection.pools().socket(connection.server, CONNECT_TIMEOUT)
    connected.settimeout(silence)
    return websocket.create_connection(
        "ws" + connection.server.removeprefix("http") + path,
        timeout=silence,
        subprotocols=[protocol],
        header=[f"{name}: {value}" for name, value in connection.headers()],
        suppress_origin=True,
        socket=connected,
    )


def _message(body: str) -> str:
    try:
        return json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return body.strip() or "no reason was given"
