"""registries.conf beside what is delivered; skopeo, built on the same library, says what it makes of the files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.crio_registries import (
    registries_files,
    short_names,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.node_facts import crio_registries
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.registries_conf import FILE
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config

MAIN, LATER, EARLIER = "registries.conf", "registries.conf.d/99-site.conf", "registries.conf.d/00-site.conf"
V1 = "[registries.search]\nregistries = ['docker.io']\n[registries.block]\nregistries = ['quay.io']\n"
HUB = '[[registry]]\nprefix = "docker.io"\nlocation = "127.0.0.1:9"\ninsecure = true\n'
IMAGES = ("docker.io/library/a:1", "quay.io/team/b:1", "gcr.io/c:1")


def table(prefix: str, **settings: str) -> str:
    return "\n".join(
        ["[[registry]]", f'prefix = "{prefix}"', 'location = "x.example"', *(f"{k} = {v}" for k, v in settings.items())]
    )


# files, sources with mirrors, and what is found in which file
CASES = {
    "nothing else": ({}, ("docker.io",), []),
    "version 1 beside ours": ({MAIN: V1}, ("docker.io",), [(MAIN, "blocks quay.io, so quay.io/team/b:1 cannot")]),
    "version 1, mirrored by us": ({MAIN: V1}, ("docker.io", "quay.io"), []),
    "mixed": ({MAIN: V1 + HUB}, ("docker.io",), [(MAIN, "mixes version 1")]),
    "version 1 as drop-in": ({EARLIER: V1}, (), [(EARLIER, "is of version 1, which is refused")]),
    "no TOML": ({LATER: "[[registry"}, (), [(LATER, "is no TOML")]),
    "the same source, later": ({LATER: HUB}, ("docker.io",), [(LATER, "a table for docker.io that counts before")]),
    "the same source, earlier": ({EARLIER: HUB}, ("docker.io",), []),
    "the same source in the main file": ({MAIN: HUB}, ("docker.io",), []),
    "part of a source": ({EARLIER: table("docker.io/library")}, ("docker.io",), [(EARLIER, "docker.io/library")]),
    "another part": ({EARLIER: table("docker.io/other")}, ("docker.io",), []),
    "blocked part": (
        {EARLIER: table("quay.io/team", blocked="true")},
        ("quay.io",),
        [(EARLIER, "blocks quay.io/team, so quay.io/team/b:1 cannot be pulled")],
    ),
    "hosts below a domain": ({MAIN: table("*.io", blocked="true")}, ("docker.io", "quay.io"), [(MAIN, "gcr.io/c:1")]),
    "a longer host": ({MAIN: table("docker.io.example", blocked="true")}, ("docker.io",), []),
    "a prefix twice in one file": (
        {MAIN: table("quay.io/team") + "\n" + table("quay.io/team", blocked="true").replace("x.e", "y.e")},
        ("docker.io",),
        [],
    ),
    "not of ours": ({LATER: table("gcr.io")}, ("docker.io",), []),
}


@pytest.mark.parametrize("name", CASES)
def test_what_counts_before_the_mirrors(name: str) -> None:
    files, sources, expected = CASES[name]
    found = registries_files("n", files, IMAGES, sources)
    told = [(item.where, part in item.message) for item, (_file, part) in zip(found, expected, strict=True)]
    assert told == [(f"n, /etc/containers/{file}", True) for file, _part in expected]
    assert all(item.fatal for item in found if "counts before" not in item.message)


def test_the_same_library_refuses_what_is_called_broken(tmp_path: Path) -> None:
    conf = tmp_path / MAIN
    for text, words in [(V1 + HUB, "mixing sysregistry v1/v2"), ("[[registry", "toml"), (V1, "is blocked")]:
        conf.write_text(text)
        command = ["skopeo", "--registries-conf", str(conf), "inspect", "--no-tags", "docker://quay.io/team/b:1"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert words in done.stderr
        assert registries_files("n", {MAIN: text}, IMAGES, ())


HERE = table("docker.io")
MIRROR = HERE + "\n[[registry.mirror]]\n"
# One fault each, with part of what is said of it
REFUSED = {
    '[[registry]]\nlocation = "https://x.example"': "has https://x.example with a scheme",
    MIRROR + 'location = "http://m.example"': "has http://m.example with a scheme",
    '[registries.insecure]\nregistries = ["http://x.example"]': "with a scheme",
    '[[registry]]\nprefix = "x.example"': "has a table x.example without location",
    '[[registry]]\nprefix = "*.example:5000"': "more than *.DOMAIN",
    MIRROR + "insecure = true": "has a mirror without location in the table docker.io",
    HERE + '\npull-from-mirror = "all"': "in the table docker.io itself",
    MIRROR + 'location = "m.example"\npull-from-mirror = "digests"': "has pull-from-mirror = 'digests'",
    HERE + '\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m"\npull-from-mirror = "all"': "and pull",
    HERE + "\n" + table("quay.io", insecure="true"): "has two tables with the location x.example that differ",
    HERE + '\ninsecure = "true"': "has insecure = 'true'",
    '[registry]\nlocation = "x.example"': "Write tables [[registry]]",
    'unqualified-search-registries = "docker.io"': "Write a list",
    'unqualified-search-registries = ["docker.io/library"]': "has 'docker.io/library' among the registries",
    '[registries.search]\nregistries = ["https://docker.io"]': "has 'https://docker.io' among the registries",
    '[registries.search]\nregistries = "docker.io"': "Write a list",
    'short-name-mode = "off"': "has short-name-mode = 'off'",
    'short-name-mode = "disabled"\n' + V1: "mixes version 1",
    V1 + '[aliases]\nnginx = "docker.io/library/nginx"': "mixes version 1",
    '[aliases]\nnginx = "docker.io/library/nginx:1"': "has the alias nginx",
    '[aliases]\nnginx = "library/nginx"': "has the alias nginx",
    '[aliases]\n"quay.io/nginx" = "docker.io/library/nginx"': "has the alias quay.io/nginx",
}
TAKEN = [
    '[[registry]]\nprefix = "*.example"\nblocked = true',
    MIRROR + 'location = "m.example"\npull-from-mirror = "digest-only"',
    HERE + "\n" + table("quay.io"),
    HERE + "\n" + HERE,
    'unqualified-search-registries = ["docker.io/", "localhost:5000"]\nshort-name-mode = "permissive"',
    "[registries.search]\nregistries = []\n" + HERE,
    '[aliases]\nnginx = ""\n"ubi9/ubi" = "registry.example:5000/ubi9/ubi"\na__b = "localhost/a"',
]


@pytest.mark.parametrize("text", [*REFUSED, *TAKEN])
def test_a_file_that_the_library_refuses_is_found(text: str, tmp_path: Path) -> None:
    conf = tmp_path / MAIN
    conf.write_text(text)
    command = ["skopeo", "--registries-conf", str(conf), "inspect", "--no-tags", "docker://127.0.0.1:9/team/b:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = registries_files("n", {MAIN: text}, (), ())
    is_refused = text in REFUSED
    assert ("loading registries configuration" in done.stderr, [item.fatal for item in found]) == (
        is_refused,
        [True] * is_refused,
    )
    assert not is_refused or REFUSED[text] in f"{found[0].message} {found[0].remedy}"


def test_a_host_without_port_stands_for_all_its_ports(tmp_path: Path) -> None:
    conf = tmp_path / MAIN
    conf.write_text(table("127.0.0.1", blocked="true"))
    command = ["skopeo", "--registries-conf", str(conf), "inspect", "--no-tags", "docker://127.0.0.1:9/team/b:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "x.example:9" in done.stderr  # where the table leads
    (found,) = registries_files("n", {MAIN: conf.read_text()}, ("127.0.0.1:9/team/b:1",), ())
    assert "blocks 127.0.0.1, so 127.0.0.1:9/team/b:1 cannot be pulled" in found.message


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "has no unqualified-search-registries: nginx:1 cannot be pulled"),
        ({MAIN: "unqualified-search-registries = ['docker.io']"}, ""),
        ({MAIN: "unqualified-search-registries = ['quay.io']"}, "asked for at quay.io, which may have another image"),
        ({MAIN: "[registries.search]\nregistries = ['quay.io', 'docker.io']"}, "asked for at quay.io, docker.io"),
        (
            {MAIN: "short-name-mode = 'enforcing'\nunqualified-search-registries = ['quay.io', 'docker.io']"},
            "names 2 unqualified-search-registries: CRI-O refuses nginx:1 as ambiguous",
        ),
        (
            {
                MAIN: "unqualified-search-registries = ['quay.io']",
                LATER: "unqualified-search-registries = ['docker.io']",
            },
            "",
        ),
        ({LATER: "[aliases]\nnginx = 'docker.io/library/nginx'"}, ""),
        ({LATER: "[aliases]\nnginx = 'docker.io/nginx'"}, ""),
        (
            {MAIN: "unqualified-search-registries = ['docker.io']", LATER: "[aliases]\nnginx = 'quay.io/nginx/nginx'"},
            "asked for at quay.io/nginx/nginx",
        ),
    ],
)
def test_short_names(files: dict[str, str], expected: str) -> None:
    found = short_names("n", files, ["nginx:1"])
    assert [expected in item.message for item in found] == [True] * bool(expected)
    assert short_names("n", files, []) == []


def test_files_are_read_where_they_are(tmp_path: Path) -> None:
    entry = {"name": "n", "exec": [], "runtime": "cri-o", "certs_dir": str(tmp_path)}
    node = node_from_config(entry)  # type: ignore[arg-type]
    assert crio_registries(node) == {}  # type: ignore[arg-type]
    (tmp_path / "registries.conf.d").mkdir()
    for name in (MAIN, LATER, FILE):
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / "registries.conf.d" / "README").write_text("no configuration")
    assert crio_registries(node) == {name: f"# {name}\n" for name in (MAIN, LATER, FILE)}  # type: ignore[arg-type]
