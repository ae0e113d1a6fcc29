"""The database is killed under writes, and what was acknowledged is there afterwards."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from urllib.error import URLError
from uuid import uuid4

from ..conftest import NAMESPACE, Site, until
from .conftest import Application, by_name

KILLS = 10
WRITERS = 3
POD = "database-0"


class Writers:
    """Create to-dos from several threads until told to stop; `acknowledged` holds the titles that were answered 201."""

    def __init__(self, application: Application) -> None:
        self.acknowledged: list[str] = []
        self.refused = 0
        self._application = application
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(uuid4(),)) for _number in range(WRITERS)]

    def _write(self, writer: object) -> None:
        for number in count():
            if self._over.is_set():
                return
            title = f"{writer} {number}"
            try:
                status = self._application.request("/api/todos", "POST", {"title": title}, timeout=30).status
            except (URLError, OSError):
                status = 0
            if status == 201:
                self.acknowledged.append(title)
            else:
                self.refused += 1
                self._over.wait(0.2)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Write for as long as the block runs."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()

    def await_more(self) -> None:
        """Wait until each writer could have had one more acknowledged."""
        wanted = len(self.acknowledged) + WRITERS
        until("writes are acknowledged", lambda: len(self.acknowledged) >= wanted, 120)


def delete_by_force(site: Site) -> None:
    """Delete the pod without any grace, and wait for the next one."""
    before = by_name(site, "pod", POD)["metadata"]["uid"]
    site.kubectl("delete", "pod", POD, "-n", NAMESPACE, "--grace-period=0", "--force")
    until("there is another pod", lambda: (found := current(site)) and found["metadata"]["uid"] != before, 60)


def kill_the_process(site: Site) -> None:
    """Send SIGKILL to PostgreSQL itself, and wait until the kubelet has started it again."""
    container = until("PostgreSQL runs", lambda: running(current(site)), 120)
    node, socket = site.directory / "bin" / "lab-node", site.directory / "containerd" / "containerd.sock"
    command = [node, "ctr", "--address", socket, "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL"]
    subprocess.run([*command, container], check=True, timeout=60, capture_output=True)
    until("it runs again", lambda: running(current(site)) not in ("", container), 120)


def current(site: Site) -> dict:
    """The database's pod, empty between two."""
    found = site.objects("pods", "-n", NAMESPACE, "-l", "app=database")
    return next((pod for pod in found if "deletionTimestamp" not in pod["metadata"]), {})


def running(pod: dict) -> str:
    """The id of the pod's running PostgreSQL container, else ''."""
    for status in pod.get("status", {}).get("containerStatuses", []):
        if status["name"] == "postgres" and "running" in status["state"]:
            return status["containerID"].removeprefix("containerd://")
    return ""


def test_no_acknowledged_write_is_lost_when_the_database_is_killed(site: Site) -> None:
    application = Application(site, "knative")
    writers = Writers(application)
    with writers.at_work():
        for _turn in range(KILLS):
            writers.await_more()
            delete_by_force(site)
            writers.await_more()
            kill_the_process(site)
        writers.await_more()
    print(f"\n{KILLS} pods deleted by force, {KILLS} processes killed: ", end="")
    print(f"{len(writers.acknowledged)} writes acknowledged, {writers.refused} refused")
    items = application.items()
    found = {item["title"] for item in items}
    assert not set(writers.acknowledged) - found
    written = {title.split()[0] for title in writers.acknowledged}
    application.delete([item["id"] for item in items if item["title"].split()[0] in written])


def test_the_volume_is_locked_while_postgresql_runs(site: Site) -> None:
    until("PostgreSQL runs", lambda: running(current(site)), 120)
    lock = "flock --nonblock /var/lib/postgresql/data/.lock true && echo free || echo taken"
    said = site.kubectl("exec", "-n", NAMESPACE, POD, "-c", "postgres", "--", "sh", "-c", lock)
    assert said.split() == ["taken"]
