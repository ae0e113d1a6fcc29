"""release_set as a user meets it: in a playbook, against a real API server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.collection import adopt
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.inventory import Inventory
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.ownership import ownership_labels
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.store import (
    delete_inventory,
    write_inventory,
)
from api_server import ApiServer
from fault_proxy import FaultProxy

ROOT = Path(__file__).resolve().parents[4]
SUPPORT = Path(__file__).parents[1] / "module_utils"
sys.path[:0] = [str(SUPPORT / part / "support") for part in ("content", "images")]

from layered_image import ARCHITECTURE, layer, push  # noqa: E402
from module_proxy import METRICS_SERVER, OPERATOR, ModuleProxy, module_zip  # noqa: E402
from registry_process import RegistryProcess  # noqa: E402

CHOOSE = {"selfhosted.serverless.release_set": None, "register": "__serverless_release"}


def play(
    tmp_path: Path,
    server: ApiServer,
    tasks: list[dict[str, Any]],
    environ: Mapping[str, str] = MappingProxyType({}),
    **variables: Any,
) -> tuple[int, str]:
    """Run tasks on localhost; return code and output."""
    content = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"serverless_context": "test", **variables},
            "tasks": tasks,
        }
    ]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(content))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "KUBECONFIG": str(server.kubeconfig),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GOMODCACHE": str(tmp_path / "no-modules"),
        **environ,
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(tmp_path / "play.yml")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_the_set_is_printed_once(tmp_path: Path, api_server: ApiServer) -> None:
    code, output = play(tmp_path, api_server, [CHOOSE, CHOOSE])
    assert code == 0, output
    assert output.count("releases for Kubernetes v1.") == 1
    assert "set knative-1.22, metrics-server 0.9.0, Istio 1.30.5, Knative Serving 1.22.1" in output


LOOK = {"selfhosted.serverless.release_set": {"platform": "auto"}, "register": "__serverless_release"}


def test_the_platform_is_one_table_with_how_each_fact_is_known(tmp_path: Path, api_server: ApiServer) -> None:
    """The rows of preflight stand first; a second task of the run has them from the first."""
    preflight = {
        "selfhosted.serverless.preflight": {"check_names": False, "timeout": 20},
        "register": "__serverless_cluster",
    }
    tell = {"ansible.builtin.debug": {"msg": "insecure: {{ __serverless_release.kubelet_insecure_tls }}"}}
    code, output = play(tmp_path, api_server, [preflight, LOOK, CHOOSE, LOOK, tell])
    assert code == 0, output
    lines = [line.strip() for line in output.splitlines()]
    start = next(number for number, line in enumerate(lines) if line.startswith("fact "))
    found = [line.split("  ")[0] for line in lines[start + 1 :] if line][:7]
    facts = ["cluster", "Kubernetes", "nodes", "image delivery", "metrics", "kubelet TLS", "gateway"]
    assert [word for word in found if word in facts] == [word for word in facts if word in found]
    assert found[0] == "cluster" and output.count("it is known") == 1
    assert "insecure: False" in output
    assert max(len(line) for line in output.splitlines() if "StorageClass" in line or "APIService" in line) <= 100


def test_the_platform_may_be_left_unasked(tmp_path: Path, api_server: ApiServer) -> None:
    code, output = play(tmp_path, api_server, [CHOOSE])
    assert code == 0 and "how it is known" not in output


@pytest.mark.parametrize(("said", "asks"), [("auto", False), ("always", True)])
def test_what_an_earlier_run_has_found_is_not_asked_again(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster, fault_proxy: FaultProxy, said: str, asks: bool
) -> None:
    """A metrics-server of ours stands with the flag; auto keeps it, without a request more than the choice needs."""
    template = {
        "metadata": {"labels": {"k8s-app": "metrics-server"}},
        "spec": {"containers": [{"name": "metrics-server", "image": "m:1", "args": ["--kubelet-insecure-tls"]}]},
    }
    item = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "metrics-server",
            "namespace": "kube-system",
            "labels": ownership_labels("metrics-server"),
        },
        "spec": {"selector": {"matchLabels": {"k8s-app": "metrics-server"}}, "replicas": 0, "template": template},
    }
    cluster.apply(item)
    write_inventory(cluster, Inventory("metrics-server", frozenset(), "0.9.0"), "kube-system", Deadline(10))
    task = {"selfhosted.serverless.release_set": {"platform": said}, "register": "__serverless_release"}
    tell = {"ansible.builtin.debug": {"msg": "insecure: {{ __serverless_release.kubelet_insecure_tls }}"}}
    try:
        code, output = play(tmp_path, api_server, [task, tell], {"KUBECONFIG": str(tmp_path / "proxied")})
    finally:
        delete_inventory(cluster, "metrics-server", "kube-system", Deadline(10))
        cluster.delete("apps/v1", "Deployment", "metrics-server", "kube-system")
    assert code == 0, output
    assert ("storage class" in output) is asks
    asked = [path.partition("?")[0].rpartition("/")[2] for _method, path in fault_proxy.requests]
    kinds = ["version", "configmaps", "deployments"]
    assert [word for word in asked if word not in ("api", "apis")][:3] == kinds, asked
    assert ("storageclasses" in asked) is asks and (len(asked) == 5) is not asks, asked
    assert "metrics-server of this collection" in output
    # Asked anew, no kubelet of this cluster can be: what cannot be asked is to be verified.
    assert f"insecure: {not asks}" in output


def test_the_roles_options_come_on_top(tmp_path: Path, api_server: ApiServer) -> None:
    code, output = play(
        tmp_path,
        api_server,
        [CHOOSE],
        serverless_release="knative-1.23",
        knative_eventing_version="1.23.4",
        knative_net_istio_version="1.23.7",
        metrics_server_version="0.9.2",
    )
    assert code == 0, output
    assert "metrics-server 0.9.2" in output and "net-istio 1.23.7, Knative Eventing 1.23.4" in output


@pytest.mark.parametrize("untried", [False, True])
def test_an_unknown_mix_is_refused_unless_it_is_asked_for(tmp_path: Path, api_server: ApiServer, untried: bool) -> None:
    code, output = play(
        tmp_path, api_server, [CHOOSE], knative_serving_version="1.15.2", serverless_release_untried=untried
    )
    assert (code == 0) is untried
    assert "knative_serving_version: 1.15.2 is not known to work" in " ".join(output.split())


@pytest.fixture
def stands(api_server: ApiServer) -> Iterator[Callable[[str, str], None]]:
    """Notes that a release of ours stands in a version, for the time of the test."""
    cluster = Cluster.connect("test", str(api_server.kubeconfig))
    noted = []

    def note(release: str, version: str) -> None:
        write_inventory(cluster, Inventory(release, version=version), "kube-system", Deadline(10))
        noted.append(release)

    yield note
    for release in noted:
        delete_inventory(cluster, release, "kube-system", Deadline(10))


def test_an_upgrade_is_named_and_auto_stays_with_what_is_newer(
    tmp_path: Path, api_server: ApiServer, stands: Callable[[str, str], None]
) -> None:
    stands("knative-serving", "1.22.1")
    code, output = play(tmp_path, api_server, [CHOOSE, CHOOSE], serverless_release="knative-1.23")
    assert code == 0, output
    assert output.count("upgrade: Knative Serving 1.22.1 → 1.23.0") == 1
    stands("knative-serving", "1.23.0")
    code, output = play(tmp_path, api_server, [CHOOSE])
    assert code == 0 and "set knative-1.23" in output and "upgrade:" not in output


@pytest.mark.parametrize(("standing", "said"), [
    ("1.19.9", "Knative Serving 1.19.9 cannot become 1.22.1: it is 3 minors on, and only one at a time may be taken"),
    ("1.23.0", "Knative Serving 1.23.0 cannot become 1.22.1: it is older"),
])  # fmt: skip
def test_a_step_that_is_too_wide_or_back_is_refused_before_anything_is_written(
    tmp_path: Path, api_server: ApiServer, stands: Callable[[str, str], None], standing: str, said: str
) -> None:
    stands("knative-serving", standing)
    code, output = play(tmp_path, api_server, [CHOOSE], serverless_release="knative-1.22")
    assert code != 0 and said in " ".join(output.split()), output
    # An archive for a later step may be made ahead
    code, output = play(
        tmp_path, api_server, [CHOOSE], serverless_release="knative-1.22", **{"__serverless_upgrade": False}
    )
    assert code == 0, output


def render_role(role: str) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": f"selfhosted.serverless.{role}", "tasks_from": "render"}}


@pytest.fixture
def proxy() -> Iterator[ModuleProxy]:
    server = ModuleProxy()
    yield server
    server.stop()


@pytest.fixture
def empty_site() -> Iterator[ModuleProxy]:
    """A server that has nothing of what it is asked for here."""
    server = ModuleProxy()
    server.status = 404
    yield server
    server.stop()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryProcess]:
    process = RegistryProcess(tmp_path / "registry")
    yield process
    process.stop()


@pytest.mark.parametrize(("role", "wanted"), [
    ("metrics_server", ["releases/download/v0.9.0/components.yaml"]),
    ("knative", ["knative-v1.22.1/serving-core.yaml", "knative.dev/operator@v0.49.3", "cmd/operator:v1.22.3"]),
    ("istio", ["istioctl-1.30.5-linux-amd64.tar.gz: no checksum", "docker.io/istio/istioctl:1.30.5"]),
])  # fmt: skip
def test_a_role_asks_the_sources_of_its_set_and_names_all_that_fail(
    tmp_path: Path,
    api_server: ApiServer,
    registry: RegistryProcess,
    empty_site: ModuleProxy,
    role: str,
    wanted: list[str],
) -> None:
    code, output = play(
        tmp_path,
        api_server,
        [render_role(role)],
        serverless_work_dir=str(tmp_path / "work"),
        serverless_content_mirrors={"https://": [f"{empty_site.url}/"]},
        serverless_go_proxy="off",
        serverless_images={
            "mode": "rewrite",
            "lock": str(tmp_path / "lock"),
            "mirrors": {"docker.io": [registry.host], "gcr.io": [registry.host]},
        },
    )
    assert code != 0
    assert role == "istio" or "GOPROXY says off" in output
    for text in wanted:
        assert text in output, output


# As istioctl answers to what the role asks of it
ISTIOCTL = b"""#!/bin/sh
test "$1 $2" = "manifest generate" || exit 1
printf "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: istio, namespace: istio-system}\\n"
"""


def test_where_an_image_mirror_and_a_module_proxy_alone_answer_no_pin_is_needed(
    tmp_path: Path, api_server: ApiServer, proxy: ModuleProxy, registry: RegistryProcess
) -> None:
    """Release sites are behind a proxy that is not there."""
    for module in (METRICS_SERVER, OPERATOR):
        module_zip(module)
    push(registry.host, "istio/istioctl", "1.30.5", [layer({"usr/local/bin/istioctl": ISTIOCTL})], ARCHITECTURE)
    arguments = {
        "tasks": [render_role(role) for role in ("metrics_server", "istio", "knative")],
        "environ": {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "GOPROXY": f"{proxy.url},direct"},
        "serverless_work_dir": str(tmp_path / "work"),
        "serverless_images": {
            "mode": "rewrite",
            "lock": str(tmp_path / "lock.yml"),
            "mirrors": {"docker.io": [registry.host], "gcr.io": [registry.host]},
        },
    }
    code, output = play(tmp_path, api_server, **arguments)
    assert code == 0, output
    rendered = {path.stem: path.read_text() for path in (tmp_path / "work").glob("*.yaml")}
    assert set(rendered) == {
        *("metrics_server", "istio"),
        *("knative_serving", "knative_serving_jobs"),
        *("knative_eventing", "knative_eventing_jobs"),
    }
    assert "registry.k8s.io/metrics-server/metrics-server:v0.9.0" in rendered["metrics_server"]
    assert "net-istio-controller" in rendered["knative_serving"]
    assert sorted(proxy.asked) == ["/knative.dev/operator/@v/v0.49.3.zip", "/sigs.k8s.io/metrics-server/@v/v0.9.0.zip"]
    assert "docker.io/istio/istioctl:1.30.5" in (tmp_path / "lock.yml").read_text()
    # All is kept: a second run asks nobody
    registry.stop()
    proxy.asked.clear()
    code, output = play(tmp_path, api_server, **arguments)
    assert code == 0, output
    assert not proxy.asked


def test_the_inventory_says_what_is_asked(
    tmp_path: Path, api_server: ApiServer, proxy: ModuleProxy, empty_site: ModuleProxy
) -> None:
    """serverless_content_places, serverless_go_proxy, serverless_content_directory."""
    module_zip(METRICS_SERVER)
    arguments = {
        "tasks": [render_role("metrics_server")],
        "serverless_work_dir": str(tmp_path / "work"),
        "serverless_content_mirrors": {"https://": [f"{empty_site.url}/"]},
        "serverless_go_proxy": proxy.url,
    }
    code, output = play(tmp_path, api_server, serverless_content_places=["image", "go_module"], **arguments)
    assert code == 0, output
    assert proxy.asked == ["/sigs.k8s.io/metrics-server/@v/v0.9.0.zip"]
    kept = str(tmp_path / "cache" / "selfhosted-serverless" / "downloads")
    arguments |= {"environ": {"XDG_CACHE_HOME": str(tmp_path / "cold")}, "serverless_content_places": ["url"]}
    code, output = play(tmp_path, api_server, **arguments)
    assert code != 0 and empty_site.asked[0].startswith("/github.com/kubernetes-sigs/metrics-server/")
    code, output = play(tmp_path, api_server, serverless_content_directory=kept, **arguments)
    assert code != 0, "a file in another form than those that are allowed"
    arguments["serverless_content_places"] = ["url", "go_module"]
    code, output = play(tmp_path, api_server, serverless_content_directory=kept, **arguments)
    assert code == 0, output
    assert len(proxy.asked) == 1


def test_an_archive_brings_the_release_files_to_where_there_is_no_network(
    tmp_path: Path, api_server: ApiServer, proxy: ModuleProxy, registry: RegistryProcess
) -> None:
    for module in (METRICS_SERVER, OPERATOR):
        module_zip(module)
    push(registry.host, "istio/istioctl", "1.30.5", [layer({"usr/local/bin/istioctl": ISTIOCTL})], ARCHITECTURE)
    roles = [render_role(role) for role in ("metrics_server", "istio", "knative")]
    archive, layout = str(tmp_path / "site.tar"), str(tmp_path / "layout")
    Layout.create(Path(layout))
    arguments = {
        "environ": {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "GOPROXY": proxy.url},
        "serverless_work_dir": str(tmp_path / "work"),
    }
    images = {"mode": "rewrite", "mirrors": {"docker.io": [registry.host], "gcr.io": [registry.host]}}
    bundle = {
        "path": archive,
        "layout": layout,
        "lock": "{{ serverless_images.lock }}",
        "content": "{{ __serverless_content_copy }}",
    }
    code, output = play(
        tmp_path,
        api_server,
        [*roles, {"selfhosted.serverless.image_bundle": bundle}],
        __serverless_content_copy=str(tmp_path / "copy"),
        serverless_images={**images, "lock": str(tmp_path / "here.yml")},
        **arguments,
    )
    assert code == 0, output
    registry.stop()
    proxy.stop()
    unpack = {
        "state": "unpacked",
        "path": archive,
        "layout": str(tmp_path / "there"),
        "lock": "{{ serverless_images.lock }}",
    }
    arguments["environ"] = {**arguments["environ"], "XDG_CACHE_HOME": str(tmp_path / "cold")}  # type: ignore[dict-item]
    there = {"serverless_images": {**images, "lock": str(tmp_path / "there.yml")}, **arguments}
    for changed in (1, 0):
        code, output = play(
            tmp_path,
            api_server,
            [{"selfhosted.serverless.image_bundle": unpack}, *roles],
            **there,  # type: ignore[arg-type]
        )
        assert code == 0, output
        assert f"changed={changed} " in output
    assert (tmp_path / "there.yml").read_text() == (tmp_path / "here.yml").read_text()
    [kept] = (tmp_path / "cold" / "selfhosted-serverless" / "downloads").glob("*-istioctl")
    assert kept.read_bytes() == ISTIOCTL


def test_a_changed_file_in_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / ("0" * 64)).write_text("something else")
    with pytest.raises(ContentError, match="not what its checksum says"):
        adopt(tmp_path / "content", Store(tmp_path / "store"))


@pytest.mark.parametrize("tags", ["image_prefetch", "registry_secret"])
def test_the_site_is_refused_before_anything_changes(tmp_path: Path, api_server: ApiServer, tags: str) -> None:
    (tmp_path / "hosts.yml").write_text(
        yaml.safe_dump({"clusters": {"hosts": {"test": {"serverless_kubeconfig": str(api_server.kubeconfig)}}}})
    )
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "playbooks" / "site.yml"),
        "-i", str(tmp_path / "hosts.yml"), "--tags", tags,
        "-e", "istio_version=1.2.3", "-e", f"ansible_python_interpreter={sys.executable}",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode != 0
    assert "istio_version: 1.2.3 is not known to work" in " ".join((done.stdout + done.stderr).split())
    assert "changed=0" in done.stdout


@pytest.mark.parametrize(
    ("said", "shown", "untold"),
    [
        ({}, "there is no APIService v1beta1.metrics.k8s.io", "metrics_server_kubelet_insecure_tls: true"),
        (
            {"metrics_server_kubelet_insecure_tls": True},
            "metrics_server_kubelet_insecure_tls: true",
            "kubelet could be",
        ),
        ({"metrics_server_kubelet_insecure_tls": "false"}, "metrics_server_kubelet_insecure_tls: false", "--kubelet-i"),
        ({"preflight_platform": "never"}, "releases for Kubernetes", "how it is known"),
    ],
)
def test_the_site_tells_the_platform_before_anything_changes(
    tmp_path: Path, api_server: ApiServer, said: dict[str, Any], shown: str, untold: str
) -> None:
    (tmp_path / "hosts.yml").write_text(
        yaml.safe_dump({"clusters": {"hosts": {"test": {"serverless_kubeconfig": str(api_server.kubeconfig), **said}}}})
    )
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "playbooks" / "site.yml"),
        "-i", str(tmp_path / "hosts.yml"), "--tags", "verify", "-e", "verify_at_end=none",
        "-e", f"ansible_python_interpreter={sys.executable}",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    words = " ".join(done.stdout.split())
    assert shown in words and untold not in words


@pytest.mark.parametrize(
    ("option", "asked", "accepted"),
    [("auto", True, True), ("auto", False, False), (True, False, True), ("true", False, True), ("false", True, False)],
)
def test_metrics_server_does_without_verified_kubelets_as_they_were_found_or_as_it_is_told(
    tmp_path: Path, api_server: ApiServer, option: bool | str, asked: bool, accepted: bool
) -> None:
    take = {"ansible.builtin.include_vars": {"file": str(ROOT / "roles" / "metrics_server" / "vars" / "main.yml")}}
    tell = {"ansible.builtin.debug": {"msg": "patches: {{ __metrics_server_overlays | to_json }}"}}
    code, output = play(
        tmp_path,
        api_server,
        [take, tell],
        metrics_server_kubelet_insecure_tls=option,
        metrics_server_requests={},
        metrics_server_overlays=[],
        __serverless_release={"kubelet_insecure_tls": asked},
    )
    assert code == 0 and "patches: " in output, output
    assert ("--kubelet-insecure-tls" in output) is accepted
