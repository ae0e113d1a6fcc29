# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client of one registry after the OCI distribution specification: manifests, and blobs through blobs.py."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ..errors import ImageError, Reason, RegistryError
from ..policy.settings import RegistrySettings
from .auth import Login
from .backoff import Backoff
from .failures import of_status
from .manifests import ACCEPT, Descriptor, Manifest
from .transport import Answer, Opener, Transport


class Registry:
    """One registry, host or host:port. Thread-safe; connections are kept and shared.

    Everything it raises is an ImageError; RegistryError for what the registry or the network did.
    """

    def __init__(self, host: str, settings: RegistrySettings | None = None, backoff: Backoff | None = None) -> None:
        self.settings = settings or RegistrySettings(host)
        self.host = host
        self.transport = Transport(self.settings, backoff)
        self._login = Login(self.settings, self.transport)

    def head_manifest(self, repository: str, version: str) -> Descriptor:
        """Return the descriptor of a manifest by tag or digest with one request; nothing is downloaded."""
        path = f"{repository}/manifests/{version}"
        answer = self.call("HEAD", path, repository, {"Accept": ACCEPT}, expect={200, 403, 405})
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = answer.headers.get("Docker-Content-Digest", "")
        length = answer.headers.get("Content-Length", "")
        if answer.status != 200 or not digest or not length.isdigit() or (":" in version and digest != version):
            # The headers are optional in the specification, and a refusal has its words only in a body: GET tells.
            return self.manifest(repository, version).descriptor()
        return Descriptor(media_type, digest, int(length))

    def manifest(self, repository: str, version: str) -> Manifest:
        """Return a manifest by tag or digest, its bytes verified."""
        answer = self.call("GET", f"{repository}/manifests/{version}", repository, {"Accept": ACCEPT}, expect={200})
        try:
            manifest = Manifest.of(answer.body, answer.headers.get("Content-Type", ""))
        except ImageError as error:
            raise self.error(Reason.PROTOCOL, f"{repository}: {error}") from error
        promised = version if ":" in version else answer.headers.get("Docker-Content-Digest") or ""
        if promised and _digest(promised, answer.body) != promised:
            raise self.error(Reason.DIGEST, f"{repository}: the manifest is not what {promised} stands for")
        return manifest

    def put_manifest(self, repository: str, version: str, manifest: Manifest) -> None:
        """Store a manifest under a tag or its digest. What it points to must be there."""
        headers = {"Content-Type": manifest.media_type}
        path = f"{repository}/manifests/{version}"
        answer = self.call("PUT", path, repository, headers, manifest.raw, push=True, expect={201, 202})
        stored = answer.headers.get("Docker-Content-Digest") or manifest.digest
        if stored != manifest.digest:
            raise self.error(Reason.DIGEST, f"{repository}: {manifest.digest} was stored as {stored}")

    def has_manifest(self, repository: str, version: str) -> str:
        """Return the digest of a manifest, '' where there is none."""
        try:
            return self.head_manifest(repository, version).digest
        except RegistryError as error:
            if error.reason == Reason.NOT_FOUND:
                return ""
            raise

    def call(
        self,
        method: str,
        path: str,
        repository: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | Opener | None = None,
        *,
        push: bool = False,
        expect: set[int],
        retry: bool = True,
    ) -> Answer:
        """Send a request below /v2/, or to a full URL of this registry, logged in as it asks; raise unless expected."""
        url = self._url(path)

        def send(login: Mapping[str, str]) -> Answer:
            return self.transport.send(method, url, {**(headers or {}), **login}, body, retry=retry)

        answer = self._logged_in(send, repository, push)
        if answer.status not in expect:
            raise of_status(self.host, answer.status, answer.headers, answer.body)
        return answer

    def open(self, path: str, repository: str, headers: Mapping[str, str]) -> Any:
        """Send a GET like call() and return the open response, of whatever status."""
        url = self._url(path)
        return self._logged_in(lambda login: self.transport.open(url, {**headers, **login}), repository, False)

    def error(self, reason: Reason, detail: str) -> RegistryError:
        """Return an error of this registry."""
        return RegistryError(reason, self.host, detail)

    def _url(self, path: str) -> str:
        return path if "://" in path else f"{self.settings.url}/v2/{path}"

    def _logged_in(self, send: Any, repository: str, push: bool) -> Any:
        """Send; where the registry asks for a login (again, when a token ran out), log in and send once more."""
        scope = f"repository:{repository}:pull{',push' if push else ''}"
        sent = self._login.header(scope)
        answer = send(sent)
        if answer.status != 401:
            return answer
        if not isinstance(answer, Answer):
            answer.drain_conn()
        self._login.answer(answer.headers.get("WWW-Authenticate", ""), scope, sent)
        answer = send(self._login.header(scope))
        if answer.status == 401:
            raise self._login.not_accepted(answer.body if isinstance(answer, Answer) else b"")
        return answer


def _digest(like: str, data: bytes) -> str:
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}" if algorithm in ("sha256", "sha512") else ""
