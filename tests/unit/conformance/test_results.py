"""Reading results out of what the real testing package of Go prints."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.toolchain import (
    choose_toolchain,
    install_toolchain,
)
from conformance.results import MARK, Reader, Result, of_expected

TESTS = """package things

import (
    "fmt"
    "os"
    "testing"
)

func TestGood(t *testing.T) {
    fmt.Print("no newline before the next mark")
    t.Run("part/of it", func(t *testing.T) { t.Parallel(); fmt.Println("--- FAIL: TestGood (0.00s)") })
    t.Run("other", func(t *testing.T) { t.Parallel(); t.Log("said by other") })
}

func TestBad(t *testing.T) { t.Log("first"); t.Fatal("this is wrong") }

func TestNotHere(t *testing.T) { t.Skip("not on this cluster") }

func TestDies(t *testing.T) { os.Exit(3) }

func TestNeverRun(t *testing.T) {}
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = BuildCache(base / "selfhosted-serverless")
    go = shutil.which("go") or install_toolchain(choose_toolchain((1, 25, 0)), cache, lambda _line: None)
    module = tmp_path_factory.mktemp("module")
    (module / "go.mod").write_text("module example.com/things\n\ngo 1.25.0\n")
    (module / "things_test.go").write_text(TESTS)
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    subprocess.run([str(go), "test", "-c", "-o", "things.test", "."], cwd=module, env=environment, check=True)
    done = subprocess.run([module / "things.test", "-test.v=test2json"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines(keepends=True)


def test_each_test_has_its_result_and_its_own_words(printed: list[str]) -> None:
    reader = Reader()
    ended = [result.name for result in map(reader.take, printed) if result]
    found = {name: (result.state, result.last_words) for name, result in reader.results.items()}
    assert found["TestGood"][0] == "passed"
    assert found["TestGood/part/of_it"] == ("passed", "--- FAIL: TestGood (0.00s)")
    assert found["TestGood/other"] == ("passed", "said by other")
    assert found["TestBad"] == ("failed", "this is wrong")
    assert found["TestNotHere"] == ("skipped", "not on this cluster")
    assert found["TestDies"][0] == "missing"
    assert set(ended) == {"TestGood", "TestGood/part/of_it", "TestGood/other", "TestBad", "TestNotHere"}


def test_an_expected_test_that_never_ran_is_missing(printed: list[str]) -> None:
    reader = Reader()
    for line in printed:
        reader.take(line)
    states = [result.state for result in of_expected(reader.results, ["TestNeverRun", "TestDies", "TestBad"])]
    assert states == ["missing", "missing", "failed"]


def test_seconds_are_read() -> None:
    assert Reader().take(f"{MARK}    --- PASS: TestA/b (12.34s)\n") == Result("TestA/b", "passed", 12.34)
