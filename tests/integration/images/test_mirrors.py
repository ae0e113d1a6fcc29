"""What a run says, does and leaves alone before it installs anything: mirrors, strictness, traps, passwords."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..conftest import until
from .conftest import Lab, changed, knative, rows

THREE = {
    "docker.io/library/postgres:15-bookworm",
    knative("serving", "activator"),
    knative("serving", "queue"),
}
NOWHERE = "gcr.io/nowhere/app:1"
SMALL = ["registry.k8s.io/metrics-server/metrics-server:v0.9.0"]
FEW = {"image_prefetch_components": [], "image_prefetch_check_only": [], "image_prefetch_extra_images": SMALL}
TRAPS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: trap, namespace: default}}
spec: {{template: {{spec: {{containers: [{{name: main, image: "{SMALL[0]}", imagePullPolicy: Always}}]}}}}}}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {{name: trap, namespace: default}}
spec: {{template: {{spec: {{containers: [{{image: "{SMALL[0]}"}}]}}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: config-deployment, namespace: knative-serving}}
data: {{registries-skipping-tag-resolving: "ko.local"}}
"""
FOREIGN = """
apiVersion: v1
kind: Pod
metadata: {name: foreign, namespace: default}
spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: "ghcr.io/team/app:1"}]}
"""
KINDS = "namespaces,configmaps,secrets,deployments,daemonsets,pods,customresourcedefinitions,clusterroles"


def state(lab: Lab) -> dict[str, Any]:
    """What the node and the cluster have: settings, images, objects with their versions."""
    files = {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in lab.certs.rglob("*") if path.is_file()
    }
    objects = lab.site.objects(KINDS, "-A")
    # The status of pods is not a run's doing
    versions = {
        item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in objects if item["kind"] != "Pod"
    }
    pods = {item["metadata"]["uid"] for item in objects if item["kind"] == "Pod"}
    return {"files": files, "images": lab.on_node(), "objects": versions, "pods": pods}


def test_what_the_first_mirror_lacks_comes_from_the_second_in_both_modes(lab: Lab) -> None:
    planned = set(rows(lab.images("plan")))
    assert planned > THREE
    first = f"{lab.private}/partial"
    stock = {**FEW, "image_prefetch_extra_images": sorted(planned - THREE), "image_prefetch_sync_to": first}
    lab.images("sync", **stock)
    before = state(lab)

    output = lab.run("site.yml", "--tags", "image_prefetch", "--check", **lab.policy(first, lab.mirror))
    table = rows(output)
    assert set(table) == planned
    for image, (place, status) in table.items():
        host = image.partition("/")[0]
        if image in THREE:
            assert (place, status) == (f"mirror {lab.mirror}/{host}", f"found, not at mirror {first}/{host}")
        else:
            assert (place, status) == (f"mirror {first}/{host}", "found")

    # A role run alone, which has no plan, rewrites its manifests in the same way.
    policy = lab.policy(first, lab.mirror, mode="rewrite")
    output = lab.run("site.yml", "--tags", "image_prefetch,knative", "--check", "--diff", **policy)
    assert {image: place for image, (place, _status) in rows(output).items()} == {
        image: place for image, (place, _status) in table.items()
    }
    for image in planned:
        if "/serving/cmd/" in image:
            place = f"{lab.mirror if image in THREE else first}/{image}"
            assert f"image: {place}" in output
    assert f"{lab.mirror}/{sorted(THREE)[1]}" in output and f"queue-sidecar-image: {lab.mirror}/" in output
    assert state(lab) == before


def test_one_image_that_is_nowhere_stops_a_run_before_it_changes_anything(lab: Lab) -> None:
    before = state(lab)
    done = lab.try_run("site.yml", image_prefetch_extra_images=[NOWHERE])
    assert done.returncode
    assert re.search(r"1 of \d+ images cannot be had; nothing was changed\.", done.stdout)
    assert f"- {NOWHERE}, needed by image_prefetch_extra_images" in done.stdout
    assert f"{lab.mirror}/{NOWHERE} (mirror {lab.mirror}/gcr.io): not found" in done.stdout
    assert state(lab) == before


