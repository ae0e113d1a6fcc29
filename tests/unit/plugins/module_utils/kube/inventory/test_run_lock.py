"""One run at a time on a cluster: the lease that says who is at work."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory import run_lock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import (
    API_VERSION,
    KIND,
    MANAGER,
    NAME,
    Holder,
    RunLock,
)
from fault_proxy import FaultProxy
from releases import absent, config_map, deleted, namespace, present


@pytest.fixture
def home(cluster: Cluster, name: str) -> str:
    """A namespace for the lease."""
    cluster.apply(namespace(name), manager="test")
    return name


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for another ansible-playbook on this machine."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def lock_of(cluster: Cluster, home: str, holder: Holder, seconds: float = 1, told: list[str] | None = None) -> RunLock:
    return RunLock(cluster, home, holder, seconds, (told if told is not None else []).append)


def lease(cluster: Cluster, home: str) -> dict[str, Any] | None:
    return cluster.get(API_VERSION, KIND, NAME, home)


def test_the_holder_survives_being_written_down() -> None:
    holder = Holder.of_process(os.getpid())
    assert Holder.parse(str(holder)) == holder and not holder.is_dead
    assert Holder.parse("somebody else") is None


def test_a_run_keeps_its_lock_between_tasks_and_gives_it_up(cluster: Cluster, home: str) -> None:
    lock = lock_of(cluster, home, Holder.of_process(os.getpid()))
    for _task in range(2):
        with lock.held() as waited:
            assert not waited
    assert lease(cluster, home)["spec"]["holderIdentity"] == str(lock.holder)
    lock.give_up(Deadline(10))
    assert lease(cluster, home) is None


def test_a_second_run_says_who_is_at_work_and_waits(
    cluster: Cluster, home: str, other: subprocess.Popen[bytes]
) -> None:
    first = lock_of(cluster, home, Holder.of_process(other.pid))
    with first.held():
        pass
    told: list[str] = []
    second = lock_of(cluster, home, Holder.of_process(os.getpid()), 1, told)
    with pytest.raises(ReleaseError, match=rf"another run is at work .*{socket.gethostname()} \(process {other.pid}\)"):
        with second.held():
            pass
    assert str(other.pid) in told[0]
    threading.Timer(1, first.give_up, [Deadline(10)]).start()
    with lock_of(cluster, home, Holder.of_process(os.getpid()), 20).held() as waited:
        assert waited


def test_a_run_that_died_is_taken_over_from_at_once(
    cluster: Cluster, home: str, other: subprocess.Popen[bytes]
) -> None:
    with lock_of(cluster, home, Holder.of_process(other.pid)).held():
        pass
    other.kill()
    other.wait()
    started = time.monotonic()
    with lock_of(cluster, home, Holder.of_process(os.getpid())).held() as waited:
        assert not waited
    assert time.monotonic() - started < 10


def test_a_process_of_another_namespace_is_not_looked_up_in_ours(other: subprocess.Popen[bytes]) -> None:
    """Containers with the host's network have the host's name, and process numbers of their own."""
    ours = Holder.of_process(other.pid)
    ticks, _at, namespace = ours.started.partition("@")
    number, _dot, boot = namespace.partition(".")
    assert ticks.isdigit() and number == str(os.stat("/proc/self/ns/pid").st_ino)
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    other.kill()
    other.wait()
    assert ours.is_dead
    assert not dataclasses.replace(ours, started=f"{ticks}@1.{boot}").is_dead
    elsewhere = f"{ticks}@{number}.11111111-2222-4333-8444-555555555555"
    assert not dataclasses.replace(ours, started=elsewhere).is_dead, "another machine may have the same name"
    assert not dataclasses.replace(ours, started=ticks).is_dead, "the form of before does not tell"


@pytest.mark.parametrize(("age", "free"), [(10, False), (90, True)])
def test_a_run_of_another_machine_is_believed_until_its_lease_runs_out(
    cluster: Cluster, home: str, age: int, free: bool
) -> None:
    renewed = (datetime.now(UTC) - timedelta(seconds=age)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    spec = {"holderIdentity": "ann far pid 1 5", "leaseDurationSeconds": 60, "renewTime": renewed}
    cluster.apply(
        {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": NAME, "namespace": home}, "spec": spec},
        manager="test",
    )
    lock = lock_of(cluster, home, Holder.of_process(os.getpid()), 0.5)
    if free:
        with lock.held():
            assert lease(cluster, home)["spec"]["holderIdentity"] == str(lock.holder)
    else:
        with pytest.raises(ReleaseError, match="ann on far"):
            lock.await_others()


def held_by_ann(cluster: Cluster, home: str, renewed: str, seconds: int = 60) -> None:
    """The lease as a run on another machine writes it, with the time that its clock has."""
    spec = {"holderIdentity": "ann far pid 1 5", "leaseDurationSeconds": seconds, "renewTime": renewed}
    metadata = {"name": NAME, "namespace": home}
    cluster.create({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}, manager=MANAGER)


def test_a_run_with_a_slow_clock_is_believed(cluster: Cluster, home: str) -> None:
    """It renews its lease, at a time that has passed long since by our clock and the server's."""
    held_by_ann(cluster, home, "2020-01-01T00:00:00.000000Z")
    with pytest.raises(ReleaseError, match="ann on far"):
        lock_of(cluster, home, Holder.of_process(os.getpid()), 0.5).await_others()


