"""The bench's own lab, and runs of programs on it with a log each."""

from __future__ import annotations

import http.client
import os
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from integration.support.labs import BIN, ROOT, OwnLab

from . import site_audit
from .site_api import Api

ADDRESS, API_PORT, NODE_PORT = "127.0.0.9", 6443, 30080
# Where further API servers in the lab are reached (see site_copies)
COPY_PORTS = (7001, 7002, 7003, 7004)
WEB = "web.todo.example.com"
LONGEST_RUN = 1800  # seconds
CALM_SECONDS = 10


@dataclass(frozen=True)
class Played:
    """A run that has ended well: its seconds, when it began and ended, and where its output is.

    `cpu` are the seconds of processors that it and its descendants took, which other load changes far less.
    """

    seconds: float
    cpu: float
    since: datetime
    until: datetime
    log: Path

    def changed(self) -> list[str]:
        """The lines of the recap that tell of a change."""
        recap = self.log.read_text(errors="replace").rpartition("PLAY RECAP")[2]
        return [line for line in recap.splitlines() if " changed=" in line and " changed=0 " not in line]


@dataclass
class Site:
    """A lab in `folder`/lab, and everything that is run on it; logs are in `folder`/log."""

    folder: Path
    address: str = ADDRESS
    _runs: int = field(default=0)

    def __post_init__(self) -> None:
        self.log_folder.mkdir(parents=True, exist_ok=True)

    @property
    def directory(self) -> Path:
        return self.folder / "lab"

    @property
    def log_folder(self) -> Path:
        return self.folder / "log"

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def work(self) -> Path:
        """Where the roles render."""
        return self.directory / "work"

    @property
    def server(self) -> str:
        return f"https://{self.address}:{API_PORT}"

    def api(self) -> Api:
        return Api(self.directory, self.server)

    def start(self) -> None:
        """Start the lab with an audit log that tells of reads, too."""
        log = self.directory / "log" / "audit" / "audit.log"
        options = {
            "lab_forwarded_ports": [NODE_PORT, *COPY_PORTS],
            "__lab_audit_flags": site_audit.flags(site_audit.policy(self.folder), log),
        }
        self.run("lab-start", *map(str, OwnLab(self.directory, self.address).command("started", **options)))

    def remove(self) -> None:
        """Stop the lab and remove its data."""
        self.run("lab-remove", *map(str, OwnLab(self.directory, self.address).command("absent")))

    def discard(self) -> None:
        """Remove the folder with all logs."""
        shutil.rmtree(self.folder)

    def playbook(
        self, name: str, *arguments: str, inventory: Path | None = None, watch: Callable[[int], None] | None = None
    ) -> Played:
        """Run one of the project's playbooks on the lab, or on the hosts of another inventory."""
        place = [] if inventory else ["-e", f"lab_directory={self.directory}", "-e", f"lab_address={self.address}"]
        command = [str(BIN / "ansible-playbook"), "-i", str(inventory or "inventories/lab"), name, *place, *arguments]
        environment = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "default"}
        return self.run(Path(name).stem, *command, environment=environment, watch=watch)

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints."""
        log = self.run("kubectl", *self.kubectl_command(*arguments), keep=False).log
        return log.read_text()

    def kubectl_command(self, *arguments: str) -> list[str]:
        return [str(self.directory / "bin" / "kubectl"), "--kubeconfig", str(self.kubeconfig), *arguments]

    def run(
        self,
        name: str,
        *command: str,
        environment: Mapping[str, str] | None = None,
        watch: Callable[[int], None] | None = None,
        keep: bool = True,
    ) -> Played:
        """Run a command to its end, which must be a good one; `watch` is called with its process id after its start.

        Without `keep` the log is written over by the next of that kind.
        """
        self._runs += keep
        log = self.log_folder / (f"{self._runs:03}-{name}.log" if keep else f"{name}.log")
        since, start, before = datetime.now(UTC), time.monotonic(), _cpu_of_children()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE if not keep else subprocess.STDOUT,
                start_new_session=True,
            )
            if watch:
                watch(process.pid)
            try:
                _output, told = process.communicate(timeout=LONGEST_RUN)
            except subprocess.TimeoutExpired:
                raise SystemExit(f"bench: {name} has not ended after {LONGEST_RUN} s; see {log}") from None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
                    process.wait()
        seconds, until = time.monotonic() - start, datetime.now(UTC)
        if process.returncode:
            raise SystemExit(f"bench: {name} ended with {process.returncode}; see {log}\n{(told or b'').decode()}")
        return Played(seconds, _cpu_of_children() - before, since, until, log)

    def requests(self, run: Played) -> site_audit.Requests:
        """What a run of ours asked of the API server."""
        return site_audit.read(self.directory / "log" / "audit", run.since, run.until)

    def calm(self) -> None:
        """Wait until no pod and no namespace is on its way in or out, then a little more."""
        api, limit = self.api(), time.monotonic() + 300
        while unsettled := _unsettled(api):
            if time.monotonic() > limit:
                raise SystemExit(f"bench: not settled after 300 s: {', '.join(unsettled)}")
            time.sleep(1)
        time.sleep(CALM_SECONDS)


class FirstAnswer:
    """Asks the to-do page through the gateway all the time from `with` on; `at` is when it answered 200 first."""

    def __init__(self, address: str, host: str = WEB, every: float = 0.05) -> None:
        self.at: float | None = None
        self._place, self._host, self._every = (address, NODE_PORT), host, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask_on)

    def __enter__(self) -> FirstAnswer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask_on(self) -> None:
        while self.at is None and not self._stop.wait(self._every):
            if self._answers():
                self.at = time.monotonic()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(*self._place, timeout=5)
        try:
            connection.request("GET", "/", headers={"Host": self._host})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _unsettled(api: Api) -> list[str]:
    pods = api.ask("GET", "/api/v1/pods")["items"]
    namespaces = api.ask("GET", "/api/v1/namespaces")["items"]
    return [item["metadata"]["name"] for item in namespaces if "deletionTimestamp" in item["metadata"]] + [
        pod["metadata"]["name"] for pod in pods if "deletionTimestamp" in pod["metadata"] or _is_starting(pod)
    ]


def _is_starting(pod: dict) -> bool:
    status = pod["status"]
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions", [])}
    gated = pod["spec"].get("schedulingGates")  # a foreign object of ours, which is not to start
    return status["phase"] != "Succeeded" and not gated and conditions.get("Ready") != "True"


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def load_average() -> float:
    """That of the last minute."""
    return round(os.getloadavg()[0], 1)
