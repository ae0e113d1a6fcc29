"""The plan, against registries that have, lack and refuse images."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import PolicyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan import choice
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan import plan as plan_module
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.choice import choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import Lock
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.plan import make_plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.text import missing_message, table
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import Found
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.rewrite import (
    rewrite_documents,
    undecided,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from faulty_registry import FaultyRegistry
from registry_process import PASSWORD, USERNAME, RegistryProcess
from sample_images import SampleImage
from throwaway_pki import Pki


def stock(process: RegistryProcess, repository: str, image: SampleImage, directory: Path) -> None:
    push_layout(image.write(directory), "", Registry(process.host), Reference(process.host, repository, "1"))


def wanted(*references: str) -> list[Found]:
    return [Found(reference, f"Deployment n/{number}: main") for number, reference in enumerate(references)]


def test_what_the_first_mirror_lacks_comes_from_the_second(
    mirror: RegistryProcess, faulty: FaultyRegistry, tmp_path: Path
) -> None:
    image = SampleImage(architectures=("amd64", "arm64"))
    stock(mirror, "docker.io/plan/app", image, tmp_path / "layout")
    policy = ImagePolicy.from_config(
        {"mirrors": {"docker.io": [f"{faulty.host}/docker.io", f"{mirror.host}/docker.io"]}}
    )
    plan = make_plan(wanted("plan/app:1", "docker.io/plan/app:1"), policy, ["amd64"])
    (row,) = plan.rows
    assert str(row.source) == f"{mirror.host}/docker.io/plan/app:1"
    assert row.inspected and row.inspected.digest == image.index.digest
    assert row.inspected.size == sum(blob.size for blob in image.parts[0].blobs())
    assert len(row.where) == 2
    assert not plan.missing
    assert f"found, not at mirror {faulty.host}/docker.io" in table(plan)[1]


def test_every_failure_is_told_at_once(mirror: RegistryProcess, faulty: FaultyRegistry, tmp_path: Path) -> None:
    stock(mirror, "gcr.io/only/amd64", SampleImage(), tmp_path / "layout")
    faulty.faults["quay"] = [lambda handler: handler.reply(403, b"not in the allowlist")] * 2
    policy = ImagePolicy.from_config(
        {
            "mirrors": {
                "gcr.io": [f"{mirror.host}/gcr.io"],
                "quay.io": [f"{faulty.host}/quay.io"],
                "docker.io": ["127.0.0.1:1/docker.io"],
            }
        }
    )
    images = ["gcr.io/only/amd64:1", "gcr.io/not/there:1", "quay.io/a/b:1", "nginx:1", "ghcr.io/a/b:1"]
    plan = make_plan(wanted(*images), policy, ["amd64", "arm64"])
    reasons = {str(row.image): row.failures[0].reason for row in plan.missing}
    assert reasons == {
        "gcr.io/only/amd64:1": "architecture missing",
        "gcr.io/not/there:1": "not found",
        "quay.io/a/b:1": "forbidden",
        "docker.io/library/nginx:1": "connection refused",
        "ghcr.io/a/b:1": "no rule",
    }
    message = missing_message(plan)
    assert message.startswith("5 of 5 images cannot be had; nothing was changed.")
    assert f"{mirror.host}/gcr.io/not/there:1 (mirror {mirror.host}/gcr.io): not found" in message
    assert "it has no arm64 for linux, only amd64" in message
    assert "not in the allowlist" in message
    assert message.splitlines()[-1].startswith("127.0.0.1:1: connection refused: nothing listens there")


def test_a_private_registry_is_asked_with_its_login(
    private: RegistryProcess, private_settings: object, pki: Pki, tmp_path: Path
) -> None:
    registry = Registry(private.host, private_settings)
    layout = SampleImage().write(tmp_path / "layout")
    push_layout(layout, "", registry, Reference(private.host, "plan/todo", "1"))
    settings = {"ca_file": str(pki.ca_certificate), "username": USERNAME, "password": {"value": PASSWORD}}
    policy = ImagePolicy.from_config({"mirrors": {"docker.io": ["m.io"]}, "registries": {private.host: settings}})
    (row,) = make_plan(wanted(f"{private.host}/plan/todo:1"), policy, ["amd64"]).rows
    assert row.source is not None
    assert row.login


def test_the_plan_and_rewritten_manifests_take_the_first_mirror_that_has_it(
    mirror: RegistryProcess, faulty: FaultyRegistry, tmp_path: Path
) -> None:
    stock(mirror, "docker.io/plan/second", SampleImage(), tmp_path / "layout")
    mirrors = {"docker.io": [f"{faulty.host}/docker.io", f"{mirror.host}/docker.io"]}
    policy = ImagePolicy.from_config({"mirrors": mirrors, "mode": "rewrite"})
    (row,) = make_plan(wanted("plan/second:1"), policy, ["amd64"]).rows
    place = f"{mirror.host}/docker.io/plan/second:1"
    assert str(row.source) == place
    container = {"image": "plan/second:1", "args": ["--with=docker.io/only/looks:1"]}
    document = {"kind": "Pod", "spec": {"containers": [container]}}
    open_ones = undecided([document], policy)
    assert {str(image): sure for image, sure in open_ones.items()} == {
        "docker.io/plan/second:1": True,
        "docker.io/only/looks:1": False,
    }
    answers = choose(open_ones, policy, ["amd64"], Lock())
    chosen = {image: answer.candidate.reference for image, answer in answers.items() if answer.candidate}
    (changed,) = rewrite_documents([document], policy, chosen)
    assert changed["spec"]["containers"] == [{**container, "image": place}]
    # Nobody may forget to ask.
    with pytest.raises(PolicyError, match="none of its mirrors is known to have docker.io/plan/second:1"):
        rewrite_documents([document], policy)
    # With one mirror there is nothing to ask, and so nobody is asked.
    assert not undecided([document], ImagePolicy.from_config({"mirrors": {"docker.io": ["m.io"]}, "mode": "rewrite"}))
    assert not undecided([document], ImagePolicy.from_config({"mirrors": mirrors}))


def test_a_mirror_with_another_image_under_the_same_tag_is_passed_over(mirror: RegistryProcess, tmp_path: Path) -> None:
    right, wrong = SampleImage(b"right" * 100), SampleImage(b"wrong" * 100)
    stock(mirror, "first/plan/locked", wrong, tmp_path / "wrong")
    stock(mirror, "second/plan/locked", right, tmp_path / "right")
    config = {"mirrors": {"docker.io": [f"{mirror.host}/first", f"{mirror.host}/second"]}, "mode": "rewrite"}
    image = Reference.parse("plan/locked:1")
    policy = ImagePolicy.from_config(config)
    assert choose({image: True}, policy, [], Lock())[image].inspected.digest == wrong.index.digest
    lock = make_plan(
        wanted("plan/locked:1"), ImagePolicy.from_config({"mirrors": {"docker.io": [f"{mirror.host}/second"]}}), []
    )
    answer = choose({image: True}, policy, [], Lock(lock.locked()))[image]
    assert str(answer.candidate.reference) == f"{mirror.host}/second/plan/locked:1"
    assert [failure.reason for failure in answer.failures] == ["wrong digest"]
    gone = Reference.parse("plan/gone:1")
    with pytest.raises(PolicyError, match=r"(?s)docker.io/plan/gone:1: .*first.*not found.*second.*not found"):
        choose({image: True, gone: True}, policy, [], Lock())


def test_what_only_looks_like_an_image_does_not_stop_the_run(mirror: RegistryProcess) -> None:
    policy = ImagePolicy.from_config({"mirrors": {"gcr.io": [f"{mirror.host}/gcr.io"]}})
    plan = make_plan([Found("gcr.io/looks/like:1", "Deployment n/a: args", certain=False)], policy, [])
    assert not plan.missing
    assert [str(row.image) for row in plan.doubtful] == ["gcr.io/looks/like:1"]


def test_the_base_of_a_build_is_checked_but_not_for_nodes(mirror: RegistryProcess, tmp_path: Path) -> None:
    stock(mirror, "docker.io/library/base", SampleImage(), tmp_path / "layout")
    policy = ImagePolicy.from_config({"mirrors": {"docker.io": [f"{mirror.host}/docker.io"]}})
    plan = make_plan([], policy, [], check_only=[Found("base:1", "a build"), Found("gone:1", "a build")])
    assert [(str(row.image), row.prefetch) for row in plan.rows] == [
        ("docker.io/library/base:1", False),
        ("docker.io/library/gone:1", False),
    ]
    assert len(plan.missing) == 1


def test_the_login_of_a_mirror_is_no_business_of_pods(private: RegistryProcess, pki: Pki, tmp_path: Path) -> None:
    settings = {"ca_file": str(pki.ca_certificate), "username": USERNAME, "password": {"value": PASSWORD}}
    config = {"mirrors": {"docker.io": [f"{private.host}/m"]}, "registries": {private.host: settings}}
    policy = ImagePolicy.from_config(config)
    registry = Registry(private.host, policy.settings(private.host))
    push_layout(SampleImage().write(tmp_path / "layout"), "", registry, Reference(private.host, "m/login/app", "1"))
    assert [row.login for row in make_plan(wanted("login/app:1"), policy, ["amd64"]).rows] == [False]
    rewritten = ImagePolicy.from_config({**config, "mode": "rewrite"})
    assert [row.login for row in make_plan(wanted("login/app:1"), rewritten, ["amd64"]).rows] == [True]


@pytest.mark.parametrize(
    ("proxy", "reason", "said"),
    [
        ("socks5://me:canary@127.0.0.1:9", "connection refused", "the proxy cannot be used: Connection refused"),
        ("127.0.0.1:9", "connection refused", "the proxy cannot be used"),
        ("ftp://me:canary@proxy", "proxy", "HTTPS_PROXY"),
        ("http://me:canary@127.0.0.1:9", "connection refused", "the proxy cannot be used"),
    ],
)
def test_proxies_that_cannot_be_used_are_rows(
    monkeypatch: pytest.MonkeyPatch, proxy: str, reason: str, said: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setattr(choice, "BACKOFF", Backoff(attempts=1, patience=0.0))
    monkeypatch.setattr(plan_module, "BACKOFF", Backoff(attempts=1, patience=0.0))
    policy = ImagePolicy.from_config({"mirrors": {"docker.io": ["registry.invalid"]}})
    plan = make_plan(wanted("app:1"), policy, ["amd64"])
    (row,) = plan.missing
    (failure,) = row.failures
    assert failure.reason == reason
    assert said in failure.detail and "canary" not in str(failure)
