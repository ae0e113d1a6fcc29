"""Files out of Go modules, from a module proxy that serves this machine's own module cache."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content import go_module
from ansible_collections.selfhosted.serverless.plugins.module_utils.content import module_zip as limits
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import Access
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.checksum import sha256_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.go_proxies import (
    GoProxy,
    proxy_list,
    users_list,
    with_login,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.module_zip import ModuleZip
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.sources import locate
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from module_proxy import METRICS_SERVER, ModuleProxy, flip, go_command, module_zip, sum_of, unpacked

PATH = "manifests/base/rbac.yaml"
ZIP = "/sigs.k8s.io/metrics-server/@v/v0.9.0.zip"


def item(path: str = PATH) -> dict[str, str]:
    place = unpacked(METRICS_SERVER, path)
    return {"go_module": METRICS_SERVER, "sum": sum_of(METRICS_SERVER), "path": path, "sha256": sha256_of(place)}


def access(tmp_path: Path, proxies: str) -> Access:
    return Access(store=Store(tmp_path / "store"), go_proxy=proxies)


def test_the_sum_of_a_zip_is_the_one_that_go_has() -> None:
    archive = ModuleZip(module_zip(METRICS_SERVER), METRICS_SERVER)
    assert archive.sum() == sum_of(METRICS_SERVER)
    archive.close()


@pytest.mark.parametrize("path", [PATH, "manifests"])
def test_a_file_or_a_folder_comes_from_a_proxy(
    proxy: ModuleProxy, tmp_path: Path, no_module_cache: None, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    wanted = item(path)
    monkeypatch.setenv("PATH", str(tmp_path))  # without go
    for _turn in range(2):
        source = locate(wanted, access(tmp_path, proxy.url))
        assert sha256_of(source.place) == wanted["sha256"]
    assert proxy.asked == [ZIP]


def test_the_users_own_module_cache_is_asked_first(proxy: ModuleProxy, tmp_path: Path) -> None:
    assert locate(item(), access(tmp_path, proxy.url)).place == unpacked(METRICS_SERVER, PATH)
    assert not proxy.asked


def test_a_wrong_file_in_the_module_cache_is_not_taken(
    proxy: ModuleProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = item()
    file = tmp_path / "modules" / METRICS_SERVER / PATH
    file.parent.mkdir(parents=True)
    file.write_text("something else")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    assert sha256_of(locate(wanted, access(tmp_path, proxy.url)).place) == wanted["sha256"]
    assert proxy.asked == [ZIP]


def test_capitals_are_escaped(proxy: ModuleProxy, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="404"):
        locate({"go_module": "github.com/BigName/x@v1.0.0", "sha256": "0" * 64}, access(tmp_path, proxy.url))
    assert proxy.asked == ["/github.com/!big!name/x/@v/v1.0.0.zip"]


@pytest.mark.parametrize(("status", "between", "reaches"), [
    (404, ",", True), (410, ",", True), (403, ",", False), (403, "|", True), (404, "|", True), (401, "|", True),
])  # fmt: skip
def test_which_answers_lead_to_the_next_proxy(
    proxy: ModuleProxy,
    second_proxy: ModuleProxy,
    tmp_path: Path,
    no_module_cache: None,
    status: int,
    between: str,
    reaches: bool,
) -> None:
    """A comma lets 404 and 410 pass, a bar everything: https://go.dev/ref/mod#goproxy-protocol."""
    proxy.status = status
    given = access(tmp_path, f"{proxy.url}{between}{second_proxy.url}")
    if reaches:
        assert locate(item(), given).place.exists()
    else:
        with pytest.raises(ContentError, match=f"HTTP {status}.*comma"):
            locate(item(), given)
    assert bool(second_proxy.asked) is reaches


@pytest.mark.parametrize("position", [100, -30, 20_000])
def test_of_a_proxy_with_one_wrong_bit_nothing_is_taken(
    proxy: ModuleProxy, second_proxy: ModuleProxy, tmp_path: Path, no_module_cache: None, position: int
) -> None:
    wanted = item()
    proxy.change = flip(position)
    with pytest.raises(ContentError, match="zip|sum"):
        locate(wanted, access(tmp_path, proxy.url))
    source = locate(wanted, access(tmp_path, f"{proxy.url},{second_proxy.url}"))
    assert sha256_of(source.place) == wanted["sha256"]