def test_a_run_that_died_with_a_fast_clock_is_not_waited_for_until_its_time_comes(cluster: Cluster, home: str) -> None:
    held_by_ann(cluster, home, "2099-01-01T00:00:00.000000Z", seconds=2)
    with lock_of(cluster, home, Holder.of_process(os.getpid()), 20).held() as waited:
        assert waited


def test_our_own_clock_does_not_end_a_lease(cluster: Cluster, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fast(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=1)

    held_by_ann(cluster, home, "2020-01-01T00:00:00.000000Z")
    monkeypatch.setattr(run_lock, "datetime", Fast)
    lock = lock_of(cluster, home, Holder.of_process(os.getpid()), 0.5)
    with pytest.raises(ReleaseError, match="ann on far"), lock.held():
        pass


def test_of_two_that_come_at_once_one_gets_it(cluster: Cluster, home: str, other: subprocess.Popen[bytes]) -> None:
    inside: list[str] = []
    together: list[int] = []

    def work(holder: Holder) -> None:
        lock = lock_of(cluster, home, holder, 30)
        with lock.held():
            inside.append(str(holder))
            together.append(len(inside))
            time.sleep(0.5)
            inside.remove(str(holder))
        lock.give_up(Deadline(10))

    holders = [Holder.of_process(os.getpid()), Holder.of_process(other.pid)]
    threads = [threading.Thread(target=work, args=[holder]) for holder in holders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert together == [1, 1]


def test_a_run_that_changes_nothing_takes_no_lock(cluster: Cluster, home: str) -> None:
    lock = lock_of(cluster, home, Holder.of_process(os.getpid()))
    documents = [namespace(home), config_map("a", {"x": "1"})]
    present(cluster, home, documents, lock=lock)
    lock.give_up(Deadline(10))
    assert not present(cluster, home, documents, lock=lock).changed
    assert lease(cluster, home) is None


def test_a_run_that_waited_plans_anew(cluster: Cluster, home: str, other: subprocess.Popen[bytes]) -> None:
    documents = [namespace(home), config_map("a", {"x": "1"})]
    first = lock_of(cluster, home, Holder.of_process(other.pid))

    def finish() -> None:
        present(cluster, home, documents)
        first.give_up(Deadline(10))

    with first.held():
        threading.Timer(1, finish).start()
        outcome = present(cluster, home, documents, lock=lock_of(cluster, home, Holder.of_process(os.getpid()), 30))
    assert not outcome.changed


def test_a_removal_takes_the_lock_and_plans_once(
    proxied: Cluster, fault_proxy: FaultProxy, home: str, other: subprocess.Popen[bytes]
) -> None:
    present(proxied, home, [namespace(home), config_map("a", {"x": "1"})])
    lock = lock_of(proxied, home, Holder.of_process(os.getpid()))
    inventories = "/configmaps?labelSelector=serverless.selfhosted%2Frecord"
    fault_proxy.requests.clear()
    absent(proxied, home, check_mode=True, lock=lock)
    assert fault_proxy.writes == []
    fault_proxy.requests.clear()
    assert absent(proxied, home, lock=lock).changes
    # One look at which releases there are, and one plan
    assert sum(inventories in path for _method, path in fault_proxy.requests) == 2
    assert "/leases" in fault_proxy.writes[0][1], "before anything else is written"


def test_a_removal_that_finds_nothing_takes_no_lock(cluster: Cluster, home: str) -> None:
    assert not absent(cluster, f"{home}-2", lock=lock_of(cluster, home, Holder.of_process(os.getpid()))).changes
    assert lease(cluster, home) is None


def test_a_removal_that_waited_plans_anew_with_the_whole_time(
    cluster: Cluster, home: str, other: subprocess.Popen[bytes]
) -> None:
    """The other run lasts longer than the removal may, and leaves it something else to do."""
    present(cluster, home, [namespace(home), config_map("a", {})])
    first = lock_of(cluster, home, Holder.of_process(other.pid))

    def finish() -> None:
        present(cluster, home, [namespace(home), config_map("b", {})])
        first.give_up(Deadline(10))

    with first.held():
        threading.Timer(6, finish).start()
        lock = lock_of(cluster, home, Holder.of_process(os.getpid()), 30)
        # The lease lies outside of the namespace that goes, as it does in kube-system.
        plan = absent(cluster, home, seconds=5, lock=lock, keep=[{"kind": "Namespace"}])
    assert deleted(plan) == [f"ConfigMap {home}/b"]


def test_a_removal_that_is_in_the_way_of_another_run_waits_before_it_refuses(
    cluster: Cluster, home: str, other: subprocess.Popen[bytes]
) -> None:
    present(cluster, home, [namespace(home), config_map("a", {})])
    present(cluster, f"{home}-2", [config_map("b", {})], namespace=home, requires=(home,))
    first = lock_of(cluster, home, Holder.of_process(other.pid))

    def finish() -> None:
        absent(cluster, f"{home}-2")
        first.give_up(Deadline(10))

    with first.held():
        threading.Timer(2, finish).start()
        lock = lock_of(cluster, home, Holder.of_process(os.getpid()), 30)
        plan = absent(cluster, home, lock=lock, keep=[{"kind": "Namespace"}])
    assert deleted(plan) == [f"ConfigMap {home}/a"]


@pytest.mark.parametrize("ours", [True, False])
def test_a_run_that_waits_keeps_the_lock_that_it_has(
    cluster: Cluster, home: str, other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, ours: bool
) -> None:
    """A wait may last longer than the lease; a run without the lock does not come by it so."""
    monkeypatch.setattr(run_lock, "RENEW_EVERY", 0.2)
    mine, theirs = Holder.of_process(os.getpid()), Holder.of_process(other.pid)
    with lock_of(cluster, home, mine if ours else theirs).held():
        pass
    before = lease(cluster, home)["spec"]
    with lock_of(cluster, home, mine).kept():
        time.sleep(1)
    after = lease(cluster, home)["spec"]
    assert after["holderIdentity"] == before["holderIdentity"]
    assert (after["renewTime"] > before["renewTime"]) is ours


def test_a_wait_without_any_lock_takes_none(cluster: Cluster, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "RENEW_EVERY", 0.2)
    with lock_of(cluster, home, Holder.of_process(os.getpid())).kept():
        time.sleep(0.5)
    assert lease(cluster, home) is None
