"""Options that take a part away: what an earlier run brought goes, as from a list that shrinks."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "plugins" / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster  # noqa: E402
from api_server import ApiServer, running_api_server  # noqa: E402
from releases import config_map, definition, document, namespace  # noqa: E402
from standing import await_kind, inventory_of, live, stand, until, within  # noqa: E402

REGISTRY = {
    "serverless_registry": "registry.example:5001",
    "serverless_registry_username": "todo",
    "serverless_registry_password": {"value": "only-for-tests"},
}


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server:
        yield server


@pytest.fixture
def cluster(api_server: ApiServer) -> Cluster:
    return Cluster.connect("test", str(api_server.kubeconfig))


class Role:
    """Runs one role on the test's API server; gives the number of changed tasks and what was printed."""

    def __init__(self, directory: Path, server: ApiServer, role: str) -> None:
        self.directory = directory
        self.server = server
        self.role = role

    def run(self, check: bool = False, **variables: Any) -> tuple[int, str]:
        variables = {"serverless_context": "test", "serverless_kubeconfig": str(self.server.kubeconfig), **variables}
        variables["serverless_work_dir"] = str(self.directory / "work")
        task = {"ansible.builtin.include_role": {"name": f"selfhosted.serverless.{self.role}"}}
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": [task]}
        file = self.directory / "play.yml"
        file.write_text(yaml.safe_dump([play]))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "HOME": str(self.directory),
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(file), *(["--check"] if check else [])]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(command, **output, env=environment, check=False, timeout=120)
        assert done.returncode == 0, done.stdout
        return int(done.stdout.rpartition("changed=")[2].split()[0]), done.stdout


@pytest.fixture
def registry_secret(tmp_path: Path, api_server: ApiServer) -> Role:
    return Role(tmp_path, api_server, "registry_secret")


SMALLER: dict[str, dict[str, Any]] = {
    "no registry any more": {"serverless_registry": ""},
    "no namespace any more": {"registry_secret_namespaces": []},
    "another namespace": {"registry_secret_namespaces": ["other"]},
    "no service account any more": {"registry_secret_service_accounts": []},
    "another name": {"registry_secret_name": "another"},
    "switched off": {"registry_secret_state": "absent"},
}


@pytest.mark.parametrize("how", SMALLER)
def test_the_registry_secret_goes_with_what_asked_for_it(registry_secret: Role, cluster: Cluster, how: str) -> None:
    """The service account stays with what others set on it, and so does the namespace."""
    home = "home"
    cluster.apply(namespace(home), manager="someone")
    until(lambda: cluster.get("v1", "ServiceAccount", "default", home))
    theirs = within(document("v1", "ServiceAccount", "default"), home, labels={"theirs": "yes"})
    cluster.apply(theirs, manager="someone")
    wanted = {**REGISTRY, "registry_secret_namespaces": [home]}
    registry_secret.run(**wanted)
    uid = live(cluster, theirs)["metadata"]["uid"]
    assert live(cluster, theirs)["imagePullSecrets"] == [{"name": "registry"}]
    assert cluster.get("v1", "Secret", "registry", home)

    foreseen, printed = registry_secret.run(check=True, **{**wanted, **(smaller := SMALLER[how])})
    assert foreseen == 1 and "plan of release 'registry-secret'" in printed
    assert registry_secret.run(**{**wanted, **smaller})[0] == 1
    account = live(cluster, theirs)
    assert {"name": "registry"} not in account.get("imagePullSecrets", [])
    assert account["metadata"]["uid"] == uid and account["metadata"]["labels"]["theirs"] == "yes"
    assert bool(cluster.get("v1", "Secret", "registry", home)) is (how == "no service account any more")
    assert registry_secret.run(**{**wanted, **smaller})[0] == 0
    registry_secret.run(registry_secret_state="absent")
    assert inventory_of(cluster, "registry-secret") is None


def test_without_a_registry_from_the_start_nothing_is_touched(registry_secret: Role, cluster: Cluster) -> None:
    assert registry_secret.run()[0] == 0
    assert inventory_of(cluster, "registry-secret") is None


@pytest.mark.parametrize(
    "how", [{"image_prefetch_delivery": "references"}, {"image_prefetch_state": "absent"}], ids=str
)
def test_pods_that_keep_images_go_with_the_delivery_by_pods(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster, how: dict[str, str]
) -> None:
    pods = within(config_map("stands-for-pods", {}), "image-prefetch")
    stand(cluster, "image-prefetch", [namespace("image-prefetch"), pods])
    role = Role(tmp_path, api_server, "image_prefetch")
    few = {"image_prefetch_components": [], "image_prefetch_architectures": ["amd64"], **how}
    assert role.run(check=True, **few)[0] == 1
    assert role.run(**few)[0] == 1
    assert live(cluster, pods) is None and inventory_of(cluster, "image-prefetch") is None
    assert role.run(**few)[0] == 0


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used by others"])
def test_eventing_goes_when_it_is_not_wanted_any_more(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster, used: bool
) -> None:
    """Unless others have objects of its kinds: they are named, and nothing is changed."""
    group = "eventing.parts.example.org"
    stand(cluster, "knative-eventing", [namespace("knative-eventing"), definition(group, "Broker")])
    broker = within(document(f"{group}/v1", "Broker", "theirs"), "default")
    if used:
        await_kind(cluster, f"{group}/v1", "Broker")
        cluster.apply(broker, manager="someone")
    settings = [
        within(config_map(f"config-{part}", {}), "knative-serving") for part in ("domain", "network", "deployment")
    ]
    content = tmp_path / "serving.yaml"
    content.write_text(yaml.safe_dump_all([namespace("knative-serving"), *settings]))
    role = Role(tmp_path, api_server, "knative")
    pinned = {"path": str(content), "sha256": hashlib.sha256(content.read_bytes()).hexdigest()}
    wanted = {"knative_serving_content": [pinned], "knative_eventing": False}
    if used:
        with pytest.raises(AssertionError, match=f"Broker default/theirs .{group}"):
            role.run(**wanted)
        assert inventory_of(cluster, "knative-serving") is None and live(cluster, broker)
        cluster.delete(f"{group}/v1", "Broker", "theirs", "default")
    foreseen, printed = role.run(check=True, **wanted)
    assert foreseen == 2 and "plan of release 'knative-eventing', absent" in printed
    role.run(**wanted)
    assert cluster.get("v1", "Namespace", "knative-eventing") is None
    assert inventory_of(cluster, "knative-eventing") is None and inventory_of(cluster, "knative-serving")
    assert role.run(**wanted)[0] == 0
    assert role.run(knative_state="absent", **wanted)[0] == 1