def test_another_module_under_the_name_is_refused_by_its_sum(
    proxy: ModuleProxy, tmp_path: Path, no_module_cache: None
) -> None:
    wanted = {**item(), "sum": "h1:iv23XucXrA13dsaQnS3nh1uza78eBi97T8ImeCyJR40="}
    with pytest.raises(ContentError, match=f"the module's sum is {sum_of(METRICS_SERVER)[:20]}"):
        locate(wanted, access(tmp_path, proxy.url))


def test_without_a_sum_the_files_checksum_decides_and_a_wrong_zip_is_not_kept(
    proxy: ModuleProxy, tmp_path: Path, no_module_cache: None
) -> None:
    wanted = {key: value for key, value in item().items() if key != "sum"}
    with pytest.raises(ContentError, match="not what its checksum says"):
        locate({**wanted, "sha256": "0" * 64}, access(tmp_path, proxy.url))
    assert not list((tmp_path / "store").glob("*.zip"))
    assert locate(wanted, access(tmp_path, proxy.url)).place.exists()


def test_a_zip_that_is_damaged_on_the_disk_is_fetched_anew(
    proxy: ModuleProxy, tmp_path: Path, no_module_cache: None
) -> None:
    given = access(tmp_path, proxy.url)
    locate(item(), given).place.unlink()
    [kept] = (tmp_path / "store").glob("*.zip")
    with zipfile.ZipFile(kept) as archive:
        name = f"{METRICS_SERVER}/manifests/base/deployment.yaml"
        position = archive.getinfo(name).header_offset + 30 + len(name) + 20
    kept.write_bytes(flip(position)(kept.read_bytes()))
    other = item("manifests")
    with pytest.raises(ContentError, match="damaged|checksum"):
        locate(other, given)
    assert locate(other, given).place.exists()


@pytest.mark.parametrize(("proxies", "said"), [
    ("off", "GOPROXY says off"), ("direct", "version control is not asked"), ("{url},direct", "404(.|\n)*direct"),
])  # fmt: skip
def test_off_and_direct_are_told(
    proxy: ModuleProxy, tmp_path: Path, no_module_cache: None, proxies: str, said: str
) -> None:
    proxy.status = 404
    with pytest.raises(ContentError, match=said):
        locate(item(), access(tmp_path, proxies.format(url=proxy.url)))


def test_a_folder_may_be_a_proxy(tmp_path: Path, no_module_cache: None) -> None:
    root = module_zip(METRICS_SERVER).parents[3]
    assert locate(item(), access(tmp_path, f"file://{tmp_path},file://{root}")).place.exists()


