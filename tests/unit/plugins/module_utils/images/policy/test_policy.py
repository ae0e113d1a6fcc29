"""The image policy."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import PolicyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference

DIGEST = "sha256:" + "ab" * 32


def places(config: dict[str, Any], text: str) -> list[str]:
    return [str(item.reference) for item in ImagePolicy.from_config(config).candidates(Reference.parse(text))]


def rewrite(**mirrors: list[Any]) -> dict[str, Any]:
    return {
        "mirrors": {key.replace("__", "/").replace("_", "."): value for key, value in mirrors.items()},
        "mode": "rewrite",
    }


@pytest.mark.parametrize(
    ("mirror", "place"),
    [
        ("m.daocloud.io/docker.io", "m.daocloud.io/docker.io/istio/pilot:1"),
        ("mirror.local:5000", "mirror.local:5000/istio/pilot:1"),
        ({"host": "docker.m.daocloud.io"}, "docker.m.daocloud.io/istio/pilot:1"),
        ({"flat": "registry.example.com/google_containers"}, "registry.example.com/google_containers/pilot:1"),
        ("docker.io", "docker.io/istio/pilot:1"),
        ("index.docker.io", "docker.io/istio/pilot:1"),
        ("[fd00::1]:5000/hub", "[fd00::1]:5000/hub/istio/pilot:1"),
        ({"host": "[fd00::1]:5000"}, "[fd00::1]:5000/istio/pilot:1"),
        ("harbor:443/hub", "harbor:443/hub/istio/pilot:1"),
    ],
)
def test_forms_of_a_mirror(mirror: Any, place: str) -> None:
    assert places(rewrite(docker_io=[mirror]), "istio/pilot:1") == [place]


def test_mirrors_keep_their_order_and_the_origin_its_place() -> None:
    config = {"mirrors": {"docker.io": ["a.io/docker.io", "docker.io", "b.io"]}}
    policy = ImagePolicy.from_config(config)
    assert places(config, "nginx:1") == [
        "a.io/docker.io/library/nginx:1",
        "docker.io/library/nginx:1",
        "b.io/library/nginx:1",
    ]
    assert [item.rule for item in policy.candidates(Reference.parse("nginx:1"))][1] == "origin"


def test_the_longest_source_wins_at_whole_parts_of_the_path() -> None:
    config = rewrite(docker_io=["a.io"], docker_io__istio=["b.io/mesh"])
    assert places(config, "istio/pilot:1") == ["b.io/mesh/pilot:1"]
    assert places(config, "istiox/pilot:1") == ["a.io/istiox/pilot:1"]


def test_the_exact_map_comes_first_and_its_result_goes_through_mirrors() -> None:
    config = {"mirrors": {"gcr.io": ["m.io/gcr.io"]}, "map": {f"gcr.io/queue@{DIGEST}": "gcr.io/queue:v1"}}
    assert places(config, f"gcr.io/queue:any@{DIGEST}") == ["m.io/gcr.io/queue:v1"]
    assert ImagePolicy.from_config(config).deliverable(f"gcr.io/queue@{DIGEST}") == "gcr.io/queue:v1"


def test_strict_an_origin_is_used_only_where_it_is_listed() -> None:
    policy = ImagePolicy.from_config({"mirrors": {"docker.io": ["m.io/docker.io"]}})
    with pytest.raises(PolicyError, match="quay.io to serverless_images.mirrors"):
        policy.candidates(Reference.parse("quay.io/a/b:1"))
    assert policy.origin_of("quay.io/a/b:1") == "no rule"
    assert policy.origin_of("a:1") == "mirror m.io/docker.io"


def test_where_a_running_image_comes_from() -> None:
    mirrors = {"docker.io": ["m.io/hub", "n.io"]}
    assert ImagePolicy.from_config({"mirrors": mirrors}).origin_of("a:1") == "mirror m.io/hub or mirror n.io"
    rewritten = ImagePolicy.from_config({"mirrors": mirrors, "mode": "rewrite"})
    assert rewritten.origin_of("n.io/library/a:1") == "named at the mirror"
    assert rewritten.origin_of("a:1") == "its own name"


def test_without_mirrors_everything_comes_from_its_origin() -> None:
    assert places({}, "quay.io/a/b:1") == ["quay.io/a/b:1"]
    assert ImagePolicy.from_config(None).origin_of("quay.io/a/b:1") == "origin"


def test_a_registry_with_settings_and_a_mirror_named_directly_stand_for_themselves() -> None:
    config = {"mirrors": {"docker.io": ["m.io:5000/docker.io"]}, "registries": {"own.io": {}}}
    assert places(config, "own.io/todo/app:1") == ["own.io/todo/app:1"]
    assert places(config, "m.io:5000/docker.io/library/a:1") == ["m.io:5000/docker.io/library/a:1"]


def test_deliverable_leaves_a_text_alone_that_means_the_same() -> None:
    assert ImagePolicy.from_config({"mirrors": {"docker.io": ["m.io"]}}).deliverable("postgres:15") == "postgres:15"
    assert ImagePolicy.from_config(rewrite(docker_io=["m.io"])).deliverable("postgres:15") == "m.io/library/postgres:15"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"mirror": {}}, "unknown keys mirror"),
        ({"mode": "preload"}, "runtime, rewrite"),
        ({"mirrors": {"docker.io": "m.io"}}, "must be a list"),
        ({"mirrors": {"docker.io": ["https://m.io"]}}, "must be host or host:port"),
        ({"mirrors": {"docker.io": [{"prefix": 1}]}}, "is no mirror"),
        ({"mirrors": {"docker.io": ["m.io//x"]}}, "must be host or host:port"),
        ({"mirrors": {"docker.io": ["m.io/../x"]}}, "must be host or host:port"),
        ({"mirrors": {"docker.io": ["a.io"], "index.docker.io": ["b.io"]}}, "names docker.io twice"),
        ({"mirrors": {"docker.io": ["a.io"], "docker.io/": ["b.io"]}}, "names docker.io twice"),
        ({"mirrors": {"gcr.io/knative-releases:1": ["m.io"]}}, "without tag"),
        ({"mirrors": {"gcr.io/Knative": ["m.io"]}}, "is no host, host:port or host/path"),
        ({"mirrors": {"gcr.io//a": ["m.io"]}}, "is no host, host:port or host/path"),
        ({"mirrors": ["docker.io"]}, "serverless_images.mirrors must be a dictionary"),
        ({"registries": ["a.io"]}, "serverless_images.registries must be a dictionary"),
        ({"map": "a:1"}, "serverless_images.map must be a dictionary"),
        ({"mirrors": {"docker.io": [{"flat": "m.io/x"}]}}, "use mode: rewrite"),
        ({"mirrors": {"docker.io/istio": ["m.io/x"]}}, "use mode: rewrite"),
        ({"mirrors": {"{{ x }}": ["m.io/x"]}}, "variables in keys"),
        ({"map": {"A B": "c:1"}}, "serverless_images.map"),
        ({"registries": {"{{ x }}:5001": {}}}, "variables in keys"),
        ({"registries": {"a.io": {"user": "x"}}}, "unknown keys user"),
        ({"registries": {"a.io": {"username": "x"}}}, "together"),
    ],
)
def test_a_policy_that_is_written_wrongly(config: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        ImagePolicy.from_config(config)


@pytest.mark.parametrize(
    ("host", "settings", "url"),
    [
        ("127.0.0.1:5000", {}, "http://127.0.0.1:5000"),
        ("127.0.0.1:5001", {"ca_file": "/ca"}, "https://127.0.0.1:5001"),
        ("localhost:5000", {"plain_http": False}, "https://localhost:5000"),
        ("mirror.local:5000", {}, "https://mirror.local:5000"),
        ("mirror.local:5000", {"plain_http": True}, "http://mirror.local:5000"),
        ("docker.io", {}, "https://registry-1.docker.io"),
    ],
)
def test_plain_http_is_for_loopback_unless_said(host: str, settings: dict[str, Any], url: str) -> None:
    assert ImagePolicy.from_config({"registries": {host: settings}}).settings(host).url == url


def test_the_second_name_of_docker_hub_is_docker_hub() -> None:
    login = {"username": "u", "password": {"file": "/p"}}
    policy = ImagePolicy.from_config({"registries": {"index.docker.io": login}})
    assert policy.settings("docker.io").username == "u"
    written = {"preset": "daocloud", "mirrors": {"index.docker.io": ["m.io"]}}
    assert places(written, "nginx:1") == ["m.io/library/nginx:1"]


def test_a_mirror_that_would_leave_no_name_is_refused() -> None:
    config = {"mode": "rewrite", "mirrors": {"docker.io/library/postgres": ["m.io"]}}
    with pytest.raises(PolicyError, match=r"leaves none; write \{host: m.io\}"):
        places(config, "postgres:15")
    assert places({**config, "mirrors": {"docker.io/library/postgres": ["m.io/pg"]}}, "postgres:15") == ["m.io/pg:15"]


def test_a_rewritten_name_is_not_one_of_docker_hub() -> None:
    with pytest.raises(PolicyError, match=r"ask docker.io for harbor/hub/library/postgres; write harbor:443"):
        places(rewrite(docker_io=["harbor/hub"]), "postgres:15")
    assert places({"mirrors": {"docker.io": ["harbor/hub"]}}, "postgres:15") == ["harbor/hub/library/postgres:15"]


def test_a_preset_fills_in_mirrors_and_yields_to_written_ones() -> None:
    config = {"preset": "daocloud", "mirrors": {"quay.io": ["own.example.com/quay"]}}
    assert places(config, "nginx:1") == ["m.daocloud.io/docker.io/library/nginx:1"]
    assert places(config, "gcr.io/a/b:1") == ["m.daocloud.io/gcr.io/a/b:1"]
    assert places(config, "quay.io/a/b:1") == ["own.example.com/quay/a/b:1"]
    with pytest.raises(PolicyError, match=r"registry\.istio\.io"):
        places(config, "registry.istio.io/release/pilot:1")


def test_the_preset_of_a_flat_mirror_needs_rewritten_references() -> None:
    place = "registry.cn-hangzhou.aliyuncs.com/google_containers/metrics-server:v0.9.0"
    image = "registry.k8s.io/metrics-server/metrics-server:v0.9.0"
    assert places({"preset": "aliyun", "mode": "rewrite"}, image) == [place]
    with pytest.raises(PolicyError, match="mode: rewrite"):
        ImagePolicy.from_config({"preset": "aliyun"})


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(PolicyError, match="aliyun, daocloud, none"):
        ImagePolicy.from_config({"preset": "ustc"})


@pytest.mark.parametrize(
    "config",
    [
        {"mirrors": {"docker.io": ["https://me:canary@mirror.example/x"]}},
        {"mirrors": {"docker.io": ["me:canary@mirror.example/x"]}},
        {"mirrors": {"docker.io": [{"host": "me:can/canary@shared.example"}]}},
        {"mirrors": {"docker.io": [{"host": "m", "username": "me", "password": "canary"}]}},
        {"mirrors": {"me:canary@docker.io": ["x"]}},
        {"map": {"a": "https://me:canary@mirror.example/x"}},
        {"map": {"me:canary@mirror.example:5000/x": "a"}},
        {"registries": {"me:canary@h": {}}},
        {"registries": {"h": {"username": "me", "password": "canary"}}},
        {"registries": {"h": {"username": "me", "password": {"vale": "canary"}}}},
        {"registries": {"h": {"username": "me", "password": ["canary"]}}},
        {"registries": {"h": {"username": "me:you", "password": {"value": "canary"}}}},
    ],
    ids=range(12),
)
def test_a_login_where_none_belongs_is_refused_without_being_told(config: dict[str, Any]) -> None:
    with pytest.raises(PolicyError) as caught:
        ImagePolicy.from_config(config)
    assert "canary" not in str(caught.value)


def test_a_digest_that_is_none_is_told() -> None:
    with pytest.raises(PolicyError, match="image 'a@sha256:zz'"):
        ImagePolicy.from_config({"map": {"a@sha256:zz": "b"}})
