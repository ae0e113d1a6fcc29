"""Building with the real Go: a module of our own that depends on nothing."""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build import Builder, BuildResult
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import parse_catalogue
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabBuildError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.go_command import GoCommand
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.toolchain import (
    choose_toolchain,
    install_toolchain,
)

MAIN = 'package main\n\nvar version = "unset"\n\nfunc main() { print(version) }\n'
HELLO = {"go": {"builds": [{"packages": {"hi": "./cmd/hello"}}], "variables": {"main.version": "v1.2.3"}}}


def silent(_line: str) -> None:
    """A report that nobody reads."""


@pytest.fixture(scope="module")
def go() -> Path:
    """The Go that the lab would use; the wheel's comes out of the user's cache or goes into it."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return install_toolchain(choose_toolchain((1, 25, 0)), BuildCache(base / "selfhosted-serverless"), silent)


@pytest.fixture
def sources(tmp_path: Path, go: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources of the component hello, with that Go on the path."""
    monkeypatch.setenv("PATH", f"{go.parent}:{os.environ['PATH']}")
    module = tmp_path / "sources" / "hello"
    (module / "cmd" / "hello").mkdir(parents=True)
    (module / "go.mod").write_text("module example.com/hello\n\ngo 1.25.0\n")
    (module / "go.sum").write_text("")
    (module / "cmd" / "hello" / "main.go").write_text(MAIN)
    return module.parent


def build(sources: Path, catalogue: dict, *, only_look: bool = False) -> tuple[BuildResult, list[str]]:
    lines: list[str] = []
    builder = Builder(BuildCache(sources.parent / "cache"), sources, lines.append)
    return builder.run(list(parse_catalogue(catalogue).values()), only_look=only_look), lines


def test_a_component_is_built_once_under_the_name_of_the_catalogue(sources: Path) -> None:
    result, lines = build(sources, {"hello": HELLO})
    program = Path(result.directories["hello"], "hi")
    assert subprocess.run([program], capture_output=True, text=True, check=True).stderr == "v1.2.3"
    assert [path.name for path in program.parent.iterdir()] == ["hi"]
    assert result.built == ["hello"] and list(result.seconds) == ["hello"]
    assert [re.sub(r"\d+ s", "N s", line) for line in lines] == [
        "hello (1 of 1): building hi",
        "hello (1 of 1): hi built after N s (1 of 1)",
        "hello (1 of 1): ready after N s",
    ]
    again, lines = build(sources, {"hello": HELLO})
    assert (again.built, again.cached, lines, again.directories) == ([], ["hello"], [], result.directories)


def test_the_tests_of_a_package_become_a_program(sources: Path) -> None:
    code = 'package main\n\nimport "testing"\n\nfunc TestVersion(t *testing.T) { t.Log(version) }\n'
    (sources / "hello" / "cmd" / "hello" / "main_test.go").write_text(code)
    tests = {"tests": {"hi.test": "./cmd/hello"}}
    entry = {"go": {**HELLO["go"], "builds": [tests, *HELLO["go"]["builds"]]}}
    result, lines = build(sources, {"hello": entry})
    program = Path(result.directories["hello"], "hi.test")
    said = subprocess.run([program, "-test.v"], capture_output=True, text=True, check=True).stdout
    assert "--- PASS: TestVersion" in said
    assert sorted(path.name for path in program.parent.iterdir()) == ["hi", "hi.test"]
    assert any("hi.test built" in line for line in lines)


def test_a_failure_in_tests_ends_with_what_go_said(sources: Path) -> None:
    (sources / "hello" / "cmd" / "hello" / "main_test.go").write_text("package main\n\nfunc test() { nothing() }\n")
    with pytest.raises(LabBuildError, match=r"go test in .*hello failed.\n(.*\n)*.*undefined: nothing"):
        build(sources, {"hello": {"go": {"builds": [{"tests": {"hi.test": "./cmd/hello"}}]}}})


def test_looking_builds_nothing_and_names_the_same_directory(sources: Path) -> None:
    looked, _lines = build(sources, {"hello": HELLO}, only_look=True)
    assert looked.built == ["hello"] and not (sources.parent / "cache").exists()
    assert build(sources, {"hello": HELLO})[0].directories == looked.directories


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "cmd/hello/main.go"])
def test_a_change_of_the_module_is_a_new_key(sources: Path, file: str) -> None:
    before, _lines = build(sources, {"hello": HELLO}, only_look=True)
    with (sources / "hello" / file).open("a") as text:
        text.write("// changed\n")
    assert build(sources, {"hello": HELLO}, only_look=True)[0].directories != before.directories


