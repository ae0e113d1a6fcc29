"""What the base of all actions does for them, seen in plays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer
from plays import play


def waiting(**options: Any) -> dict[str, Any]:
    target = {"api_version": "v1", "kind": "Namespace", "name": "default"}
    return {"selfhosted.serverless.wait": {"for": [target], "timeout": 10, **options}}


def run(directory: Path, task: dict[str, Any], *options: str, **variables: Any) -> tuple[dict[str, Any], str]:
    return play(directory, [{**task, "vars": variables}], "-v", *options)


def test_the_inventory_says_the_context_once(api_server: ApiServer, tmp_path: Path) -> None:
    variables = {"serverless_kubeconfig": "{{ folder }}/admin", "folder": str(tmp_path)}
    api_server.write_kubeconfig(tmp_path / "admin", api_server.url)
    result, _output = run(tmp_path, waiting(), serverless_context="{{ 'te' ~ 'st' }}", **variables)
    assert result["ready"] == ["Namespace default: exists"]
    result, _output = run(tmp_path, waiting(context="test"), serverless_context="other", **variables)
    assert result["ready"] == ["Namespace default: exists"]
    result, _output = run(tmp_path, waiting(), **variables)
    assert "there is no context 'localhost'" in result["msg"]


def role(name: str) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": f"selfhosted.serverless.{name}"}}


def test_a_role_runs_alone(api_server: ApiServer, cluster: Cluster, name: str, tmp_path: Path) -> None:
    _result, output = run(
        tmp_path,
        role("registry_secret"),
        serverless_context="test",
        serverless_kubeconfig=str(api_server.kubeconfig),
        serverless_registry="r.example",
        serverless_registry_username="u",
        serverless_registry_password={"value": "p"},
        todo_namespace=name,
    )
    assert "failed=0" in output
    secret = cluster.get("v1", "Secret", "registry", name)
    assert secret and secret["type"] == "kubernetes.io/dockerconfigjson"


def test_preflight_names_what_replaced_a_former_option(api_server: ApiServer, tmp_path: Path) -> None:
    variables = {"serverless_kubeconfig": str(api_server.kubeconfig), "istio_context": "test"}
    result, _output = run(tmp_path, role("preflight"), **variables)
    assert "istio_context is no option of any role any more; write serverless_context" in result["msg"]


def test_module_defaults_come_before_the_variables(api_server: ApiServer, tmp_path: Path) -> None:
    defaults = {"group/selfhosted.serverless.cluster": {"context": "test", "kubeconfig": str(api_server.kubeconfig)}}
    task = {**waiting(), "module_defaults": defaults}
    result, _output = run(tmp_path, task, serverless_context="other", serverless_kubeconfig="/nowhere")
    assert result["ready"] == ["Namespace default: exists"]


def test_a_failure_begins_with_the_context(api_server: ApiServer, tmp_path: Path) -> None:
    result, output = run(tmp_path, waiting(context="gone", kubeconfig=str(api_server.kubeconfig)))
    assert result["msg"].startswith("context 'gone': ")
    assert "Traceback" not in output


@pytest.mark.parametrize("said", ["false", "no", "off", "0"])
def test_a_boolean_given_as_text_means_what_it_says(tmp_path: Path, said: str) -> None:
    file = {"path": "a", "content": "not to be seen", "secret": "{{ said }}"}
    task = {"selfhosted.serverless.lab_files": {"directory": str(tmp_path), "files": [file]}}
    _result, output = run(tmp_path, task, "--diff", said=said)
    assert "+not to be seen" in output


def test_a_difference_is_shown_only_where_it_is_asked_for(tmp_path: Path) -> None:
    task = {"selfhosted.serverless.lab_files": {"directory": str(tmp_path), "files": [{"path": "a", "content": "b"}]}}
    result, _output = run(tmp_path, task, "--check")
    assert result["changed"] is True and "diff" not in result


def test_dates_in_documents_stay_as_they_are_written(tmp_path: Path) -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"day": "{{ day }}"}}
    task = {"selfhosted.serverless.render": {"dest": str(tmp_path / "out.yaml"), "definitions": [document]}}
    run(tmp_path, task, day="2024-02-29")
    assert "2024-02-29" in (tmp_path / "out.yaml").read_text()


@pytest.mark.parametrize(("hosts", "whose"), [("one,two", ["one: ", "two: "]), ("one", [""])])
def test_lines_of_several_hosts_begin_with_the_host(
    api_server: ApiServer, tmp_path: Path, hosts: str, whose: list[str]
) -> None:
    place = {"context": "test", "kubeconfig": str(api_server.kubeconfig)}
    _result, output = play(tmp_path, [{"selfhosted.serverless.release_set": place}], "-v", hosts=hosts)
    for host in whose:
        assert f"\n  {host}releases for Kubernetes v1.36." in output
