"""The images of a report: plan, lock and pods as one list."""

from __future__ import annotations

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import Lock, Locked, LockedPart
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.images import (
    digest_and_size,
    image_rows,
    locked_images,
)
from noted_runs import planned

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
LOCK = Lock({"gcr.io/a/b:1": Locked(A, {"amd64": LockedPart(B, 10), "arm64": LockedPart(B, 7)})})


def running(image: str, place: str = "mirror m.example", observed: bool = False) -> dict[str, object]:
    return {"image": image, "from": place, "observed": observed, "digest": "", "size": None}


def test_a_pods_name_is_found_in_the_plan_whichever_of_its_names_it_is() -> None:
    row = {**planned("gcr.io/a/b:1", "m.example"), "delivered": "m.example/a/b:1"}
    for name in ("gcr.io/a/b:1", "m.example/a/b:1"):
        [found] = image_rows([running(name)], [row])
        assert (found["image"], found["digest"], found["size"], found["runs"]) == (name, A, 42_000_000, True)


def test_docker_hubs_short_names_are_whole_names() -> None:
    [found] = image_rows([running("nginx:1")], [planned("docker.io/library/nginx:1", "m.example")])
    assert found["digest"] == A


def test_what_a_node_tells_comes_before_the_plan() -> None:
    rows = [planned("gcr.io/a/b:1", "m.example")]
    [found] = image_rows([running("gcr.io/a/b:1", "n.example", observed=True)], rows)
    assert (found["from"], found["observed"], found["reference"]) == ("n.example", True, "m.example/a/b:1")


def test_images_that_no_pod_has_are_told_but_for_those_of_a_build() -> None:
    rows = [planned("gcr.io/a/b:1", "m.example"), {**planned("gcr.io/a/base:1", "m.example"), "check_only": True}]
    assert [(row["image"], row["runs"]) for row in image_rows([], rows)] == [("gcr.io/a/b:1", False)]


def test_without_a_plan_the_lock_knows_digest_and_size() -> None:
    policy = ImagePolicy.from_config({"mode": "rewrite", "mirrors": {"gcr.io": ["m.example/gcr.io"]}})
    locked = locked_images(LOCK, policy)
    for name in ("gcr.io/a/b:1", "m.example/gcr.io/a/b:1"):
        assert digest_and_size(name, locked, ["amd64", "arm64"]) == (A, 17)
    assert digest_and_size("gcr.io/a/b:1", locked, ["s390x"]) == (A, None)
    assert digest_and_size("gcr.io/a/other:1", locked, ["amd64"]) == ("", None)
    assert digest_and_size(f"gcr.io/a/other@{B}", locked, ["amd64"]) == (B, None)


def test_names_that_are_none_do_no_harm() -> None:
    [found] = image_rows([running("UPPER case:?")], [])
    assert found["image"] == "UPPER case:?" and found["size"] is None
