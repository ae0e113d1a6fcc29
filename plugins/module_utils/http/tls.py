# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS contexts: whom we trust, and who we say that we are."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .errors import HttpSetupError


@dataclass(frozen=True)
class ClientCertificate:
    """A client certificate with its chain, and its key; both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def tls_context(
    authorities: bytes | None = None,
    *,
    system_authorities: bool = True,
    verify: bool = True,
    client: ClientCertificate | None = None,
) -> ssl.SSLContext:
    """A context that trusts the system's authorities and `authorities` (PEM), or the latter alone.

    Raises HttpSetupError for what holds no certificate in PEM form and for a certificate and a key that do not fit.
    """
    if system_authorities:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Clusters made by older tools have CA certificates without the extensions that strict mode of Python 3.13 wants.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if authorities:
        try:
            # Names of authorities in the comments of a bundle may be in any language; Python takes ASCII alone.
            context.load_verify_locations(cadata=authorities.decode("ascii", "backslashreplace"))
        except ssl.SSLError as error:
            raise HttpSetupError(
                f"the certificate authority holds no certificate in PEM form ({_said(error)})"
            ) from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client:
        _present(context, client)
    return context


def _present(context: ssl.SSLContext, client: ClientCertificate) -> None:
    """Load a client certificate; Python reads it from files only, which are gone at once.

    A worker process of Ansible does not run exit handlers, so nothing may be left to them.
    """
    with tempfile.TemporaryDirectory(prefix="serverless-") as private:
        path = Path(private, "client.pem")
        path.touch(mode=0o600)
        path.write_bytes(client.certificate + b"\n" + client.key)
        try:
            context.load_cert_chain(path, password=lambda: b"")  # or OpenSSL would ask on the terminal
        except (ssl.SSLError, ValueError) as error:
            raise HttpSetupError(f"the client certificate and its key cannot be used ({_said(error)})") from None


def _said(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error).replace("_", " ").lower()
