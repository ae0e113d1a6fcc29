"""Delivery to nodes of kind by docker exec, beside the real kind: nodes are containers with containerd, no kubelets.

What a node of kind has besides (systemd, kubeadm, a kubelet) is not here. At the end there is a table.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from api_server import running_api_server

from .clusters import KindCluster
from .conftest import IMAGES, NOWHERE, Run, World

pytestmark = pytest.mark.acceptance

ONE, TWO = IMAGES
CONFIG = "/etc/containerd/config.toml"
PINNED = "io.cri-containerd.pinned=pinned"


def state(cluster: KindCluster) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """The images and the settings of every node."""
    return {node: (cluster.images(node), cluster.settings(node)) for node in cluster.nodes}


def delivered(world: World, cluster: KindCluster) -> None:
    """See that both images are on every node, as a kubelet sees them too."""
    for node in cluster.nodes:
        images, seen = cluster.images(node), cluster.cri_images(node)
        assert {name: images.get(name) for name in IMAGES} == {name: world.digest(name) for name in IMAGES}
        assert set(IMAGES) <= set(seen), seen


def refused(run: Run) -> str:
    """The one error of a run that stopped."""
    assert run.code, run.end()
    errors = re.findall(r"^\[ERROR\]: (.*?)(?=^Origin:)", run.output, re.MULTILINE | re.DOTALL)
    assert len(errors) == 1, run.end()
    return " ".join(errors[0].split())


def test_the_real_kind_knows_the_cluster_and_its_nodes(world: World) -> None:
    assert world.kind("get", "clusters").split() == ["one"]
    assert sorted(world.kind("get", "nodes", "--name=one").split()) == world.cluster.nodes


def test_delivery_goes_by_docker_exec_to_both_nodes_once(world: World) -> None:
    foreseen = world.deliver("--check")
    assert foreseen.code == 0 and foreseen.changed, foreseen.end()
    assert state(world.cluster) == {node: ({}, {}) for node in world.cluster.nodes}
    run = world.deliver()
    assert run.code == 0, run.end()
    assert "delivery: kind, because the cluster's nodes are of that kind" in run.said
    assert {node for node, _command in world.docker.execs(run.began, run.ended)} == set(world.cluster.nodes)
    delivered(world, world.cluster)
    for node in world.cluster.nodes:
        pulls = [command for name, command in world.docker.execs(run.began, run.ended) if name == node]
        assert sum(" images pull --hosts-dir /etc/containerd/certs.d " in command for command in pulls) == len(IMAGES)
        assert set(world.cluster.settings(node)) >= {"docker.io/hosts.toml", "registry.k8s.io/hosts.toml"}
        labels = world.cluster.on(node, "ctr", "--namespace=k8s.io", "images", "ls", f"name=={ONE}")
        assert PINNED in labels
    before = state(world.cluster)
    again = world.deliver()
    assert again.code == 0 and again.changed == 0, again.end()
    assert state(world.cluster) == before
    world.cells["site.yml, images alone"] = f"{run.seconds:.0f} s; again {again.seconds:.0f} s, changed={again.changed}"


def test_the_mirror_that_was_told_serves_what_kubelets_pull(world: World) -> None:
    node, later = world.cluster.nodes[1], f"{NOWHERE}/kind/later:1"
    world.stock(later)
    world.cluster.on(node, "crictl", "pull", later)
    assert world.cluster.images(node)[later] == world.digest(later)
    world.cluster.on(node, "crictl", "rmi", later)


def test_containerd_that_would_not_read_the_mirrors_is_told_and_does_not(world: World) -> None:
    node, later = world.cluster.nodes[1], f"{NOWHERE}/kind/never:1"
    world.stock(later)
    # Without this setting of kind's, the CRI plugin of containerd pulls through its transfer service
    change = ("sed", "-i", "s/discard_unpacked_layers = true/discard_unpacked_layers = false/", CONFIG)
    back = ("sed", "-i", "s/discard_unpacked_layers = false/discard_unpacked_layers = true/", CONFIG)
    try:
        world.cluster.restart(node, *change)
        before = state(world.cluster)
        error = refused(world.deliver())
        assert f"{node}, containerd's config.toml: config_path of io.containerd.cri.v1.images is not set" in error
        assert "mirrors may be ignored silently" in error and world.cluster.nodes[0] not in error, error
        assert state(world.cluster) == before and f"{NOWHERE}/hosts.toml" in before[node][1]
        with pytest.raises(AssertionError, match="no such host|server misbehaving|failed to do request"):
            world.cluster.on(node, "crictl", "pull", later)
    finally:
        world.cluster.restart(node, *back)
    world.cluster.on(node, "crictl", "pull", later)
    world.cluster.on(node, "crictl", "rmi", later)
    world.cells["mirrors that containerd would not read"] = "told, nothing written"


def test_a_bundle_is_imported_by_us_and_by_kind(world: World) -> None:
    bundle = world.directory / "bundle.tar"
    # kind imports with --all-platforms, so each that an image has must be in it
    both = {"image_prefetch_architectures": ["amd64", "arm64"]}
    made = world.images("bundle", image_prefetch_bundle=str(bundle), todo_state="absent", **both)
    assert made.code == 0, made.end()
    world.remove()
    world.cluster.forget()
    run = world.images("load", image_prefetch_bundle=str(bundle), todo_state="absent")
    assert run.code == 0 and run.changed, run.end()
    delivered(world, world.cluster)
    ours = {node: world.cluster.cri_images(node) for node in world.cluster.nodes}
    world.remove()
    world.cluster.forget()
    world.kind("load", "image-archive", "--name=one", str(bundle))
    delivered(world, world.cluster)
    assert {node: world.cluster.cri_images(node) for node in world.cluster.nodes} == ours
    world.cluster.forget()
    assert world.deliver().code == 0
    world.cells["a bundle"] = f"imported in {run.seconds:.0f} s; kind load image-archive takes it too"


def test_it_is_as_after_kind_load(world: World) -> None:
    ours = {node: (world.cluster.images(node), world.cluster.cri_images(node)) for node in world.cluster.nodes}
    world.cluster.forget()
    world.kind("load", "image-archive", "--name=one", str(world.archive()))
    for node in world.cluster.nodes:
        images, seen = world.cluster.images(node), world.cluster.cri_images(node)
        # kind has ctr import with --digests, which names each image by the time of the import as well
        ours_by_name, theirs = ours[node][0], {name: one for name, one in images.items() if "import-" not in name}
        assert theirs == ours_by_name
        assert {name: seen[name] for name in IMAGES} == {name: ours[node][1][name] for name in IMAGES}
    run = world.deliver()
    assert run.code == 0 and run.changed == 0, run.end()
    world.cells["after kind load image-archive"] = f"the same names, digests and IDs; a run has changed={run.changed}"


def test_what_docker_made_anew_for_kind_load_is_pulled_as_planned(world: World) -> None:
    world.cluster.forget()
    # As a user has it: docker's own manifest, with another digest
    world.docker("pull", "--quiet", f"{world.mirror}/{ONE}")
    world.docker("tag", f"{world.mirror}/{ONE}", ONE)
    world.kind("load", "docker-image", "--name=one", ONE)
    for node in world.cluster.nodes:
        assert world.cluster.images(node)[ONE] != world.digest(ONE)
    run = world.deliver()
    assert run.code == 0 and run.changed == 1, run.end()
    delivered(world, world.cluster)
    again = world.deliver()
    assert again.code == 0 and again.changed == 0, again.end()
    world.cells["after kind load docker-image"] = "another digest; pulled as planned"


def test_a_stopped_node_is_named_before_the_first_is_changed(world: World) -> None:
    first, second = world.cluster.nodes
    world.remove()
    world.cluster.forget()
    before = (world.cluster.images(first), world.cluster.settings(first))
    world.docker("stop", second)
    try:
        run = world.deliver()
        error = refused(run)
        assert f"node {second}: docker exec --interactive {second}" in error and "is not running" in error, error
        assert f"node {first}" not in error and "Nothing was changed on any node" in error, error
        assert (world.cluster.images(first), world.cluster.settings(first)) == before
    finally:
        world.docker("start", second)
        world.cluster.await_containerd()
    run = world.deliver()
    assert run.code == 0 and run.changed == 1, run.end()
    delivered(world, world.cluster)
    world.cells["a stopped node"] = "named, nothing written"


def test_docker_that_is_away_is_named_before_anything_is_changed(world: World, tmp_path: Path) -> None:
    before = state(world.cluster)
    run = world.deliver(env={"DOCKER_HOST": f"unix://{tmp_path}/nobody"})
    error = refused(run)
    assert "Cannot connect to the Docker daemon" in error and "Nothing was changed on any node" in error, error
    assert "is the docker daemon running" in error.lower()
    # Without the program, whoever wants it is told, and the run goes on by references where nobody said how
    nothing = world.without("docker", "podman", "nerdctl")
    error = refused(world.deliver(env={"PATH": nothing}, image_prefetch_delivery="kind"))
    assert "there is no command docker" in error, error
    run = world.deliver(env={"PATH": nothing})
    assert run.code == 0 and "the cluster is of kind, but there is no command docker here" in run.said, run.end()
    assert state(world.cluster) == before
    world.cells["docker away, docker not there"] = "one error each, nothing written"


def test_a_cluster_of_podman_is_not_reached_by_docker(world: World, tmp_path: Path) -> None:
    before = state(world.cluster)
    with running_api_server(tmp_path) as server:
        other = KindCluster("one", world.docker, server, engine="podman")
        other.register()
        path = world.without("podman", "nerdctl")
        with other.beating():
            run = world.deliver(clusters=[other], env={"PATH": path})
            forced = world.deliver(clusters=[other], env={"PATH": path}, image_prefetch_delivery="kind")
        assert run.code == 0 and "the cluster is of kind, but there is no command podman here" in run.said, run.end()
        assert "there is no command podman" in refused(forced)
        assert not world.docker.execs(run.began, forced.ended)
    assert state(world.cluster) == before
    world.cells["nodes of podman, docker there"] = "refused by name"


def test_two_clusters_on_one_docker_do_not_mix(world: World, tmp_path: Path) -> None:
    with running_api_server(tmp_path) as server:
        two = KindCluster("two", world.docker, server, roles=("control-plane",))
        try:
            two.start()
            with two.beating():
                beside(world, two)
        finally:
            two.remove()
    world.cells["two clusters on one docker"] = "neither has anything of the other's"


def beside(world: World, two: KindCluster) -> None:
    """Deliver to another cluster alone, then to both, and take it away again; the first one stays as it is."""
    assert world.kind("get", "clusters").split() == ["one", "two"]
    before = state(world.cluster)
    run = world.deliver(clusters=[two])
    assert run.code == 0 and run.changed == 1, run.end()
    assert {node for node, _command in world.docker.execs(run.began, run.ended)} == set(two.nodes)
    delivered(world, two)
    assert state(world.cluster) == before
    both = world.deliver(clusters=[world.cluster, two])
    assert both.code == 0 and both.changed == 0, both.end()
    run = world.remove(clusters=[two])
    assert run.code == 0 and run.changed == 1, run.end()
    assert state(two) == {node: ({}, {}) for node in two.nodes}
    assert state(world.cluster) == before


def test_removal_takes_the_settings_and_the_images(world: World) -> None:
    node = world.cluster.nodes[0]
    world.cluster.on(node, "ctr", "--namespace=k8s.io", "containers", "create", TWO, "uses-it", "/content")
    run = world.remove()
    assert run.code == 0 and run.changed == 1, run.end()
    assert f"containers use {TWO}" in run.said
    assert set(world.cluster.images(node)) >= {TWO} and ONE not in world.cluster.images(node)
    world.cluster.on(node, "ctr", "--namespace=k8s.io", "containers", "rm", "uses-it")
    later = world.remove()
    assert later.code == 0 and later.changed == 1, later.end()
    assert state(world.cluster) == {node: ({}, {}) for node in world.cluster.nodes}
    again = world.remove()
    assert again.code == 0 and again.changed == 0, again.end()
    world.cells["removal"] = f"{run.seconds:.0f} s; nothing left"
