"""Real runs through a proxy that misbehaves: they end well, the second changes nothing, nothing is lost meanwhile."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import Site
from ..support.faults import FAULTS, ClassProxy
from ..support.runs import Lab, Run

RELEASE = str(Path(__file__).with_name("release.yml"))
REQUESTS = ("GET", "LIST", "PATCH", "DELETE", "WATCH")
# What every run of CI tries: those that once counted as "not there", and one of each other kind
ALWAYS = {
    ("GET", "3xx without a body"),
    ("GET", "empty 2xx"),
    ("LIST", "null"),
    ("PATCH", "reset after send"),
    ("DELETE", "null"),
    ("WATCH", "garbage body"),
}
CASES = [
    pytest.param(request, fault, id=f"{fault} to {request}", marks=marks)
    for request, fault in itertools.product(REQUESTS, FAULTS)
    for marks in [() if (request, fault) in ALWAYS else pytest.mark.acceptance]
]
SIZES = itertools.count(2)


@pytest.fixture(scope="module")
def proxy(lab_under_test: Lab) -> Iterator[ClassProxy]:
    started = ClassProxy(lab_under_test.directory, lab_under_test.address)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def through_proxy(site: Site, proxy: ClassProxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig that leads through the proxy."""
    return proxy.kubeconfig(site.directory / "kubeconfig", tmp_path_factory.mktemp("faults") / "kubeconfig")


@pytest.fixture(scope="module")
def release(site: Site, lab_under_test: Lab) -> Iterator[None]:
    """A release with a generated password, which also adopted an object of somebody else."""
    begin(site, lab_under_test)
    yield
    apply(lab_under_test, fault_state="absent")
    site.kubectl("delete", "configmap", "theirs", "-n", "default", "--ignore-not-found")
    site.kubectl("delete", "namespace", "fault-test", "--ignore-not-found", "--timeout=60s")


def begin(site: Site, lab: Lab) -> None:
    """Somebody's object, and the release that adopts it."""
    site.kubectl("create", "configmap", "theirs", "-n", "default", "--from-literal=colour=blue", check=False)
    done = apply(lab)
    assert done.code == 0, done.end()


def apply(lab: Lab, **variables: object) -> Run:
    return lab.run(RELEASE, "-e", json.dumps(variables))


def password(site: Site) -> str:
    return site.kubectl(
        "get", "secret", "password", "-n", "fault-test", "-o", "jsonpath={.data.password}{.metadata.uid}"
    )


def theirs(site: Site) -> dict[str, str]:
    return json.loads(site.kubectl("get", "configmap", "theirs", "-n", "default", "-o", "json"))["data"]


@pytest.mark.parametrize(("request_class", "fault"), CASES)
def test_a_run_survives(
    site: Site,
    lab_under_test: Lab,
    proxy: ClassProxy,
    through_proxy: Path,
    release: None,
    request_class: str,
    fault: str,
) -> None:
    wanted = {"fault_size": next(SIZES), "fault_state": "absent" if request_class == "DELETE" else "present"}
    before = password(site)
    proxy.inject(request_class, FAULTS[fault])
    faulty = apply(lab_under_test, fault_kubeconfig=str(through_proxy), **wanted)
    hits = list(proxy.hits)
    proxy.inject("", FAULTS[fault])
    second = apply(lab_under_test, **wanted)
    try:
        assert faulty.code == 0, faulty.end()
        assert hits, "no request met the fault"
        assert second.code == 0, second.end()
        assert second.changed == 0, second.end()
        assert theirs(site)["colour"] == "blue"
        if request_class == "DELETE":
            assert "size" not in theirs(site), "not given back"
            assert not site.kubectl("get", "namespace", "fault-test", "--ignore-not-found")
        else:
            assert theirs(site)["size"] == str(wanted["fault_size"])
            assert password(site) == before, "the password was made anew"
    finally:
        begin(site, lab_under_test)
