"""The data of the sets against upstream's modules: every checksum is that of what the module holds."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import Access
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.sources import locate
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import (
    COMPONENTS,
    DATA,
    read_releases,
)
from module_proxy import ModuleProxy, module_zip, sum_of

ROOT = Path(__file__).resolve().parents[5]


def items() -> list[Any]:
    return [
        pytest.param(item, id=f"{component} {version} {item['name']}")
        for component, versions in read_releases().content.items()
        for version, parts in versions.items()
        for content in parts.values()
        for item in content
        if item.get("kind") != "istioctl"
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def proxy() -> Any:
    server = ModuleProxy()
    yield server
    server.stop()


@pytest.mark.parametrize("item", items())
def test_it_comes_out_of_its_module_with_its_checksum(
    item: dict[str, Any], store: Store, proxy: ModuleProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [module] = [source for source in item["sources"] if source.get("go_module")]
    module_zip(module["go_module"])
    assert module["sum"] == sum_of(module["go_module"])
    monkeypatch.setenv("GOMODCACHE", str(tmp_path))
    source = locate(item, Access(store, ("go_module",), go_proxy=proxy.url))
    assert source.digest == (module.get("sha256") or item["sha256"])


def test_each_file_is_of_the_version_that_it_stands_for() -> None:
    """net-istio's folder in the module is named by its minor alone."""
    for component, versions in read_releases().content.items():
        for version, parts in versions.items():
            for item in (item for part in parts.values() for item in part):
                for source in item["sources"]:
                    if source.get("go_module", "").startswith("knative.dev/operator@"):
                        directory = module_zip(source["go_module"]).parents[5] / source["go_module"]
                        text = (directory / source["path"]).read_text()
                        assert f'app.kubernetes.io/version: "{version}"' in text, (component, item["name"])


def test_every_item_has_a_source_behind_each_kind_of_network() -> None:
    for parameter in items():
        kinds = {
            key for source in parameter.values[0]["sources"] for key in ("url", "go_module", "image") if key in source
        }
        assert {"url", "go_module"} <= kinds
    for one in read_releases().sets.values():
        assert set(one.versions) == set(COMPONENTS)


def test_the_release_file_of_metrics_server_is_what_its_folder_builds() -> None:
    """So has its Makefile; the sum is the one that others have published for the release file."""
    [item] = read_releases().content["metrics_server"]["0.9.0"]["manifests"]
    assert item["sources"][0]["sha256"] == "1cec29a5267809306a2c6ec74a3e449abbb705b4a8beed0c8a1963910f72c79b"


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_has_the_versions_of_the_data(readme: str) -> None:
    text = (ROOT / readme).read_text()
    for name, one in read_releases().sets.items():
        [row] = [line for line in text.splitlines() if line.startswith(f"| `{name}`")]
        wanted = [one.oldest, one.newest, *(one.versions[component] for component in COMPONENTS if one.offered)]
        assert not [version for version in wanted if version not in row], row


def test_no_role_and_no_default_names_a_version() -> None:
    versions = {version for one in read_releases().sets.values() for version in one.versions.values()}
    for component in ("metrics_server", "istio", "knative", "serverless", "preflight"):
        for file in (ROOT / "roles" / component).rglob("*.yml"):
            if file != DATA:
                assert not [version for version in versions if version in file.read_text()], file


def test_the_tool_makes_the_shipped_set(tmp_path: Path) -> None:
    tool = tool_module()
    data = tmp_path / "releases.yml"
    shipped = yaml.safe_load(DATA.read_text())
    old = {**shipped["sets"][0], "name": "old", "versions": {**shipped["sets"][0]["versions"], "istio": "1.0.0"}}
    data.write_text(yaml.safe_dump({"sets": [old], "content": {"istio": {"1.0.0": {}, "0.9.0": {}}}}))
    tool.main([
        "knative-1.22", "--serving", "1.22.1", "--eventing", "1.22.2", "--net-istio", "1.22.1", "--operator", "0.49.3",
        "--metrics-server", "0.9.0", "--istio", "1.30.5", "--istio-module", "v0.0.0-20260826214018-9739e10eb9d7",
        "--kubernetes", "1.34", "1.37", "--also-istio", "1.31", "--data", str(data),
    ])  # fmt: skip
    made = yaml.safe_load(data.read_text())
    assert made["sets"] == [old, shipped["sets"][0]]
    assert set(made["content"]["istio"]) == {"1.0.0", "1.30.5"}  # what no set has any more is gone
    for component, version in shipped["sets"][0]["versions"].items():
        assert made["content"][component][version] == shipped["content"][component][version]
    done = subprocess.run([str(ROOT / ".venv/bin/yamllint"), str(data)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def tool_module() -> Any:
    spec = importlib.util.spec_from_file_location("release_set", ROOT / "tools" / "release_set.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
