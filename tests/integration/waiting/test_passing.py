"""Troubles that pass, on a real node: the wait tells them, and is there when they are over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from . import objects
from .conftest import Course, Place
from .objects import deployment, document


@contextmanager
def later(seconds: float, act: Callable[..., Any], *args: Any) -> Iterator[None]:
    """Do something in so many seconds; its failure is the test's."""
    failures: list[BaseException] = []

    def run() -> None:
        time.sleep(seconds)
        try:
            act(*args)
        except BaseException as error:  # pytest.fail raises no Exception
            failures.append(error)

    worker = threading.Thread(target=run)
    worker.start()
    try:
        yield
    finally:
        worker.join()
    assert not failures, failures


def survived(course: Course, words: str, at_least: float) -> None:
    assert not course.error, course.error
    assert course.seconds >= at_least
    assert course.first(words) < 15, course.told


def test_a_registry_that_answers_503_for_20_s(place: Place, pause: str, broken_registry: Callable) -> None:
    web = deployment(broken_registry(pause.partition("/")[2], 503, 20))
    place.apply(web)
    survived(place.wait(web, seconds=120), "503 Service Unavailable", 18)


def test_a_registry_that_answers_429_for_20_s(place: Place, pause: str, broken_registry: Callable) -> None:
    web = deployment(broken_registry(pause.partition("/")[2], 429, 20))
    place.apply(web)
    survived(place.wait(web, seconds=120), "429 Too Many Requests", 18)


@pytest.mark.parametrize("mode", ["Immediate", "WaitForFirstConsumer"])
def test_a_claim_that_is_provisioned_for_30_s(place: Place, pause: str, mode: str) -> None:
    name = place.name
    kind = document("storage.k8s.io/v1", "StorageClass", name, provisioner="slow.example.org", volumeBindingMode=mode)
    place.apply(kind, objects.claim(storageClassName=name))
    web = objects.with_claim(pause)
    place.apply(web)

    def provision() -> None:
        place.apply(
            document("v1", "PersistentVolume", name)
            | {
                "spec": {
                    "capacity": {"storage": "1Mi"},
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": name,
                    "hostPath": {"path": "/tmp"},
                    "claimRef": {"namespace": name, "name": "data"},
                }
            }
        )

    with later(30, provision):
        course = place.wait(web, seconds=120)
    survived(course, "slow.example.org", 28)


def test_a_node_that_is_cordoned_and_freed(place: Place, pause: str) -> None:
    web = deployment(pause)
    node = place.site.objects("nodes")[0]["metadata"]["name"]
    place.site.kubectl("cordon", node)
    with later(25, place.site.kubectl, "uncordon", node):
        place.apply(web)
        course = place.wait(web, seconds=120)
    survived(course, "cordon", 20)


def test_a_webhook_that_is_away_for_10_s(place: Place, pause: str) -> None:
    hook = objects.webhook(place.name)
    web = deployment(pause)
    place.apply(hook, web)
    with later(10, place.remove, hook):
        course = place.wait(web, seconds=120)
    survived(course, "failed calling webhook", 9)


def test_a_quota_that_is_raised(place: Place, pause: str) -> None:
    web = deployment(pause)
    place.apply(objects.quota(pods="0"), web)
    with later(20, place.apply, objects.quota(pods="5")):
        course = place.wait(web, seconds=120)
    survived(course, "exceeded quota", 18)


def test_an_api_server_that_is_slow(place: Place, pause: str) -> None:
    """It stands still most of the time."""
    web = deployment(pause, initContainers=[{"name": "first", "image": pause, "restartPolicy": "Always"}])
    place.apply(web)

    def slow_down() -> None:
        for _turn in range(6):
            place.control("signal", "STOP", "kube-apiserver")
            try:
                time.sleep(3)
            finally:
                place.control("signal", "CONT", "kube-apiserver")
            time.sleep(0.5)

    with later(0, slow_down):
        time.sleep(0.5)
        course = place.wait(web, seconds=120)
    assert not course.error, course.error


def test_a_secret_that_comes_late(place: Place, pause: str) -> None:
    web = deployment(pause, container={"envFrom": [{"secretRef": {"name": "late"}}]})
    place.apply(web)
    with later(25, place.apply, document("v1", "Secret", "late", stringData={"a": "b"})):
        course = place.wait(web, seconds=120)
    survived(course, 'secret "late" not found', 20)