def test_a_test_of_the_module_is_no_part_of_the_key(sources: Path) -> None:
    before, _lines = build(sources, {"hello": HELLO}, only_look=True)
    (sources / "hello" / "cmd" / "hello" / "main_test.go").write_text("package main\n")
    assert build(sources, {"hello": HELLO}, only_look=True)[0].directories == before.directories


def test_a_build_failure_ends_with_what_go_said(sources: Path) -> None:
    (sources / "hello" / "cmd" / "hello" / "main.go").write_text("package main\n\nfunc main() { nothing() }\n")
    with pytest.raises(LabBuildError, match=r"go build in .*hello failed.\n(.*\n)*.*undefined: nothing"):
        build(sources, {"hello": HELLO})


def test_a_component_without_a_module_is_named(sources: Path) -> None:
    with pytest.raises(LabBuildError, match=r"There is no .*other/go.mod"):
        build(sources, {"other": HELLO})


def test_a_proxy_out_of_reach_is_explained(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("GOMODCACHE", str(sources.parent / "modules"))
    entry = {"modules": {"x": {"path": "example.com/x", "version": "v1.0.0", "sum": "h1:x"}}}
    with pytest.raises(LabBuildError, match="Set GOPROXY"):
        build(sources, {"content": entry})


@pytest.fixture
def published(sources: Path, go: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the only module proxy has the versions of example.com/x."""
    proxy = sources.parent / "proxy"
    monkeypatch.setenv("GOPROXY", proxy.as_uri())
    monkeypatch.setenv("GONOSUMDB", "example.com/*")
    monkeypatch.setenv("GOMODCACHE", str(sources.parent / "modules"))
    environment = GoCommand(go).environment()
    yield proxy / "example.com" / "x" / "@v"
    subprocess.run([str(go), "clean", "-modcache"], env=environment, cwd="/", check=True)


def test_modules_are_linked_if_their_hash_is_the_pinned_one(sources: Path, published: Path) -> None:
    publish(published)
    entry = {"path": "example.com/x", "version": "v1.0.0", "sum": "h1:wrong"}
    with pytest.raises(LabBuildError, match="but h1:wrong is pinned") as caught:
        build(sources, {"content": {"modules": {"x": entry}}})
    entry["sum"] = re.search(r"hash (h1:\S+),", str(caught.value))[1]
    result, _lines = build(sources, {"content": {"modules": {"x": entry}}})
    assert Path(result.directories["content"], "x", "data.yaml").read_text() == "a: 1\n"


def test_programs_in_c_are_compiled_out_of_their_module(sources: Path, published: Path) -> None:
    files = {
        "src/main.c": "int said(void); int main(void) { return said(); }",
        "src/said.c": "int said(void) { return SAID; }",
    }
    publish(published, files)
    module = {"path": "example.com/x", "version": "v1.0.0", "sum": "h1:wrong"}
    entry = {"module": module, "programs": {"thing": "src"}, "flags": ["-DSAID=7"]}
    with pytest.raises(LabBuildError, match="but h1:wrong is pinned") as caught:
        build(sources, {"thing": {"c": entry}})
    module["sum"] = re.search(r"hash (h1:\S+),", str(caught.value))[1]
    result, _lines = build(sources, {"thing": {"c": entry}})
    assert subprocess.run([Path(result.directories["thing"], "thing")], check=False).returncode == 7
    with pytest.raises(LabBuildError, match="(?s)cc failed.*SAID"):
        build(sources, {"thing": {"c": {**entry, "flags": []}}})
    with pytest.raises(LabBuildError, match="no C file"):
        build(sources, {"thing": {"c": {**entry, "programs": {"thing": "elsewhere"}}}})


def publish(directory: Path, files: dict[str, str] | None = None) -> None:
    """Put example.com/x v1.0.0 where a module proxy in a directory has it (https://go.dev/ref/mod#goproxy-protocol)."""
    directory.mkdir(parents=True)
    (directory / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (directory / "v1.0.0.mod").write_text("module example.com/x\n")
    with zipfile.ZipFile(directory / "v1.0.0.zip", "w") as archive:
        archive.writestr("example.com/x@v1.0.0/go.mod", "module example.com/x\n")
        archive.writestr("example.com/x@v1.0.0/data.yaml", "a: 1\n")
        for name, text in (files or {}).items():
            archive.writestr(f"example.com/x@v1.0.0/{name}", text)
