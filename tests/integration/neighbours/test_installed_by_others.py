"""A metrics-server that somebody applied by kubectl: it is used, never changed and never removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ..conftest import Site
from ..support.neighbours import Neighbours
from ..support.runs import Lab

pytestmark = pytest.mark.acceptance

PRESENT = ("site.yml", "--tags", "metrics_server")
ABSENT = ("playbooks/uninstall.yml", "--tags", "metrics_server")


@pytest.fixture(scope="module")
def theirs(site: Site, lab_under_test: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    """Their metrics-server, which answers."""
    delivered = lab_under_test.run("site.yml", "--tags", "image_prefetch")
    assert delivered.code == 0, delivered.end()
    file = tmp_path_factory.mktemp("theirs") / "metrics_server.yaml"
    documents = yaml.safe_load_all((site.directory / "work" / "metrics_server.yaml").read_text())
    file.write_text(yaml.safe_dump_all(document for document in documents if document))
    empty = lab_under_test.listing()
    neighbours = Neighbours(site, lab_under_test)
    neighbours.put(Path(file))
    site.kubectl("wait", "apiservice/v1beta1.metrics.k8s.io", "--for=condition=Available", "--timeout=120s")
    yield neighbours
    neighbours.remove(empty)
    lab_under_test.run("playbooks/uninstall.yml", "--tags", "metrics_server,image_prefetch")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(PRESENT, 0, id="used where it serves"),
        pytest.param((*PRESENT, "-e", "metrics_server_existing=stop"), 2, id="a reason to stop"),
        pytest.param(
            (*PRESENT, "-e", '{"metrics_server_requests": {"cpu": "11m", "memory": "60Mi"}}'), 0, id="changed"
        ),
        pytest.param(ABSENT, 0, id="absent"),
    ],
)
def test_it_stays_as_it_is(theirs: Neighbours, lab_under_test: Lab, arguments: tuple[str, ...], code: int) -> None:
    run = lab_under_test.run(*arguments)
    assert not theirs.complaints()
    assert run.code == code, run.end()
    assert not run.writes
    if code:
        assert "metrics-server" in run.output and "metrics_server_existing" in run.output, run.end()
