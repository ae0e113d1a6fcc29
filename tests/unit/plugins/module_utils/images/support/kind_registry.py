"""One registry over real HTTP that answers as any of the kinds in registry_kinds.py."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import Manifest, digest_of
from registry_kinds import PASSWORD, Kind
from sample_images import SampleImage

SIGNATURE = "signed-canary-9b1f"


@dataclass
class Upload:
    """An upload that has begun, and the sizes of its chunks."""

    repository: str
    data: bytearray = field(default_factory=bytearray)
    chunks: list[int] = field(default_factory=list)


class KindRegistry:
    """A registry of a kind. `requests` lists method, path and headers of what came in."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.manifests: dict[tuple[str, str], Manifest] = {}
        self.blobs: dict[str, set[str]] = {}
        self.data: dict[str, bytes] = {}
        self.uploads: dict[str, Upload] = {}
        self.tokens: dict[str, set[str]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.broken = False
        self.begun = 0
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.registry = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def seed(self, image: SampleImage, repository: str, tag: str = "1") -> None:
        """Have an image."""
        for manifest in image.manifests:
            self.manifests[repository, manifest.digest] = manifest
        self.manifests[repository, tag] = image.index
        self.blobs.setdefault(repository, set()).update(image.blobs)
        self.data.update(image.blobs)

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request of any method."""
        self.registry: KindRegistry = self.server.registry  # type: ignore[attr-defined]
        self.kind = self.registry.kind
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.registry.requests.append((self.command, self.path, dict(self.headers)))
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        with self.registry.lock:
            self._route(parts.path)

    do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_GET

    def _route(self, path: str) -> None:
        if path == self.kind.realm:
            return self._give_token()
        if path.startswith("/storage/"):
            return self._storage(path.rpartition("/")[2])
        if path == "/v2/":
            return self._challenge("repository:user/image:pull") if self.kind.ping == 401 else self.reply(200, b"{}")
        repository, _slash, key = path.removeprefix("/v2/").removeprefix("/artifacts-uploads/").rpartition("/")
        repository, _slash, what = repository.rpartition("/")
        repository = repository.removesuffix("/blobs")
        if not self.kind.accept_elsewhere and what != "manifests" and "Accept" in self.headers:
            return self.reply(406)
        writes = self.command in ("POST", "PATCH", "PUT", "DELETE") or what == "uploads"
        source = self.query.get("from", [""])[0]
        if not self._is_let_in(repository, writes, source):
            return None
        if what == "manifests":
            return self._put_manifest(repository, key) if writes else self._manifest(repository, key)
        return self._upload(repository, key) if what == "uploads" else self._blob(repository, key)

    # Logging in

    def _is_let_in(self, repository: str, writes: bool, source: str) -> bool:
        if not self.kind.challenges:
            return True
        scheme, _blank, credential = self.headers.get("Authorization", "").partition(" ")
        name = repository.partition("/")[2] if self.kind.shortened else repository
        wanted = {f"repository:{name}:pull{',push' if writes else ''}"}
        if source:
            wanted.add(f"repository:{source.partition('/')[2] if self.kind.shortened else source}:pull")
        basic = any("basic" in challenge.lower() for challenge in self.kind.challenges)
        if scheme == "Basic" and basic and base64.b64decode(credential).decode() == f"{self.kind.username}:{PASSWORD}":
            return True
        if scheme == "Bearer" and wanted <= self.registry.tokens.get(credential, set()):
            return True
        if not scheme and not writes and self.kind.hidden != 401:
            self.reply(self.kind.hidden, b'{"errors":[{"code":"DENIED","message":"denied"}]}')
        else:
            self._challenge(" ".join(sorted(wanted)))
        return False

    def _challenge(self, scope: str) -> None:
        headers = [
            ("WWW-Authenticate", text.replace("HOST", self.registry.host).replace("SCOPE", scope))
            for text in self.kind.challenges
        ]
        self.reply(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}', headers)

    def _give_token(self) -> None:
        if self.command == "POST":
            form = parse_qs(self.body.decode())
            known = form.get("grant_type") == [self.kind.grant] and form.get("refresh_token") == [PASSWORD]
            scopes = form.get("scope", [""])[0].split()
        else:
            login = base64.b64encode(f"{self.kind.username}:{PASSWORD}".encode()).decode()
            known = self.kind.grant == "GET" and self.headers.get("Authorization") == f"Basic {login}"
            scopes = self.query.get("scope", [])
        if not known or any("user/image" in scope for scope in scopes):
            return self.reply(401, b'{"errors":[{"code":"DENIED","message":"denied"}]}')
        token = f"token-canary-{len(self.registry.tokens)}"
        self.registry.tokens[token] = set(scopes[-1:] if self.kind.scopes == "last" else scopes)
        return self.reply(200, json.dumps(dict.fromkeys(self.kind.token_keys, token)).encode())

    # Reading

    def _manifest(self, repository: str, version: str) -> None:
        manifest = self.registry.manifests.get((repository, version))
        if not manifest or (self.command == "HEAD" and self.kind.head_manifest != 200):
            return self.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        headers = [("Content-Type", manifest.media_type)]
        if self.kind.digest_header:
            headers.append(("Docker-Content-Digest", manifest.digest))
        if self.kind.pull_limit:
            headers += [("ratelimit-limit", self.kind.pull_limit), ("ratelimit-remaining", "42;w=21600")]
        return self.reply(200, manifest.raw, headers)

    def _blob(self, repository: str, digest: str) -> None:
        if digest not in self.registry.blobs.get(repository, set()):
            return self.reply(404, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}')
        if self.kind.redirect == "signed" or (self.kind.redirect and self.command == "GET"):
            # Another name of this machine: the login must not go there
            target = f"http://localhost:{self.registry.port}/storage/{digest}?X-Amz-Signature={SIGNATURE}"
            return self.reply(302 if self.kind.redirect == "plain" else 307, b"", [("Location", target)])
        return self._serve(self.registry.data[digest])

    def _storage(self, digest: str) -> None:
        if "Authorization" in self.headers:  # as S3 does
            return self.reply(400, b"<Code>InvalidArgument</Code>Only one auth mechanism allowed")
        if self.query.get("X-Amz-Signature") != [SIGNATURE] or (self.command != "GET" and self.kind.redirect):
            return self.reply(403, f"<Code>SignatureDoesNotMatch</Code> {self.path}".encode())
        return self._serve(self.registry.data[digest])

    def _serve(self, data: bytes) -> None:
        asked = self.headers.get("Range")
        if not asked or not self.kind.ranges:
            return self.reply(200, data)
        first, _dash, last = asked.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1 if last else None]
        span = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
        return self.reply(206, part, [("Content-Range", span)])

    # Writing

    def _put_manifest(self, repository: str, version: str) -> None:
        manifest = Manifest.of(self.body)
        known = self.registry.blobs.get(repository, set())
        children = () if self.kind.sparse else manifest.children()
        if any((repository, child.digest) not in self.registry.manifests for child in children) or any(
            blob.digest not in known for blob in manifest.blobs()
        ):
            return self.reply(
                400, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}'
            )
        self.registry.manifests[repository, version] = self.registry.manifests[repository, manifest.digest] = manifest
        return self.reply(201, b"", [("Docker-Content-Digest", manifest.digest)] if self.kind.digest_header else [])

    def _upload(self, repository: str, key: str) -> None:
        if self.command == "POST":
            return self._begin(repository)
        upload = self.registry.uploads.get(key)
        if upload is None or upload.repository != repository:
            return self.reply(404, b'{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"blob upload invalid"}]}')
        if self.command == "GET":
            return self.reply(204, b"", self._whereabouts(key, upload, 1 if self.kind.status == "one more" else 0))
        if self.command == "DELETE":
            return self.reply(204)
        if self.kind.largest and len(self.body) > self.kind.largest:
            return self.reply(self.kind.too_large, b"the request body is too large")
        return self._chunk(key, upload) if self.command == "PATCH" else self._end(upload)

    def _begin(self, repository: str) -> None:
        digest, source = self.query.get("mount", [""])[0], self.query.get("from", [""])[0]
        if digest and self.kind.mount == 405:
            return self.reply(405)
        if digest and self.kind.mount == 201 and digest in self.registry.blobs.get(source, set()):
            self.registry.blobs.setdefault(repository, set()).add(digest)
            return self.reply(201, b"", [("Location", f"/v2/{repository}/blobs/{digest}")])
        self.registry.begun += 1
        key = f"upload-{self.registry.begun}"
        upload = self.registry.uploads[key] = Upload(repository)
        return self.reply(202, b"", self._whereabouts(key, upload))

    def _chunk(self, key: str, upload: Upload) -> None:
        if self.kind.patch:
            return self.reply(self.kind.patch, b'{"errors":[{"code":"UNSUPPORTED","message":"unsupported"}]}')
        start = int(self.headers["Content-Range"].partition("-")[0])
        if start != len(upload.data):
            return self.reply(416, b"", self._whereabouts(key, upload))
        if start and not self.registry.broken:
            self.registry.broken = self.close_connection = True  # once, each registry loses a connection
            upload.data += self.body[: self.kind.kept]
            if self.kind.forgets:
                del self.registry.uploads[key]
            return None
        upload.data += self.body
        upload.chunks.append(len(self.body))
        return self.reply(self.kind.accepted, b"", self._whereabouts(key, upload))

    def _end(self, upload: Upload) -> None:
        if self.body and not self.kind.whole:
            return self.reply(405, b"use PATCH")
        data = bytes(upload.data) + self.body
        digest = self.query["digest"][0]
        if any(size < self.kind.smallest for size in upload.chunks[:-1]):
            return self.reply(400, b'{"errors":[{"code":"LAYER_PART_TOO_SMALL","message":"part too small"}]}')
        if digest_of(data) != digest:
            return self.reply(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"digest invalid"}]}')
        self.registry.data[digest] = data
        self.registry.blobs.setdefault(upload.repository, set()).add(digest)
        return self.reply(201, b"", [("Docker-Content-Digest", digest)] if self.kind.digest_header else [])

    def _whereabouts(self, key: str, upload: Upload, more: int = 0) -> list[tuple[str, str]]:
        path = f"/v2/{upload.repository}/blobs/uploads/{key}"
        if self.kind.location == "relative":
            path = f"/artifacts-uploads/{upload.repository}/blobs/uploads/{key}"
        elif self.kind.location == "query":
            path = f"http://{self.registry.host}{path}?_state={quote('a+b/c==')}"
        else:
            path = f"http://{self.registry.host}{path}"
        headers = [("Location", path), *([("OCI-Chunk-Min-Length", str(self.kind.least))] if self.kind.least else [])]
        count = upload.chunks[0] if self.kind.status == "stuck" and upload.chunks else len(upload.data) + more
        if self.kind.status != "none":
            headers.append(("Range", f"{'bytes=' if more else ''}0-{max(count - 1, 0)}"))
        return headers

    def reply(self, status: int, body: bytes = b"", headers: list[tuple[str, str]] | None = None) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in [("Content-Length", str(len(body))), *(headers or [])]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
