"""The database's pod without a cluster: PostgreSQL's own tools, run here against a server of the tests.

It stands where the API server does, and speaks v5.channel.k8s.io as k8s.io/apimachinery's pkg/util/remotecommand has
it: the first byte of a frame is its channel, 255 ends that of the second byte.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from throwaway_pki import Pki
from tls_servers import TlsServer, upgrade
from todo_servers import Postgres
from websocket import ABNF
from websocket._abnf import frame_buffer

STDOUT, STDERR, STATUS, CLOSE = 1, 2, 3, 255
PASSWORD_FILE = "/run/secrets/database/password"


class DatabasePod(TlsServer):
    """`kubeconfig` leads there. Use as a context manager.

    `ran` has the scripts of all commands; the connection of one that holds the word `cut` breaks while it runs.
    """

    def __init__(self, folder: Path, pki: Pki, postgres: Postgres, password: str) -> None:
        super().__init__(pki.server_certificate, pki.server_key)
        self.ran: list[str] = []
        self.cut = ""
        self._password = folder / "password"
        self._password.write_text(password)
        path = f"{postgres.binaries}:{os.environ['PATH']}"
        self._environment = {"PATH": path, "PGHOST": "127.0.0.1", "PGPORT": str(postgres.port)}
        self.kubeconfig = folder / "kubeconfig"
        cluster = {
            "server": f"https://127.0.0.1:{self.port}",
            "certificate-authority": str(pki.ca_certificate),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "pod", "cluster": cluster}],
            "users": [{"name": "pod", "user": {"token": "of-nobody"}}],
            "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod"}}],
        }
        self.kubeconfig.write_text(yaml.safe_dump(config))

    def serve(self, client: ssl.SSLSocket) -> None:
        with suppress(OSError):
            reader, path = upgrade(client, "v5.channel.k8s.io")
            query = parse_qs(urlsplit(path).query)
            self._run(client, reader, query["command"], "stdin" in query)

    def _run(self, client: ssl.SSLSocket, reader: Any, command: list[str], has_stdin: bool) -> None:
        self.ran.append(command[-1])
        words = [word.replace(PASSWORD_FILE, str(self._password)) for word in command]
        with subprocess.Popen(
            words, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            if self.cut and self.cut in command[-1]:
                process.kill()
                return
            # As a client of ours does it: all is given before anything is taken.
            while has_stdin and (chunk := _chunk(reader)) is not None:
                with suppress(BrokenPipeError):
                    process.stdin.write(chunk)
            out, error = process.communicate()
            for channel, data in ((STDOUT, out), (STDERR, error)):
                if data:
                    _send(client, channel, data)
            said = {"status": "Success"} if process.returncode == 0 else {"status": "Failure", "message": "exit code"}
            _send(client, STATUS, json.dumps(said).encode())
        frame = ABNF.create_frame(b"", ABNF.OPCODE_CLOSE)
        frame.mask_value = 0
        client.sendall(frame.format())


def _chunk(reader: Any) -> bytes | None:
    """The next part of standard input, None at its end."""
    data = frame_buffer(reader.read, skip_utf8_validation=True).recv_frame().data
    return None if data[0] == CLOSE else data[1:]


def _send(client: ssl.SSLSocket, channel: int, data: bytes) -> None:
    frame = ABNF.create_frame(bytes([channel]) + data, ABNF.OPCODE_BINARY)
    frame.mask_value = 0  # servers do not mask
    client.sendall(frame.format())
