"""The specification's own suite against the lab's registry: what the client relies on holds there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conformance_suite import Results, run_suite
from recording_proxy import RecordingProxy
from registry_process import RegistryProcess
from wire_table import OPERATIONS

# What distribution 3.1 does not have, and the client does not use: sha512, referrers and subjects (its issue 3716),
# layers that are nowhere; it is the reason of every test that fails.
UNUSED = re.compile(r"sha512|referrers|-subject/|^non-distributable-layers/")


@pytest.fixture(scope="module")
def direct(mirror: RegistryProcess, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run_suite(mirror.host, tmp_path_factory.mktemp("suite"))


def test_all_that_the_client_relies_on_holds(direct: Results) -> None:
    relied_on = {name for operation in OPERATIONS for name in operation.needs}
    assert sorted(relied_on - direct.passed) == []


def test_only_what_is_not_used_fails(direct: Results) -> None:
    assert sorted(name for name in direct.failed if not UNUSED.search(name)) == []
    assert len(direct.passed) >= 200


def test_the_suite_sees_no_proxy(mirror: RegistryProcess, direct: Results, tmp_path: Path) -> None:
    proxy = RecordingProxy(mirror.host)
    try:
        assert run_suite(proxy.host, tmp_path) == direct
        assert len(proxy.exchanges) > 500
    finally:
        proxy.stop()
