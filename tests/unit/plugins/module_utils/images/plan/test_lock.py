"""The lock: written, read, extended, and what a plan makes of mirrors that have something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import (
    Lock,
    Locked,
    LockedPart,
    LockError,
    differences,
    extend_lock,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.plan import Plan, make_plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import Found
from faulty_registry import FaultyRegistry
from sample_images import SampleImage

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
NAME = "docker.io/library/app:1"


def plan_of(registry: FaultyRegistry, lock: Lock, *architectures: str) -> Plan:
    policy = ImagePolicy.from_config({"mirrors": {"docker.io": [f"{registry.host}/docker.io"]}})
    return make_plan([Found(NAME, "a pod")], policy, architectures or ("amd64",), lock=lock)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    images = {NAME: Locked(A, {"amd64": LockedPart(B, 17)})}
    before, after = extend_lock(tmp_path / "images.lock.yml", images)
    assert before == "" and after
    assert Lock.read(tmp_path / "images.lock.yml").images == images
    assert extend_lock(tmp_path / "images.lock.yml", images) == (after, after)
    assert list(tmp_path.iterdir()) == [tmp_path / "images.lock.yml"]


def test_a_file_that_says_all_keeps_the_form_that_its_owner_gave_it(tmp_path: Path) -> None:
    images = {NAME: Locked(A, {"amd64": LockedPart(B, 17)})}
    lock = tmp_path / "images.lock.yml"
    extend_lock(lock, images)
    lock.write_text(f"# ours\n{lock.read_text()}")
    before = lock.read_text()
    assert extend_lock(lock, images) == (before, before) == (lock.read_text(), before)


def test_architectures_are_added_to_the_same_image_alone() -> None:
    lock = Lock({NAME: Locked(A, {"amd64": LockedPart(B, 1)})})
    same = lock.with_images({NAME: Locked(A, {"arm64": LockedPart(B, 2)})})
    assert sorted(same.images[NAME].platforms) == ["amd64", "arm64"]
    other = lock.with_images({NAME: Locked(B, {"arm64": LockedPart(B, 2)})})
    assert list(other.images[NAME].platforms) == ["arm64"]


def test_differences_name_old_and_new() -> None:
    lock = Lock({NAME: Locked(A)})
    assert differences(lock, {NAME: Locked(B), "x": Locked(A)}) == [f"{NAME}: {A} -> {B}", f"x: new, {A}"]
    assert differences(lock, {NAME: Locked(A)}) == []


@pytest.mark.parametrize(
    "text", ["", "images: []", "images: {a: {}}", "images: {a: {digest: sha256:1, platforms: {}}}", "{"]
)
def test_a_damaged_lock_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(text)
    with pytest.raises(LockError, match="remove it to have all images resolved anew"):
        Lock.read(tmp_path / "lock")


def test_a_locked_image_costs_one_request(faulty: FaultyRegistry) -> None:
    image = SampleImage(architectures=("amd64", "arm64"))
    faulty.add(image)
    lock = Lock(plan_of(faulty, Lock(), "amd64", "arm64").locked())
    before = len(faulty.requests)
    (row,) = plan_of(faulty, lock, "arm64").rows
    # The headers of our HEAD may lack the digest; then the manifest itself is asked for.
    assert [method for method, _path, _headers in faulty.requests[before:]] in (["HEAD"], ["HEAD", "GET"])
    assert row.inspected and row.inspected.digest == image.index.digest
    assert row.inspected.size == sum(blob.size for blob in image.parts[1].blobs())


def test_a_tag_that_moved_on_is_taken_by_its_locked_digest(faulty: FaultyRegistry) -> None:
    old, new = SampleImage(b"old"), SampleImage(b"new")
    faulty.add(old)
    lock = Lock(plan_of(faulty, Lock()).locked())
    faulty.add(new)
    (row,) = plan_of(faulty, lock).rows
    assert row.inspected and row.inspected.digest == old.index.digest


def test_a_mirror_with_another_image_under_the_tag_is_refused(faulty: FaultyRegistry) -> None:
    old, new = SampleImage(b"old"), SampleImage(b"new")
    faulty.add(old)
    lock = Lock(plan_of(faulty, Lock()).locked())
    faulty.manifests.clear()
    faulty.add(new)
    (row,) = plan_of(faulty, lock).missing
    assert row.failures[0].reason == "wrong digest"
    assert old.index.digest in row.failures[0].detail and new.index.digest in row.failures[0].detail


def test_a_mirror_that_lacks_the_locked_image(faulty: FaultyRegistry) -> None:
    faulty.add(SampleImage())
    lock = Lock(plan_of(faulty, Lock()).locked())
    faulty.manifests.clear()
    (row,) = plan_of(faulty, lock).missing
    assert row.failures[0].reason == "not found"
    assert "which the lock says" in row.failures[0].detail


def test_an_architecture_that_the_lock_lacks_is_resolved_within_the_locked_image(faulty: FaultyRegistry) -> None:
    faulty.add(SampleImage(architectures=("amd64", "arm64")))
    lock = Lock(plan_of(faulty, Lock(), "amd64").locked())
    extended = lock.with_images(plan_of(faulty, lock, "arm64").locked())
    assert sorted(extended.images[NAME].platforms) == ["amd64", "arm64"]
