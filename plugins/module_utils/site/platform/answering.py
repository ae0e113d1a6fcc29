# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the ingress gateway answers at an address, asked by one request from here."""

from __future__ import annotations

import http.client
import socket

PATIENCE = 2.0  # seconds for each wait on the connection
# Of a gateway that nobody has configured for this name an answer is wanted, not a page
HOST = "verify.invalid"
# Envoy's field Server, as Istio sets it (istio.io/istio pilot/pkg/networking/core, EnvoyServerName)
_MARK = "istio-envoy"


def why_not(address: str, strict: bool = False, patience: float = PATIENCE) -> str:
    """Return why no gateway answers at host:port, '' if one does; any HTTP answer will do.

    With `strict` it must be a proxy of Istio: on an address of this machine anybody may listen. No proxy of the
    environment is used.
    """
    host, _colon, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=patience)
    try:
        connection.request("GET", "/", headers={"Host": HOST, "Connection": "close"})
        server = connection.getresponse().getheader("Server") or ""
    except (OSError, http.client.HTTPException) as error:
        return _words(error)
    finally:
        connection.close()
    return f"{server or 'another program'} answers, not Istio" if strict and server != _MARK else ""


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "the name has no address here"
    if isinstance(error, (ConnectionError, http.client.HTTPException)):
        return "closed without an answer"
    return (getattr(error, "strerror", "") or type(error).__name__).lower()
