# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about an API server that is not reached; docs/troubleshooting.md says the same at more length."""

from __future__ import annotations

from ...http.failures import FailureKind
from ..errors import NoAnswer, ReleaseError

_FRESH_KUBECONFIG = "have the program or provider that made the cluster write the kubeconfig anew"
_PROXY = "HTTPS_PROXY counts for the API server too: add its host to NO_PROXY, or mend the proxy"
_BETWEEN = "look at VPN, firewall and proxy (HTTPS_PROXY, NO_PROXY) between here and it"
_REMEDIES = {
    FailureKind.REFUSED: (
        "Nothing listens there, or it is not reached. Is the cluster started (Docker Desktop, minikube start, make "
        f"lab)? A restart may have given it another port: {_FRESH_KUBECONFIG}"
    ),
    FailureKind.NAME: f"Its name has no address here. Is a VPN needed? An old kubeconfig? If so, {_FRESH_KUBECONFIG}",
    FailureKind.NAME_SERVER: "Names are not resolved here at all: look at the network, VPN and /etc/resolv.conf",
    FailureKind.CONNECT_TIMEOUT: f"Something drops the packets, or the cluster is off: {_BETWEEN}",
    FailureKind.READ_TIMEOUT: f"The connection is taken and nothing is said: the server is overloaded, or {_BETWEEN}",
    FailureKind.CERTIFICATE: (
        "It is another server, or one with a new authority, than the kubeconfig says, or a proxy opens TLS on the way: "
        f"{_FRESH_KUBECONFIG}, or add the host to NO_PROXY"
    ),
    FailureKind.TLS: f"What answers there does not speak TLS as an API server does: a wrong port? Else {_BETWEEN}",
    FailureKind.PROXY: _PROXY,
    FailureKind.PROXY_REFUSES: _PROXY,
    FailureKind.BROKEN: f"The server restarts, or something cuts the connection: {_BETWEEN}",
}


def failure_kind(error: BaseException) -> FailureKind | None:
    """What went wrong on the way to the API server, where an error comes of that: itself, its cause, one of several."""
    if isinstance(error, NoAnswer) and error.kind is not None:
        return error.kind
    causes = [error.__cause__, *(error.causes if isinstance(error, ReleaseError) else ())]
    return next(filter(None, map(failure_kind, filter(None, causes))), None)


def remedy(kind: FailureKind, kubectl: str) -> str:
    """Return what to do about a failure of a kind; `kubectl` is a command with its context."""
    return f"{_REMEDIES[kind]}. This must work first: {kubectl} get nodes"
