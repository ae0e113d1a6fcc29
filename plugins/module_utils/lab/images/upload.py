# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few calls of the OCI distribution specification that stocking a mirror on loopback needs."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from .assembly import INDEX
from .errors import LabImageError

_TIMEOUT_SECONDS = 120.0


class MirrorConnection:
    """One connection to a registry; not for several threads. Raises LabImageError for what the registry refuses."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def manifest_digest(self, repository: str, reference: str) -> str | None:
        """Return the digest of an image index, or None if the registry has none under that reference."""
        response = self._call("HEAD", f"/v2/{repository}/manifests/{reference}", {"Accept": INDEX}, {200, 404})
        return response.headers.get("Docker-Content-Digest") if response.status == 200 else None

    def has_blob(self, repository: str, digest: str) -> bool:
        """Say whether a repository has a blob."""
        return self._call("HEAD", f"/v2/{repository}/blobs/{digest}", {}, {200, 404}).status == 200

    def put_blob(self, repository: str, digest: str, file: Path) -> None:
        """Upload a blob in one request."""
        response = self._call("POST", f"/v2/{repository}/blobs/uploads/", {"Content-Length": "0"}, {202})
        # The registry names its upload as it is seen from inside; only path and query matter here.
        location = urlsplit(response.headers["Location"])
        target = f"{location.path}?{location.query}{'&' if location.query else ''}digest={digest}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
        with file.open("rb") as content:
            self._call("PUT", target, headers, {201}, content)

    def put_manifest(self, repository: str, reference: str, media_type: str, data: bytes) -> None:
        """Store a manifest or an index under a tag or its digest."""
        self._call("PUT", f"/v2/{repository}/manifests/{reference}", {"Content-Type": media_type}, {201}, data)

    def _call(
        self, method: str, target: str, headers: Mapping[str, str], accepted: set[int], body: BinaryIO | bytes = b""
    ) -> http.client.HTTPResponse:
        try:
            self._connection.request(method, target, body or None, dict(headers))
            response = self._connection.getresponse()
            text = response.read(500).decode("utf-8", "replace")
            response.read()
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            message = f"The lab's mirror http://{self._address} does not answer: {reason}. Is the lab running?"
            raise LabImageError(message) from error
        if response.status not in accepted:
            what = f"{method} http://{self._address}{target}"
            raise LabImageError(f"The lab's mirror refused {what}: {response.status} {text}")
        return response