def test_a_list_is_read_as_go_reads_it() -> None:
    assert proxy_list(" https://a.example/x/ ,b.example|off,c.example") == [
        GoProxy("https://a.example/x", False),
        GoProxy("https://b.example", True),
        GoProxy("off", False),
    ]
    for wrong in (
        "",
        ",",
        "ftp://a.example",
        "word",
        "/srv/modules",
        "//a.example/x",
        "file://srv/modules",
        "https://",
    ):
        with pytest.raises(ContentError):
            proxy_list(wrong)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("nexus:8081/repository/go", "https://nexus:8081/repository/go"),
        ("nexus/repository/go", "https://nexus/repository/go"),
        ("localhost:3000", "https://localhost:3000"),
        ("HTTP://a.example", "http://a.example"),
    ],
)
def test_a_host_needs_neither_scheme_nor_dot_as_in_go(entry: str, url: str, tmp_path: Path) -> None:
    (proxy,) = proxy_list(entry)
    assert proxy.url.lower() == url
    variables = {"GOPROXY": entry, "GOMODCACHE": str(tmp_path), "GONOSUMDB": "*", "GOFLAGS": "-mod=mod"}
    away = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "GOTOOLCHAIN": "local"}
    done = subprocess.run(
        [go_command(), "list", "-m", "example.com/x@v1.0.0"],
        cwd=tmp_path,
        env={**os.environ, **variables, **away},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f'Get "{url}/example.com/x/@v/v1.0.0.info"' in done.stderr


def test_a_login_of_netrc_is_sent_to_its_host_alone(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text(
        "default login other password x\nmachine go.example login me@work password p/w\n"
        "machine go.example:8443\n  login me\n  password secret\n"
    )
    home = {"HOME": str(tmp_path)}
    assert with_login("https://go.example/x", home) == "https://me%40work:p%2Fw@go.example/x"
    assert with_login("https://go.example:8443/x", home) == "https://me:secret@go.example:8443/x"
    assert with_login("https://go.example:9/x", {"NETRC": f"{tmp_path}/.netrc"}).endswith("@go.example:9/x")
    for url in ("http://go.example/x", "https://a:b@go.example/x", "https://b.example/x"):
        assert with_login(url, home) == url
    (tmp_path / ".netrc").write_text("machine go.example login")
    assert with_login("https://go.example/x", home) == "https://go.example/x"


def test_the_login_of_netrc_reaches_the_proxy(
    proxy: ModuleProxy, tmp_path: Path, no_module_cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(go_module, "with_login", lambda url: url.replace("http://", "http://me:secret@"))
    proxy.status = 403
    with pytest.raises(ContentError, match="403") as caught:
        locate(item(), access(tmp_path, proxy.url))
    assert "secret" not in str(caught.value)
    assert proxy.logins == ["Basic bWU6c2VjcmV0"]


def test_the_users_list_is_the_one_of_go(tmp_path: Path) -> None:
    kept = {**os.environ, "GOENV": str(tmp_path / "env")}
    kept.pop("GOPROXY", None)
    go = go_command()
    subprocess.run([go, "env", "-w", "GOPROXY=https://kept.example,direct"], env=kept, check=True)
    for environment in (kept, {**kept, "GOPROXY": "https://said.example"}, {**kept, "GOENV": "off"}):
        said = subprocess.run([go, "env", "GOPROXY"], env=environment, capture_output=True, text=True, check=True)
        assert users_list("https://proxy.golang.org,direct", environment) == said.stdout.strip()


@pytest.mark.parametrize(("offset", "value"), [(6, 99), (8, 1)])
def test_a_wrong_byte_in_the_directory_of_a_zip_is_damage(tmp_path: Path, offset: int, value: int) -> None:
    place = tmp_path / "zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("x@v1/a", "")
    data = bytearray(place.read_bytes())
    data[data.index(b"PK\x01\x02") + offset] = value  # the version that it needs, encrypted
    place.write_bytes(bytes(data))
    with pytest.raises(ContentError, match="zip"):
        ModuleZip(place, "x@v1").sum()


def test_a_file_before_the_begin_of_a_zip_is_damage(tmp_path: Path) -> None:
    place = tmp_path / "zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("x@v1/a", "")
    data = bytearray(place.read_bytes())
    data[data.index(b"PK\x05\x06") + 17] = 1  # where the directory begins, and so all else
    place.write_bytes(bytes(data))
    with pytest.raises(ContentError, match="zip"):
        ModuleZip(place, "x@v1").sum()


@pytest.mark.parametrize("name", ["x@v1/../a", "other@v1/a", "x@v1/a\\b", "/x@v1/a"])
def test_names_that_no_module_has_are_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr(name, "")
    with pytest.raises(ContentError, match="no module's zip may hold"):
        ModuleZip(tmp_path / "zip", "x@v1")


@pytest.mark.parametrize(("limit", "name"), [
    ("LARGEST_TREE", "a"), ("LARGEST_ZIP", "a"), ("LARGEST_GO_MOD", "go.mod"), ("LARGEST_LICENSE", "LICENSE"),
])  # fmt: skip
def test_limits_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, name: str) -> None:
    assert getattr(limits, limit) in (500 << 20, 16 << 20)
    monkeypatch.setattr(limits, limit, 1000)
    for size in (1000 if limit != "LARGEST_ZIP" else 100, 1001):
        with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
            archive.writestr(f"x@v1/{name}", "x" * size)
        if size == 1001:
            with pytest.raises(ContentError, match="larger than"):
                ModuleZip(tmp_path / "zip", "x@v1")
        else:
            ModuleZip(tmp_path / "zip", "x@v1").close()
