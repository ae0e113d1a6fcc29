# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client of one registry after the OCI distribution specification: manifests, and blobs through blobs.py."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import ImageError, Reason, RegistryError
from ..policy.settings import RegistrySettings
from ..reference.reference import DIGEST
from .auth import Login, Scopes, scope_of
from .backoff import Backoff
from .challenges import parse_challenges
from .cooldown import Patience
from .credentials import own_secrets
from .failures import of_status, without_secrets
from .manifests import ACCEPT, Descriptor, Manifest
from .transport import Answer, Opener, Transport, origin

# Answers to a write that take it: others than the specification's occur
TAKEN = frozenset({200, 201, 202, 204})
# What a server or a storage may do at HEAD alone
_FAILS_AT_HEAD = frozenset({Reason.SERVER, Reason.BROKEN, Reason.TIMEOUT, Reason.FORBIDDEN})


class Registry:
    """One registry, host or host:port. Thread-safe; connections are kept and shared.

    Everything it raises is an ImageError; RegistryError for what the registry or the network did.
    """

    def __init__(
        self,
        host: str,
        settings: RegistrySettings | None = None,
        backoff: Backoff | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.settings = settings or RegistrySettings(host)
        self.host = host
        try:
            self._home = origin(self.settings.url)
        except ValueError:
            raise ImageError(f"{host} is no host and port of a registry") from None
        self.transport = Transport(self.settings, backoff, patience)
        self.refused: dict[int, int] = {}  # ways of uploads that it does not take, and from what size on
        self._login = Login(self.settings, self.transport)

    def head_manifest(self, repository: str, version: str) -> Descriptor:
        """Return the descriptor of a manifest by tag or digest: with one request, unless HEAD does not say it all."""
        answer = self.head(f"{repository}/manifests/{version}", repository, {"Accept": ACCEPT})
        if answer is None:
            return self.manifest(repository, version).descriptor()
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = answer.headers.get("Docker-Content-Digest", "")
        length = answer.headers.get("Content-Length", "")
        has_length = length.isascii() and length.isdigit() and "Content-Encoding" not in answer.headers
        is_complete = DIGEST.fullmatch(digest) and has_length
        if answer.status != 200 or not is_complete or (":" in version and digest != version):
            # The headers are optional in the specification, a refusal has its words only in a body, and some have a
            # manifest where they deny it to HEAD (Nexus: diun#1614; a redirect signed for GET: moby#50065): GET tells.
            return self.manifest(repository, version).descriptor()
        return Descriptor(media_type, digest, int(length))

    def manifest(self, repository: str, version: str) -> Manifest:
        """Return a manifest by tag or digest, its bytes verified."""
        answer = self.call("GET", f"{repository}/manifests/{version}", repository, {"Accept": ACCEPT}, expect={200})
        try:
            manifest = Manifest.of(answer.body, answer.headers.get("Content-Type", ""))
        except ImageError as error:
            raise self.error(Reason.PROTOCOL, f"{repository}: {error}") from None
        header = answer.headers.get("Docker-Content-Digest", "")
        promised = version if ":" in version else header if DIGEST.fullmatch(header) else ""
        if promised and _digest(promised, answer.body) != promised:
            raise self.error(Reason.DIGEST, f"{repository}: the manifest is not what {promised} stands for")
        return manifest

    def put_manifest(self, repository: str, version: str, manifest: Manifest) -> None:
        """Store a manifest under a tag or its digest. What it points to must be there."""
        headers = {"Content-Type": manifest.media_type}
        path = f"{repository}/manifests/{version}"
        answer = self.call("PUT", path, repository, headers, manifest.raw, push=True, expect=TAKEN)
        header = answer.headers.get("Docker-Content-Digest", "")
        stored = header if DIGEST.fullmatch(header) else manifest.digest
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
        source: str = "",
        expect: Collection[int] = (),
        retry: bool = True,
    ) -> Answer:
        """Send a request below /v2/, or to a full URL, logged in as the registry asks; raise unless `expect` has it.

        `source` is another repository that the request reads. An empty `expect` is met by whatever status. The login
        goes to no other host than the registry's.
        """
        url = self._url(path)

        def send(login: Mapping[str, str]) -> Answer:
            return self.transport.send(method, url, {**(headers or {}), **login}, body, retry=retry)

        if origin(url) == self._home:
            scopes = (*([scope_of(source)] if source else []), scope_of(repository, push))
            answer = self._logged_in(send, scopes)
        else:
            answer = send({})
        if expect and answer.status not in expect:
            raise of_status(self.host, answer.status, answer.headers, answer.body)
        return answer

    def head(self, path: str, repository: str, headers: Mapping[str, str] | None = None) -> Answer | None:
        """Ask by HEAD like call(); None where it fails in a way that may be that of HEAD alone: GET can tell."""
        try:
            return self.call("HEAD", path, repository, headers, retry=False)
        except RegistryError as error:
            if error.reason in _FAILS_AT_HEAD:
                return None
            if error.reason not in (Reason.RATE_LIMIT, Reason.REFUSED):
                raise
        return self.call("HEAD", path, repository, headers)

    def open(self, path: str, repository: str, headers: Mapping[str, str]) -> Any:
        """Send a GET like call() and return the open response, of status 200 or 206; raise for any other."""
        url = self._url(path)
        answer = self._logged_in(lambda login: self.transport.open(url, {**headers, **login}), (scope_of(repository),))
        if isinstance(answer, Answer):
            raise of_status(self.host, answer.status, answer.headers, answer.body)
        if answer.status not in (200, 206):
            answer.drain_conn()
            raise of_status(self.host, answer.status, answer.headers, b"")
        return answer

    def be_patient(self) -> None:
        """Wait for rate limits, also for long ones: there is no other registry for what is sent to this one."""
        limit = self.transport.cooldown.patience.limit
        self.transport.cooldown.patience = Patience(limit, limit)  # its own: other registries have others beside them

    def error(self, reason: Reason, detail: str) -> RegistryError:
        """Return an error of this registry."""
        return without_secrets(RegistryError(reason, self.host, detail), own_secrets(self.settings))

    def _url(self, path: str) -> str:
        return path if "://" in path else f"{self.settings.url}/v2/{path}"

    def _logged_in(self, send: Any, scopes: Scopes) -> Any:
        """Send; where the registry asks for a login (again, when a token ran out), log in and send once more."""
        sent = self._login.header(scopes)
        answer = send(sent)
        if answer.status != 401 and not self._login.is_denied(answer.status, sent):
            return answer
        challenges = parse_challenges(answer.headers.get("WWW-Authenticate", "")) or self._login.ping()
        reasons: list[RegistryError] = []
        tried = bool(sent)
        for login in self._login.ways(challenges, scopes, sent, reasons):
            answer, tried = send(login), True
            if answer.status != 401:
                return answer
        raise self._login.failed(reasons, tried, answer.body)


def _digest(like: str, data: bytes) -> str:
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}" if algorithm in ("sha256", "sha512") else ""
