"""States that waiting cannot mend, on a real node: each is named within 15 s, and ends the wait where nothing helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from . import objects
from .conftest import Place
from .objects import Document, deployment, pod_spec, requests, workload

SOON = 15.0  # seconds
Make = Callable[[Place, str, str, Callable[[str, int, str], str]], list[Document]]


def with_secret(image: str) -> Document:
    return deployment(image, container={"envFrom": [{"secretRef": {"name": "absent"}}]})


def with_config_map(image: str) -> Document:
    volume = {"name": "settings", "configMap": {"name": "absent"}}
    mount = {"volumeMounts": [{"name": "settings", "mountPath": "/settings"}]}
    return deployment(image, volumes=[volume], container=mount)


def never_ready(image: str) -> Document:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1}
    return deployment(image, "sleep", "600", container={"readinessProbe": probe})


def ends_at_once(image: str) -> Document:
    """With minReadySeconds: without a probe it would be available for the moment that it runs."""
    return workload("Deployment", pod_spec(image, "python3", "-c", "raise SystemExit(3)"), minReadySeconds=5)


# What is made (the last object is waited for) -> words that must be said within 15 s. They end the wait.
ENDS: dict[str, tuple[Make, str]] = {
    "an image that is not there": (
        lambda place, pause, python, broken: [deployment(f"{place.site.address}:5000/registry.k8s.io/pause:none")],
        "not found",
    ),
    "a registry that says no": (
        lambda place, pause, python, broken: [deployment(broken("registry.k8s.io/pause:3", 403, 0))],
        "403 Forbidden",
    ),
    "a name that is none": (
        lambda place, pause, python, broken: [deployment("docker.io/library/Upper:1")],
        "InvalidImageName",
    ),
    "an image that shall never be pulled": (
        lambda place, pause, python, broken: [deployment("r.example/absent:1", container={"imagePullPolicy": "Never"})],
        "ErrImageNeverPull",
    ),
    "a command that is not in the image": (
        lambda place, pause, python, broken: [deployment(pause, "/nope")],
        "no such file or directory",
    ),
    "root where none may be": (
        lambda place, pause, python, broken: [
            deployment(python, "sleep", "600", securityContext={"runAsNonRoot": True})
        ],
        "runAsNonRoot",
    ),
    "more than any node has": (
        lambda place, pause, python, broken: [deployment(pause, container=requests(cpu="4000"))],
        "no node has more than",
    ),
    "a label that no node has": (
        lambda place, pause, python, broken: [deployment(pause, nodeSelector={"disk": "of-gold"})],
        "didn't match Pod's node affinity/selector",
    ),
    "a claim with a class that is not there": (
        lambda place, pause, python, broken: [objects.claim(storageClassName="of-gold"), objects.with_claim(pause)],
        "there is no storage class of-gold",
    ),
    "a pod below the namespace's security level": (
        lambda place, pause, python, broken: [
            objects.document("v1", "Namespace", place.name)
            | {"metadata": {"name": place.name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
            deployment(pause),
        ],
        "violates PodSecurity",
    ),
    "more than the LimitRange lets pass": (
        lambda place, pause, python, broken: [
            objects.limit_range(cpu="10m"),
            deployment(pause, container={"resources": {"limits": {"cpu": "1"}}}),
        ],
        "maximum cpu usage per Container is 10m",
    ),
    "a policy that lets nobody in": (
        lambda place, pause, python, broken: [*place.enforced(*objects.policy(place.name)), deployment(pause)],
        "nobody is let in here",
    ),
    "a quota that counts what the pod does not say": (
        lambda place, pause, python, broken: [
            objects.quota(**{"requests.cpu": "1"}),
            workload("StatefulSet", pod_spec(pause)),
        ],
        "must specify requests.cpu",
    ),
    "a job that fails": (
        lambda place, pause, python, broken: [objects.job(python, "python3", "-c", "raise SystemExit('no luck')")],
        "no luck",
    ),
}
# The same, but somebody or something may mend it: named within 15 s, and the wait goes on.
NAMED: dict[str, tuple[Make, str]] = {
    "a Secret that is not there": (
        lambda place, pause, python, broken: [with_secret(pause)],
        'secret "absent" not found',
    ),
    "a ConfigMap behind a volume": (
        lambda place, pause, python, broken: [with_config_map(pause)],
        'configmap "absent" not found',
    ),
    "a full quota": (
        lambda place, pause, python, broken: [objects.quota(pods="0"), deployment(pause)],
        "exceeded quota",
    ),
    "a full quota and a DaemonSet": (
        lambda place, pause, python, broken: [objects.quota(pods="0"), workload("DaemonSet", pod_spec(pause))],
        "exceeded quota",
    ),
    "a webhook whose server is away": (
        lambda place, pause, python, broken: [objects.webhook(place.name), deployment(pause)],
        "failed calling webhook",
    ),
    "a service account that is not there": (
        lambda place, pause, python, broken: [deployment(pause, serviceAccountName="absent")],
        'serviceaccount "absent" not found',
    ),
    "a program that ends at once": (
        lambda place, pause, python, broken: [ends_at_once(python)],
        "exit code 3",
    ),
    "a probe that never succeeds": (
        lambda place, pause, python, broken: [never_ready(python)],
        "Readiness probe failed",
    ),
}


@pytest.fixture
def no_default_class(place: Place) -> Iterator[None]:
    """The lab without a default storage class."""
    default = "storageclass.kubernetes.io/is-default-class"
    place.site.kubectl("annotate", "storageclass", "--all", "--overwrite", f"{default}=false")
    yield
    place.site.kubectl("annotate", "storageclass", "standard", "--overwrite", f"{default}=true")


@pytest.fixture
def make(place: Place, pause: str, python: str, broken_registry: Callable[[str, int, str], str]) -> Callable:
    def apply(recipe: Make) -> Document:
        made = recipe(place, pause, python, broken_registry)
        place.apply(*made)
        return made[-1]

    return apply


@pytest.mark.parametrize(("recipe", "words"), ENDS.values(), ids=ENDS.keys())
def test_it_ends_the_wait_soon(place: Place, make: Callable, recipe: Make, words: str) -> None:
    target = make(recipe)
    course = place.wait(target, "Complete" if target["kind"] == "Job" else "rollout", seconds=60)
    assert "cannot come true" in course.error and words in course.error
    assert course.seconds < SOON


@pytest.mark.parametrize(("recipe", "words"), NAMED.values(), ids=NAMED.keys())
def test_it_is_named_soon_and_waited_for(place: Place, make: Callable, recipe: Make, words: str) -> None:
    target = make(recipe)
    course = place.wait(target, seconds=16)
    assert course.first(words) < SOON
    assert "not fulfilled after 16 s" in course.error and words in course.error
    assert len(course.told) <= 12


def test_a_crash_loop_ends_the_wait_at_the_third_restart(place: Place, make: Callable) -> None:
    course = place.wait(make(NAMED["a program that ends at once"][0]), seconds=120)
    assert "cannot come true" in course.error and "3 restarts, exit code 3" in course.error


def test_a_claim_is_waited_for_by_itself(place: Place, no_default_class: None) -> None:
    claim = objects.claim()
    place.apply(claim)
    course = place.wait(claim, None, seconds=60, expression="status.phase == 'Bound'")
    assert "names no storage class" in course.error and course.seconds < SOON


def test_a_pod_with_a_claim_without_a_class(place: Place, pause: str, no_default_class: None) -> None:
    web = objects.with_claim(pause)
    place.apply(objects.claim(), web)
    course = place.wait(web)
    assert "names no storage class" in course.error and course.seconds < SOON


def test_the_module_says_it_too(place: Place, pause: str) -> None:
    place.apply(deployment(pause, nodeSelector={"disk": "of-gold"}))
    done = place.module(
        {"api_version": "apps/v1", "kind": "Deployment", "namespace": place.name, "name": "web", "condition": "rollout"}
    )
    assert done.returncode and "didn't match Pod's node affinity/selector" in done.stdout
    assert "cannot come true" in done.stdout
