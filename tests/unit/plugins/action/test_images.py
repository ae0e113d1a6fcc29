"""The actions image_plan, image_push and image_deliver, run by ansible-playbook against a real registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

UNIT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(UNIT / "plugins" / "module_utils" / "images" / "support"))
sys.path.insert(0, str(UNIT / "plugins" / "support"))

from faulty_registry import FaultyRegistry, Handler  # noqa: E402
from plays import play  # noqa: E402
from registry_process import USERNAME, RegistryProcess  # noqa: E402
from sample_images import SampleImage  # noqa: E402
from throwaway_pki import Pki  # noqa: E402

PODS = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: todo}}
spec: {{template: {{spec: {{containers: [{{name: main, image: {image}}}]}}}}}}
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory):
    """A real registry with TLS and a password, and its settings as in serverless_images.registries."""
    directory = tmp_path_factory.mktemp("actions")
    pki = Pki(directory / "pki")
    process = RegistryProcess(directory / "registry", pki.server_certificate, pki.server_key)
    settings = {"ca_file": str(pki.ca_certificate), "username": USERNAME, "password": {"env": "TEST_REGISTRY_PASSWORD"}}
    yield process.host, {"registries": {process.host: settings}}
    process.stop()


def test_push_and_push_again(registry: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    host, policy = registry
    image = SampleImage(layer=b"pushed by the action" * 99)
    image.write(tmp_path / "layout")
    arguments = {"layout": str(tmp_path / "layout"), "image": f"{host}/todo/app:1", "images": policy}
    push = [{"selfhosted.serverless.image_push": arguments}]
    foreseen, _text = play(tmp_path, push, "-v", "--check")
    first, output = play(tmp_path, push, "-vvvv", "--diff")
    second, _text = play(tmp_path, push, "-v")
    assert [foreseen["changed"], first["changed"], second["changed"]] == [True, True, False]
    assert first["digest"] == second["digest"] == image.index.digest
    assert "test-only-password" not in output


def test_plan_prints_its_table_and_stops_at_what_is_missing(
    registry: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    host, policy = registry
    SampleImage(layer=b"planned" * 99).write(tmp_path / "layout")
    push = {"layout": str(tmp_path / "layout"), "image": f"{host}/docker.io/plan/app:1", "images": policy}
    manifests = tmp_path / "web.yaml"
    manifests.write_text(PODS.format(image="plan/app:1"))
    mirrored = {**policy, "mirrors": {"docker.io": [f"{host}/docker.io"]}, "mode": "rewrite"}
    arguments = {"manifests": [str(manifests)], "images": mirrored, "architectures": ["amd64"]}
    tasks = [{"selfhosted.serverless.image_push": push}, {"selfhosted.serverless.image_plan": arguments}]
    result, output = play(tmp_path, tasks, "-v")
    (row,) = result["table"]
    assert (row["image"], row["delivered"]) == ("docker.io/plan/app:1", f"{host}/docker.io/plan/app:1")
    assert "IMAGE " in output
    assert f"mirror {host}/docker.io" in output

    manifests.write_text(PODS.format(image="plan/gone:1"))
    result, _text = play(tmp_path, tasks[1:], "-v")
    assert result["missing"] == ["docker.io/plan/gone:1"]
    assert "1 of 1 images cannot be had; nothing was changed" in result["msg"]
    assert "needed by Deployment todo/web: main" in result["msg"]


def test_without_nodes_delivery_says_so(tmp_path: Path) -> None:
    result, output = play(tmp_path, [{"selfhosted.serverless.image_deliver": {"context": ""}}], "-v")
    assert result["nodes"] == []
    assert "image_prefetch_nodes is empty" in output


def test_a_node_that_does_not_answer_is_named_before_another_is_changed(tmp_path: Path) -> None:
    def node(name: str, *words: str) -> dict[str, Any]:
        return {"name": name, "exec": list(words), "certs_dir": str(tmp_path / name), "ctr": ["true"]}

    there, away = node("first", "env"), [node("second", "false"), node("third", str(tmp_path / "none"))]
    policy = {"mirrors": {"docker.io": ["m.example.com/docker.io"]}}
    common = {"context": "", "images": policy}

    def deliver(nodes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return play(tmp_path, [{"selfhosted.serverless.image_deliver": {**common, **more, "nodes": nodes}}], "-v")[0]

    result = deliver([there, *away])
    assert "node second: false " in result["msg"] and "node third: there is no command" in result["msg"]
    assert result["msg"].endswith("Nothing was changed on any node.") and not (tmp_path / "first").exists()
    assert deliver([there])["changed"] and (tmp_path / "first" / "docker.io" / "hosts.toml").exists()
    assert "node second: false " in deliver([there, *away], state="absent")["msg"]
    assert (tmp_path / "first" / "docker.io" / "hosts.toml").exists()
    assert deliver([there], state="absent")["changed"] and not (tmp_path / "first" / "docker.io").exists()


@pytest.mark.parametrize("mode", ["runtime", "rewrite"])
def test_fetch_sync_and_bundle(registry: tuple[str, dict[str, Any]], mode: str, tmp_path: Path) -> None:
    host, policy = registry
    app = f"docker.io/{mode}/app:1"
    image = SampleImage(b"bundled" * 1000)
    image.write(tmp_path / "layout")
    push = {"layout": str(tmp_path / "layout"), "image": f"{host}/{app}", "images": policy}
    mirrored = {**policy, "mirrors": {"docker.io": [f"{host}/docker.io"]}, "mode": mode}
    plan = {"extra": [app], "context": "", "images": mirrored, "lock": str(tmp_path / "images.lock.yml")}
    common = {"plan": "{{ plan.table }}", "layout": str(tmp_path / "store"), "images": mirrored}
    begin = [
        {"selfhosted.serverless.image_push": push},
        {"selfhosted.serverless.image_plan": plan, "register": "plan"},
    ]
    fetch = {"selfhosted.serverless.image_fetch": {**common, "parallel": 2, "parallel_per_host": 1}}
    sync = {"selfhosted.serverless.image_sync": {**common, "to": f"{host}/own"}}
    bundle = {
        "selfhosted.serverless.image_bundle": {
            "path": str(tmp_path / "site.tar"),
            "layout": str(tmp_path / "store"),
            "names": "{{ fetched.images }}",
            "lock": str(tmp_path / "images.lock.yml"),
        }
    }

    result, _output = play(tmp_path, [*begin, fetch], "-v", "--check")
    # Nothing was pushed in check mode, so the plan stops.
    assert app in result["msg"]
    play(tmp_path, begin, "-v")
    result, _output = play(tmp_path, [*begin, fetch], "-v", "--check")
    assert result["changed"] and not (tmp_path / "store").exists()
    result, _output = play(tmp_path, [*begin, fetch], "-v")
    assert result["fetched"] == [app] and result["bytes"] > 7000
    result, _output = play(tmp_path, [*begin, fetch], "-v")
    assert not result["changed"]

    result, _output = play(tmp_path, [*begin, sync], "-v", "--check")
    assert result["copied"] == [app] and result["bytes"] == 0
    result, _output = play(tmp_path, [*begin, sync], "-v")
    assert result["images"] == {app: f"{host}/own/{app}"}
    assert f"    docker.io: [{host}/own/docker.io]" in result["variables"]
    result, _output = play(tmp_path, [*begin, sync], "-v")
    assert not result["changed"]

    result, _output = play(tmp_path, [*begin, {**fetch, "register": "fetched"}, bundle], "-v")
    assert result["changed"] and result["images"] == [app]
    unpack = {"state": "unpacked", "path": str(tmp_path / "site.tar"), "layout": str(tmp_path / "offline")}
    offline = {"extra": [app], "context": "", "images": {}, "layout": str(tmp_path / "offline")}
    tasks = [{"selfhosted.serverless.image_bundle": unpack}, {"selfhosted.serverless.image_plan": offline}]
    result, _output = play(tmp_path, tasks, "-v")
    assert result["table"][0]["digest"] == image.index.digest
    unpack["path"] = str(tmp_path / "none.tar")
    result, _output = play(tmp_path, tasks, "-v")
    assert "images_verb=bundle" in result["msg"]


def test_the_lock_and_its_updates(registry: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    host, policy = registry
    SampleImage(b"locked" * 100).write(tmp_path / "layout")
    push = {"layout": str(tmp_path / "layout"), "image": f"{host}/docker.io/locked/app:1", "images": policy}
    mirrored = {**policy, "mirrors": {"docker.io": [f"{host}/docker.io"]}}
    plan = {"extra": ["locked/app:1"], "context": "", "images": mirrored, "lock": str(tmp_path / "images.lock.yml")}
    tasks = [{"selfhosted.serverless.image_push": push}, {"selfhosted.serverless.image_plan": plan}]
    play(tmp_path, tasks[:1], "-v")

    plan["lock_update"] = "none"
    result, _output = play(tmp_path, tasks, "-v")
    assert "locked/app:1: new" in result["msg"] and "lock_update is none" in result["msg"]
    plan["lock_update"] = "missing"
    result, output = play(tmp_path, tasks, "-v", "--check", "--diff")
    assert result["changed"] and not (tmp_path / "images.lock.yml").exists()
    assert "+  docker.io/locked/app:1:" in output
    assert play(tmp_path, tasks, "-v")[0]["changed"]
    assert not play(tmp_path, tasks, "-v")[0]["changed"]

    SampleImage(b"another" * 100).write(tmp_path / "other")
    push["layout"] = str(tmp_path / "other")
    plan["lock_update"] = "all"
    result, output = play(tmp_path, tasks, "-v")
    assert result["changed"] and "lock: docker.io/locked/app:1: sha256:" in output


def test_what_a_registry_repeats_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("canary-5f20")
    SampleImage().write(tmp_path / "layout")
    registry = FaultyRegistry()

    def guard(handler: Handler) -> bool:
        sent = handler.headers.get("Authorization", "")
        if not sent:
            return handler.reply(401, b"", {"WWW-Authenticate": "Basic"}) or True
        return handler.reply(403, f"who is {sent}, canary-5f20? /x?X-Amz-Signature=canary".encode()) or True

    registry.guard = guard
    try:
        settings = {"username": "me", "password": {"file": str(tmp_path / "password")}}
        arguments = {
            "layout": str(tmp_path / "layout"),
            "image": f"{registry.host}/todo/app:1",
            "images": {"registries": {registry.host: settings}},
        }
        result, output = play(tmp_path, [{"selfhosted.serverless.image_push": arguments}], "-vvvv", "--diff")
    finally:
        registry.stop()
    assert "403 who is ***, ***? /x?***" in result["msg"]
    assert "canary" not in output and "bWU6Y2FuYXJ5LTVmMjA" not in output
