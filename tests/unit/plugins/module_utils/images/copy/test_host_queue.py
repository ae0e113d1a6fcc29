"""Jobs for hosts: caps kept, no host in the way of another, what follows is done, an error ends all."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.host_queue import Job, Limits, run_jobs


def test_a_full_host_holds_up_no_other() -> None:
    other = threading.Event()

    def wait_for_other() -> None:
        assert other.wait(20)

    jobs = [Job("full", wait_for_other) for _job in range(5)]
    run_jobs([*jobs, Job("free", other.set)], Limits(streams=3, per_host=2))


def test_what_follows_is_done_on_its_own_host() -> None:
    done: list[str] = []

    def first() -> Job:
        done.append("first")
        return Job("b", lambda: done.append("second"))

    run_jobs([Job("a", first)], Limits(streams=2, per_host=1))
    assert done == ["first", "second"]


def test_an_error_ends_all() -> None:
    done: list[int] = []

    def fail() -> None:
        raise ValueError("broken")

    jobs = [Job("a", fail), *(Job("a", lambda number=number: done.append(number)) for number in range(50))]
    with pytest.raises(ValueError, match="broken"):
        run_jobs(jobs, Limits(streams=1, per_host=1))
    assert not done


def test_no_jobs() -> None:
    run_jobs([], Limits())
