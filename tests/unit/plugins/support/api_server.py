"""A throw-away control plane: etcd, kube-apiserver and kube-controller-manager on free loopback ports.

No kubelet and no scheduler: objects are stored, validated, garbage-collected and finalized by the real thing, but
pods never run.
"""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from loopback_ports import free_port
from throwaway_pki import Pki

START_SECONDS = 60
# By component; Kubernetes in the version that the lab has by default
NEEDED = {"etcd": ["etcd"], "kubernetes-1.36": ["kube-apiserver", "kube-controller-manager", "kubectl"]}
# Tests have memory enough and processors too few: collecting Go's garbage less often saves a fifth of their work.
_ENVIRONMENT = {**os.environ, "GOGC": "400"}


class MissingBinaries(Exception):
    """The tests need binaries that are not there."""


def find_binaries() -> dict[str, Path]:
    """Paths of the needed programs: below SERVERLESS_TEST_BINARIES, else the newest in the lab's cache."""
    found: dict[str, Path] = {}
    for component, programs in NEEDED.items():
        for program in programs:
            candidates = [path for root in _roots(component) for path in root.glob(program)]
            candidates = [path for path in candidates if path.is_file() and os.access(path, os.X_OK)]
            if not candidates:
                raise MissingBinaries(
                    f"{program} is needed by the tests of the engine and is neither below SERVERLESS_TEST_BINARIES "
                    "nor in the lab's cache; build it with: make lab"
                )
            found[program] = max(candidates, key=lambda path: path.stat().st_mtime)
    return found


def _roots(component: str) -> list[Path]:
    named = os.environ.get("SERVERLESS_TEST_BINARIES")
    if named:
        return [Path(named), Path(named, component)]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return list((cache / "selfhosted-serverless" / "bin" / component).glob("*"))


class ApiServer:
    """`kubeconfig` has the context 'test' (client certificate); `url` is the server's address.

    `token` is that of the user 'jane' in the groups 'testers' and 'others', who may only ask who she is.
    """

    token = "bearer-of-jane-0815"

    def __init__(self, binaries: dict[str, Path], directory: Path) -> None:
        self.binaries = binaries
        self.directory = directory
        self.pki = Pki(directory / "pki")
        self.kubeconfig = directory / "kubeconfig"
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._etcd_port, self._peer_port = free_port(), free_port()
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start all three and return when the API server is ready. Raises RuntimeError with the end of the log."""
        self._write_kubeconfig()
        etcd = f"http://127.0.0.1:{self._etcd_port}"
        peer = f"http://127.0.0.1:{self._peer_port}"
        self._run(
            "etcd",
            f"--data-dir={self.directory}/etcd",
            f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        self.start_api_server()
        self._controllers = self._run(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--service-account-private-key-file={self.pki.service_account_key}",
            f"--root-ca-file={self.pki.ca_certificate}",
            "--leader-elect=false",
            "--secure-port=0",
            "--horizontal-pod-autoscaler-sync-period=1s",
            # Tests say what a kubelet said, once; nothing is to be made of its silence afterwards.
            "--node-monitor-grace-period=1h",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        )

    def start_api_server(self) -> None:
        """Start (again) the API server alone, on its port and data, and wait until it is ready."""
        pki = self.pki
        self.api_process = self._run(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--client-ca-file={pki.ca_certificate}",
            f"--tls-cert-file={pki.server_certificate}",
            f"--tls-private-key-file={pki.server_key}",
            f"--token-auth-file={self._write_tokens()}",
            f"--service-account-key-file={pki.service_account_key}",
            f"--service-account-signing-key-file={pki.service_account_key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=RBAC",
            "--shutdown-delay-duration=0s",
            *self.more_arguments(),
        )
        self._await_ready()

    def more_arguments(self) -> list[str]:
        """What a special kind of cluster gives its API server besides."""
        return []

    @contextmanager
    def controllers_asleep(self) -> Iterator[Callable[[], None]]:
        """Nothing is collected, finalized or made meanwhile, until the function that this gives is called."""
        self._controllers.send_signal(signal.SIGSTOP)
        try:
            yield lambda: self._controllers.send_signal(signal.SIGCONT)
        finally:
            self._controllers.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.kill()
        for process in self._processes:
            process.wait(10)

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [self.binaries[program], *arguments]
        with open(self.directory / f"{program}.log", "ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, env=_ENVIRONMENT)
        self._processes.append(process)
        return process

    def _await_ready(self) -> None:
        tls = ssl.create_default_context(cafile=str(self.pki.ca_certificate))
        tls.load_cert_chain(self.pki.admin_certificate, self.pki.admin_key)
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit and self.api_process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", context=tls, timeout=2) as answer:
                    if answer.read() == b"ok":
                        return
            except OSError:
                time.sleep(0.1)
        log = (self.directory / "kube-apiserver.log").read_text(errors="replace")
        raise RuntimeError(f"the API server did not become ready:\n{log[-3000:]}")

    def _write_tokens(self) -> Path:
        path = self.directory / "tokens.csv"
        path.touch(mode=0o600)
        path.write_text(f'{self.token},jane,42,"testers,others"\n')
        return path

    def _write_kubeconfig(self) -> None:
        self.write_kubeconfig(self.kubeconfig, self.url)

    def write_kubeconfig(self, path: Path, server: str) -> None:
        """A kubeconfig for `server` (this one, or a proxy before it) with everything inline."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "test",
                    "cluster": {
                        "server": server,
                        "certificate-authority-data": self.pki.inline(self.pki.ca_certificate),
                    },
                }
            ],
            "users": [
                {
                    "name": "admin",
                    "user": {
                        "client-certificate-data": self.pki.inline(self.pki.admin_certificate),
                        "client-key-data": self.pki.inline(self.pki.admin_key),
                    },
                }
            ],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))


@contextmanager
def running_api_server(directory: Path) -> Iterator[ApiServer]:
    """A control plane with its data and logs in that folder."""
    server = ApiServer(find_binaries(), directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()