def test_mirrors_that_containerd_would_not_read_stop_a_run(lab: Lab, tmp_path: Path) -> None:
    node = {
        "name": "lab",
        "exec": [str(lab.site.directory / "bin" / "lab-node")],
        "certs_dir": str(tmp_path / "certs.d"),
        "address": str(lab.site.directory / "containerd" / "containerd.sock"),
        "config": str(lab.site.directory / "etc" / "containerd.toml"),
    }
    done = lab.try_run("site.yml", "--tags", "image_prefetch", image_prefetch_nodes=[node], **FEW)
    assert done.returncode
    told = (
        f"config_path of io.containerd.cri.v1.images is {lab.certs}; mirrors written to {tmp_path}/certs.d are not read"
    )
    assert told in done.stdout
    assert not (tmp_path / "certs.d").exists()
    options = {**FEW, "image_prefetch_diagnose": False}
    lab.run("site.yml", "--tags", "image_prefetch", "--check", image_prefetch_nodes=[node], **options)


def test_traps_are_told_with_their_remedies(lab: Lab, tmp_path: Path) -> None:
    manifest = tmp_path / "traps.yaml"
    manifest.write_text(TRAPS)
    lab.site.kubectl("apply", "-f", "-", given=FOREIGN)
    try:
        options = {**FEW, "image_prefetch_manifests": [str(manifest)]}
        done = lab.try_run("site.yml", "--tags", "image_prefetch", "--check", **options)
        told = " ".join((done.stdout + done.stderr).split())
        assert not done.returncode, told[-3000:]
        for text in (
            f"Deployment default/trap: container main has {SMALL[0]} pulled Always; without the registry",
            "Set imagePullPolicy: IfNotPresent",
            "tags of registry.k8s.io are resolved by the controller itself",
            "add to knative_skip_tag_resolving: ['registry.k8s.io']",
            "serverless_images.strict refuses ghcr.io, which default/foreign use",
            "Add ghcr.io: [ghcr.io] to serverless_images.mirrors",
        ):
            assert text in told
        assert "not looked at" not in told
    finally:
        lab.site.kubectl("delete", "pod", "foreign", "--wait=false")


def test_a_strict_node_refuses_pods_of_another_registry_and_says_why(lab: Lab) -> None:
    lab.run("site.yml", "--tags", "image_prefetch", image_prefetch_pull=False, **FEW)
    lab.site.kubectl("apply", "-f", "-", given=FOREIGN)
    try:
        until("the pull fails with the reason", lambda: "http-refused://not-in-serverless_images" in events(lab), 60)
        # The mirror under its own name is listed.
        lab.site.kubectl("apply", "-f", "-", given=FOREIGN.replace("ghcr.io/team/app:1", f"{lab.mirror}/{SMALL[0]}"))
        until("the same pod starts with an image of the mirror", lambda: "Successfully pulled image" in events(lab), 60)
    finally:
        lab.site.kubectl("delete", "pod", "foreign", "--wait=false")
        lab.images("remove")
    assert not [path for path in lab.certs.rglob("*") if path.is_file()]


def events(lab: Lab) -> str:
    """What was told of the pod."""
    found = lab.site.objects("events", "--field-selector", "involvedObject.name=foreign")
    return "\n".join(item["message"] for item in found)


def test_the_password_of_a_mirror_is_nowhere(lab: Lab) -> None:
    lab.images("sync", **FEW, image_prefetch_sync_to=f"{lab.private}/canary")
    secrets = [lab.password, base64.b64encode(f"todo:{lab.password}".encode()).decode()]
    lab.empty_node()
    logs = {path: path.stat().st_size for path in (lab.site.directory / "log" / "lab").glob("*.log")}
    variables = {**FEW, **lab.policy(f"{lab.private}/canary")}
    with command_lines() as seen:
        output = lab.run("site.yml", "--tags", "image_prefetch", "-vvvv", "--diff", **variables)
        output += lab.run("playbooks/images.yml", "-vvvv", "--diff", images_verb="remove", **variables)
    written = [path.read_bytes()[size:].decode("utf-8", "replace") for path, size in logs.items()]
    assert "+  authorization = (not shown)" in output and SMALL[0] in output
    assert any("images pull" in line.replace("\0", " ") for line in seen)
    for text in [output, *seen, *written]:
        assert not [secret for secret in secrets if secret in text]
    assert not lab.on_node()
    assert changed(lab.images("remove")) == 0


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """The command lines and environments of all processes that were seen meanwhile."""
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        seen.add((process / name).read_text(errors="replace"))
                    except OSError:
                        continue  # it has ended
            done.wait(0.02)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
