# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab import health, pki

RENEWED = datetime.datetime(2026, 1, 1, 12, 0, tzinfo=datetime.UTC)


class ApiServer(http.server.BaseHTTPRequestHandler):
    ready = True

    def do_GET(self) -> None:
        lease = {"spec": {"renewTime": "2026-01-01T12:00:00.000000Z"}}
        answers = {"/readyz": b"ok", f"{health.LEASES}/lab": json.dumps(lease).encode()}
        found = self.path in answers and (self.ready or self.path != "/readyz")
        self.send_response(200 if found else 500)
        self.end_headers()
        self.wfile.write(answers.get(self.path, b""))

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def server(tmp_path: Path) -> Iterator[health.Health]:
    """A server that wants a client certificate of the lab's authority, as the API server does."""
    requests = [
        pki.CertificateRequest("kube-apiserver", "ca", "kube-apiserver", None, ("server",), (), ("127.0.0.1",)),
        pki.CertificateRequest("admin", "ca", "admin", "system:masters"),
    ]
    pki.ensure_pki(tmp_path, {"ca": "kubernetes"}, requests, [])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(tmp_path / "kube-apiserver.crt", tmp_path / "kube-apiserver.key")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ApiServer) as listener:
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield health.Health(f"https://127.0.0.1:{listener.server_address[1]}", tmp_path)
        listener.shutdown()


def test_ready_is_what_the_server_says(server: health.Health, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.server_is_ready()
    monkeypatch.setattr(ApiServer, "ready", False)
    assert not server.server_is_ready()


def test_a_server_that_is_not_there_is_not_ready(tmp_path: Path, server: health.Health) -> None:
    assert not health.Health("https://127.0.0.1:9", server.pki).server_is_ready()


def test_only_a_lease_of_this_life_counts(server: health.Health) -> None:
    second = datetime.timedelta(seconds=1)
    assert server.node_lives("lab", RENEWED - second)
    assert not server.node_lives("lab", RENEWED + second)
    assert not server.node_lives("other", RENEWED - second)
