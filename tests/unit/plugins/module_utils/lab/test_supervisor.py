# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socketserver
import threading
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.supervisor import SupervisorClient

INFO = {
    "name": "etcd",
    "statename": "RUNNING",
    "now": 100,
    "start": 40,
    "stdout_logfile": "/log/etcd.log",
    "spawnerr": "",
}


class Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/", "/RPC2")
    disable_nagle_algorithm = False

    def log_message(self, *arguments: object) -> None:
        return


class Server(socketserver.UnixStreamServer, SimpleXMLRPCDispatcher):
    def __init__(self, path: Path) -> None:
        SimpleXMLRPCDispatcher.__init__(self, allow_none=True)
        socketserver.UnixStreamServer.__init__(self, str(path), Handler)
        self.logRequests = False
        self.stopped: list[str] = []
        self.register_function(
            lambda: [INFO, {**INFO, "name": "kubelet", "statename": "BACKOFF", "spawnerr": "Exited too quickly"}],
            "supervisor.getAllProcessInfo",
        )
        self.register_function(self.stop_program, "supervisor.stopProcess")

    def stop_program(self, name: str) -> bool:
        if name != "etcd":
            raise xmlrpc.client.Fault(70, "NOT_RUNNING")
        self.stopped.append(name)
        return True


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "supervisor.sock") as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield listener
        listener.shutdown()


def test_states_are_read(server: Server, tmp_path: Path) -> None:
    etcd, kubelet = SupervisorClient(tmp_path / "supervisor.sock").programs()
    assert (etcd.name, etcd.state, etcd.uptime) == ("etcd", "RUNNING", 60)
    assert (kubelet.uptime, kubelet.trouble) == (0, "Exited too quickly")


def test_stopping_what_does_not_run_is_no_error(server: Server, tmp_path: Path) -> None:
    client = SupervisorClient(tmp_path / "supervisor.sock")
    client.stop("etcd")
    client.stop("kubelet")
    assert server.stopped == ["etcd"]


def test_no_supervisor_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        SupervisorClient(tmp_path / "supervisor.sock").programs()
