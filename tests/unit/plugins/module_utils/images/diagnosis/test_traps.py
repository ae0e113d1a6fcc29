"""Traps are found where they are, and only there."""

from __future__ import annotations

import json

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.facts import (
    Container,
    ContainerdConfig,
    Disk,
    Facts,
    TagResolution,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.traps import (
    always_pulled,
    config_path,
    diagnose,
    disk_pressure,
    docker_mirrors,
    tag_resolution,
    text,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import InvalidReference

GB = 10**9
TWO = "/etc/containerd/certs.d:/etc/docker/certs.d"
ONE = "/etc/containerd/certs.d"
DIGEST = f"sha256:{'0' * 64}"


def version_2(path: str) -> str:
    return f'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "{path}"\n'


def version_3(path: str, transfer: str = "") -> str:
    return (
        f"version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\n  config_path = '{path}'\n"
        f"[plugins.'io.containerd.transfer.v1.local']\n  config_path = '{transfer}'\n"
    )


def whole(path: str, version: int = 3, **settings: object) -> str:
    """The part of a dump that counts, as containerd 2.1 and later print it."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**PULLS, **settings}.items() if value is not None]
    return "\n".join(
        [f"version = {version}", "[grpc]", "address = '/run/c.sock'", "[plugins.'io.containerd.cri.v1.images']", *lines]
        + ["[plugins.'io.containerd.cri.v1.images'.registry]", f"config_path = '{path}'"]
    )


PULLS = {"use_local_image_pull": False, "disable_snapshot_annotations": True, "max_concurrent_downloads": 3}

# config.toml, and a text in each finding in order
CONFIGS: dict[str, tuple[str, list[str]]] = {
    "version 2, one": (version_2(ONE), []),
    "version 2, two": (version_2(TWO), ["io.containerd.grpc.v1.cri has 2"]),
    "version 3, one": (version_3(ONE), []),
    "version 3, the same in both": (version_3(ONE, ONE), []),
    "version 3, the same but for a slash": (version_3(ONE, ONE + "/"), []),
    "version 3, two": (version_3(TWO, ONE), ["io.containerd.cri.v1.images has 2"]),
    "version 3, two in both": (version_3(TWO, TWO), ["cri.v1.images has 2", "transfer.v1.local has 2"]),
    "version 3, different": (version_3(ONE, "/other"), ["config_path differs"]),
    "a colon at the end": (version_2(ONE + ":"), []),
    "nothing set": ("version = 3\n", []),
    "plugins of another shape": ('plugins = "x"\n', []),
    "no TOML": ("version = = 2", ["is no TOML"]),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_config_path(name: str) -> None:
    config, expected = CONFIGS[name]
    found = config_path("node1", ContainerdConfig(config))
    assert not any(item.fatal for item in found)
    assert [part in item.message for part, item in zip(expected, found, strict=True)] == [True] * len(expected)


def test_config_path_names_the_directory_to_keep() -> None:
    assert f'"{ONE}"' in config_path("node1", ContainerdConfig(version_2(TWO)))[0].remedy


# A dump, and what is certain to fail ('' for nothing)
DUMPS: dict[str, tuple[str, str]] = {
    "one": (whole(ONE), ""),
    "one with a slash": (whole(ONE + "/"), ""),
    "one with a slash and a dot in it": (whole("/etc/containerd//./certs.d"), ""),
    "none": (whole(""), "config_path of io.containerd.cri.v1.images is not set"),
    "none, from 2.3 on": (whole("", 4), "is not set, so containerd takes /etc/containerd/certs.d:/etc/docker/certs.d;"),
    # As kind's nodes are
    "none, from 2.3 on, pulled by itself": (whole("", 4, discard_unpacked_layers=True), ""),
    "one, from 2.3 on": (whole(ONE, 4), ""),
    "another": (whole("/other"), "is /other; mirrors written to /etc/containerd/certs.d are not read"),
    "two": (whole(TWO), "has 2 directories"),
    "two before 2.1": (whole(TWO, use_local_image_pull=None), ""),
    "two, pulled by itself": (whole(TWO, use_local_image_pull=True), ""),
    "two, more downloads": (whole(TWO, max_concurrent_downloads=10), ""),
    "two, snapshot annotations": (whole(TWO, disable_snapshot_annotations=False), ""),
    "two others": (whole("/a:/b", use_local_image_pull=True), "is /a:/b"),
}


@pytest.mark.parametrize("name", DUMPS)
def test_what_is_certain_of_a_whole_configuration(name: str) -> None:
    config, expected = DUMPS[name]
    found = config_path("node1", ContainerdConfig(config, True, ONE, "/run/c.sock"))
    assert [(item.fatal, expected in item.message) for item in found] == [(True, True)] * bool(expected)


def test_the_configuration_of_another_containerd_says_nothing_of_ours() -> None:
    (found,) = config_path("node1", ContainerdConfig(whole(""), True, ONE, "/run/k3s/containerd.sock"))
    assert "whose socket is /run/c.sock and not /run/k3s/containerd.sock" in found.message and not found.fatal


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ("/var/run/c.sock", "/run/c.sock"),
        ("/run/c.sock", "unix:///run/c.sock"),
        ("/run/c.sock", "unix:///var/run/c.sock"),
    ],
)
def test_one_socket_has_several_names(there: str, named: str) -> None:
    config = whole("").replace("/run/c.sock", there)
    (found,) = config_path("node1", ContainerdConfig(config, True, ONE, named))
    assert "is not set" in found.message and found.fatal


@pytest.mark.parametrize(
    ("main", "imported", "expected"),
    [
        (version_2(ONE), version_3("/other"), "cri.v1.images is /other; mirrors written to"),
        (version_2("/other"), version_3(ONE), ""),
        (version_3("/other"), version_2(ONE), ""),
        (version_3(ONE), version_2("/other"), "grpc.v1.cri is /other; mirrors written to"),
    ],
)
def test_of_files_of_several_versions_the_last_one_counts(main: str, imported: str, expected: str) -> None:
    found = config_path("node1", ContainerdConfig(main, False, ONE, imported=(imported,)))
    assert [expected in item.message for item in found] == [True] * bool(expected)


def test_what_is_read_where_nothing_is_set_may_not_be_what_is_written() -> None:
    text = whole("", 4, discard_unpacked_layers=True)
    (found,) = config_path("node1", ContainerdConfig(text, True, "/etc/other", "/run/c.sock"))
    assert found.fatal and "mirrors written to /etc/other are not read" in found.message
    assert "or certs_dir: /etc/containerd/certs.d for the node" in found.remedy


def test_a_file_alone_leaves_doubts() -> None:
    (found,) = config_path("node1", ContainerdConfig("version = 3\n", False, ONE))
    assert "is not set" in found.message and not found.fatal


# image, policy, preloaded, found
POLICIES = [
    ("gcr.io/a/b:1", "Always", "gcr.io/a/b:1", True),
    ("gcr.io/a/b:1", "IfNotPresent", "gcr.io/a/b:1", False),
    ("gcr.io/a/b:1", "Always", "gcr.io/a/c:1", False),
    ("gcr.io/a/b:1", "", "gcr.io/a/b:1", False),
    ("nginx", "", "docker.io/library/nginx:latest", True),
    ("nginx", "Never", "docker.io/library/nginx:latest", False),
    (f"nginx@{DIGEST}", "", f"nginx@{DIGEST}", False),
    (f"nginx:latest@{DIGEST}", "", f"nginx:latest@{DIGEST}", False),
]


@pytest.mark.parametrize(("image", "policy", "preloaded", "found"), POLICIES)
def test_always_pulled(image: str, policy: str, preloaded: str, found: bool) -> None:
    findings = always_pulled([Container("Deployment todo/app", "app", image, policy)], [preloaded])
    assert [item.where for item in findings] == ["Deployment todo/app"] * found


# available and to come in bytes of 100 GB, pressure, texts in the findings
DISKS = [
    (50 * GB, 34 * GB, None, []),
    (50 * GB, 35 * GB, None, ["85000000000 of 100000000000 bytes (85%) are used with the 35000000000 bytes to come"]),
    (15 * GB, 0, False, ["(85%)"]),
    (16 * GB, 0, False, []),
    (90 * GB, 0, True, ["DiskPressure"]),
    (5 * GB, 1, True, ["DiskPressure", "(95%)"]),
]


@pytest.mark.parametrize(("available", "to_come", "pressure", "expected"), DISKS)
def test_disk_pressure(available: int, to_come: int, pressure: bool | None, expected: list[str]) -> None:
    found = disk_pressure(Disk("node1", 100 * GB, available, to_come, pressure=pressure))
    assert [part in item.message for part, item in zip(expected, found, strict=True)] == [True] * len(expected)


def test_disk_at_another_threshold_and_of_unknown_size() -> None:
    (found,) = disk_pressure(Disk("node1", 100 * GB, 50 * GB, 10 * GB, threshold=0.55))
    assert found.remedy.startswith(f"Free {5 * GB + 1} bytes")
    assert disk_pressure(Disk("node1", 0, 0, 10 * GB)) == []


DEFAULT = "kind.local,ko.local,dev.local"
# images, list, reachable, the line to put ('' for no finding)
TAGS = [
    (("gcr.io/a/b:1",), None, frozenset(), f"{DEFAULT},gcr.io"),
    (("gcr.io/a/b:1",), "", frozenset(), "gcr.io"),
    (("gcr.io/a/b:1",), "ko.local, gcr.io", frozenset(), ""),
    (("gcr.io/a/b:1", "quay.io/a:1"), "gcr.io", frozenset(), "gcr.io,quay.io"),
    (("gcr.io/a/b:1",), None, frozenset({"gcr.io"}), ""),
    ((f"gcr.io/a/b@{DIGEST}", f"gcr.io/a/b:1@{DIGEST}"), None, frozenset(), ""),
    (("nginx",), "", frozenset(), "index.docker.io"),
    (("nginx",), "index.docker.io", frozenset(), ""),
    (("nginx",), "docker.io", frozenset(), "docker.io,index.docker.io"),
    (("r.example.com:5000/a:1",), "r.example.com", frozenset(), "r.example.com,r.example.com:5000"),
]


@pytest.mark.parametrize(("images", "skipping", "reachable", "line"), TAGS)
def test_tag_resolution(images: tuple[str, ...], skipping: str | None, reachable: frozenset[str], line: str) -> None:
    found = tag_resolution(TagResolution(images, skipping, reachable))
    expected = [f'registries-skipping-tag-resolving: "{line}"'] if line else []
    assert [item.remedy.partition("data: ")[2] for item in found] == expected


MIRRORS = '{"registry-mirrors": ["https://m.example.com"]}'
# daemon.json, images, a text in the finding ('' for none)
DAEMONS = [
    (MIRRORS, ("nginx:1", "gcr.io/a:1", "quay.io/b:1"), "gcr.io/a:1, quay.io/b:1"),
    (MIRRORS, ("nginx:1", "docker.io/a/b:1"), ""),
    ('{"registry-mirrors": []}', ("gcr.io/a:1",), ""),
    ("{}", ("gcr.io/a:1",), ""),
    ("", ("gcr.io/a:1",), ""),
    ("{", ("gcr.io/a:1",), "is no JSON"),
]


@pytest.mark.parametrize(("config", "images", "expected"), DAEMONS)
def test_docker_mirrors(config: str, images: tuple[str, ...], expected: str) -> None:
    found = docker_mirrors("node1", config, images)
    assert len(found) == bool(expected)
    assert all(expected in item.message and "nginx" not in item.message for item in found)


def test_all_that_is_known_is_looked_at() -> None:
    facts = Facts(
        containerd={"node1": ContainerdConfig(version_2(ONE)), "node2": ContainerdConfig(version_2(TWO))},
        docker={"node3": MIRRORS},
        images=("gcr.io/a:1",),
        containers=(Container("Deployment todo/app", "app", "gcr.io/a:1", "Always"),),
        preloaded=("gcr.io/a:1",),
        disks=(Disk("node1", 100, 1),),
        tags=TagResolution(("gcr.io/a:1",)),
        pods={"ghcr.io": ("d/4", "d/3", "d/2", "d/1")},
    )
    found = diagnose(facts)
    traps = ["config_path", "registry-mirrors", "pull policy", "disk", "tag resolution", "strict"]
    assert [item.trap for item in found] == traps
    assert "strict refuses ghcr.io, which d/1, d/2, d/3 and 1 more use" in found[-1].message
    lines = text(found).split("\n")
    assert len(lines) == 2 * len(found) and lines[0].startswith("node2, containerd's config.toml: ")


def test_what_is_unknown_finds_nothing() -> None:
    assert diagnose(Facts()) == []
    assert diagnose(Facts(containers=(Container("Pod a/b", "c", "nginx"),))) == []
    assert text([]) == ""


def test_what_is_no_image_is_told() -> None:
    with pytest.raises(InvalidReference):
        diagnose(Facts(containers=(Container("Pod a/b", "c", "No Image"),), preloaded=()))
