"""The objects that tell OpenShift's nodes the mirrors, and what the Machine Config Operator makes of a change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.image_config import lacking
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.machine_config_pools import (
    degraded,
    updated_waits,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.mirror_rollout import may_stand_together
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.mirror_sets import (
    DIGEST,
    TAG,
    Entry,
    conflicts,
    documents_of,
    drains,
    early_origins,
    entries_in,
    entries_of,
    is_told,
    overlaps,
)

SHA = "@sha256:" + "a" * 64
MIRRORS = {"docker.io": ["m.io/hub"], "gcr.io": ["m.io/gcr", "n.io/gcr", "gcr.io"], "quay.io": ["quay.io"]}


def policy(**config: Any) -> ImagePolicy:
    return ImagePolicy.from_config({"mirrors": MIRRORS, **config})


def test_tags_and_digests_decide_and_only_planned_repositories_are_named() -> None:
    images = ["gcr.io/knative/activator" + SHA, "gcr.io/knative/tool:1", "quay.io/other/one:1", "m.io/own/image:2"]
    assert entries_of(policy(), images) == [
        Entry(DIGEST, "gcr.io/knative/activator", ("m.io/gcr/knative/activator", "n.io/gcr/knative/activator")),
        Entry(TAG, "gcr.io/knative/tool", ("m.io/gcr/knative/tool", "n.io/gcr/knative/tool")),
    ]


def test_a_closed_origin_is_told_for_both_forms() -> None:
    """Else pods of others that name the other form would find the source blocked and no mirror."""
    found = entries_of(policy(), ["postgres:15"])
    assert found == [
        Entry(kind, "docker.io/library/postgres", ("m.io/hub/library/postgres",), True) for kind in (DIGEST, TAG)
    ]
    documents = documents_of(found, [])
    assert [(one["kind"], list(one["spec"])) for one in documents] == [
        (DIGEST, ["imageDigestMirrors"]),
        (TAG, ["imageTagMirrors"]),
    ]
    assert documents[0]["spec"]["imageDigestMirrors"] == [
        {
            "source": "docker.io/library/postgres",
            "mirrors": ["m.io/hub/library/postgres"],
            "mirrorSourcePolicy": "NeverContactSource",
        }
    ]


def test_a_tag_beside_a_digest_does_not_count() -> None:
    assert [one.kind for one in entries_of(policy(), ["gcr.io/a/b:1" + SHA])] == [DIGEST]


def test_rewritten_references_need_nothing() -> None:
    assert entries_of(policy(mode="rewrite"), ["postgres:15"]) == []


def test_an_origin_in_the_midst_is_asked_last_and_named() -> None:
    images = ["gcr.io/a/b:1"]
    first = ImagePolicy.from_config({"mirrors": {"gcr.io": ["gcr.io", "m.io/gcr"]}})
    assert entries_of(first, images) == [Entry(TAG, "gcr.io/a/b", ("m.io/gcr/a/b",))]
    assert early_origins(first, images) == ["gcr.io/a/b"]
    assert early_origins(policy(), images) == []


def of_others(kind: str, field: str, source: str, *mirrors: str, **more: str) -> list[Entry]:
    item = {
        "kind": kind,
        "metadata": {"name": "theirs"},
        "spec": {field: [{"source": source, "mirrors": list(mirrors), **more}]},
    }
    return entries_in([item])


def test_what_others_say_is_not_said_again() -> None:
    wanted = [Entry(DIGEST, "gcr.io/a/b", ("m.io/a/b",)), Entry(DIGEST, "gcr.io/a/c", ("m.io/a/c",))]
    theirs = of_others(DIGEST, "imageDigestMirrors", "gcr.io/a/b", "m.io/a/b")
    [document] = documents_of(wanted, theirs)
    assert [one["source"] for one in document["spec"]["imageDigestMirrors"]] == ["gcr.io/a/c"]
    assert documents_of(wanted[:1], theirs) == []


def test_old_policies_are_for_digests_and_never_closed() -> None:
    theirs = of_others("ImageContentSourcePolicy", "repositoryDigestMirrors", "gcr.io/a", "m.io/a")
    assert theirs == [Entry(DIGEST, "gcr.io/a", ("m.io/a",), False, "ImageContentSourcePolicy theirs")]
    assert of_others("ImageContentSourcePolicy", "repositoryDigestMirrors", "gcr.io/a", "gcr.io/a") == []


def test_two_policies_for_one_source_are_a_conflict_in_whatever_kind() -> None:
    wanted = [Entry(TAG, "gcr.io/a/b", ("m.io/a/b",), True)]
    theirs = of_others(DIGEST, "imageDigestMirrors", "gcr.io/a/b", "x.io/a/b")
    [line] = conflicts(wanted, theirs)
    assert "ImageDigestMirrorSet theirs says AllowContactingSource" in line
    same = of_others(DIGEST, "imageDigestMirrors", "gcr.io/a/b", "x.io/a/b", mirrorSourcePolicy="NeverContactSource")
    assert conflicts(wanted, same) == []
    assert conflicts(wanted, of_others(DIGEST, "imageDigestMirrors", "gcr.io/a", "x.io/a")) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("gcr.io/a/b", "OpenShift asks both"),
        ("gcr.io/a", "count there no more"),
        ("gcr.io", "count there no more"),
        ("*.gcr.io", ""),
        ("gcr.io/a/bc", ""),
    ],
)
def test_what_concerns_mirrors_of_others_is_told(source: str, words: str) -> None:
    found = overlaps([Entry(TAG, "gcr.io/a/b", ("m.io/a/b",))], of_others(TAG, "imageTagMirrors", source, "x.io/b"))
    assert bool(found) is bool(words) and words in "".join(found)


def test_a_wildcard_covers_hosts_below() -> None:
    theirs = [Entry(TAG, "*.gcr.io", ("x.io",), of="ImageTagMirrorSet theirs")]
    assert overlaps([Entry(TAG, "eu.gcr.io/a", ("m.io/a",))], theirs)


ADDED = Entry(DIGEST, "gcr.io/a/b", ("m.io/a/b",))
CLOSED = Entry(DIGEST, "gcr.io/a/b", ("m.io/a/b",), True)
TAGGED = Entry(TAG, "gcr.io/a/b", ("m.io/a/b",))
MORE = Entry(DIGEST, "gcr.io/a/b", ("m.io/a/b", "n.io/a/b"))


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ([], [ADDED], ""),
        ([], [CLOSED], ""),
        ([ADDED], [MORE], ""),
        ([ADDED], [ADDED], ""),
        ([], [TAGGED], "gets mirrors of tags"),
        ([ADDED], [ADDED, TAGGED], "gets mirrors of tags"),
        ([MORE], [ADDED], "mirrors of gcr.io/a/b are taken away"),
        ([ADDED], [], "gcr.io/a/b is taken away"),
        ([ADDED], [CLOSED], "is closed"),
        ([CLOSED], [ADDED], "is opened"),
    ],
)
def test_when_the_operator_drains_nodes(before: list[Entry], after: list[Entry], why: str) -> None:
    """As isSafeContainerRegistryConfChanges in openshift/machine-config-operator's pkg/daemon/drain.go has it."""
    found = drains(before, after)
    assert bool(found) is bool(why) and why in "".join(found)
    assert is_told(before, after) is (before == after)


def test_pools_are_waited_for_until_they_have_the_next_configuration() -> None:
    pools = [
        {"metadata": {"name": "worker"}, "spec": {"configuration": {"name": "rendered-worker-1"}}},
        {"metadata": {"name": "held"}, "spec": {"paused": True, "configuration": {"name": "rendered-held-1"}}},
    ]
    [changed] = updated_waits(pools, True)
    assert (changed["kind"], changed["name"]) == ("MachineConfigPool", "worker")
    assert changed["expression"].startswith("spec.configuration.name != 'rendered-worker-1' && ")
    [same] = updated_waits(pools, False)
    assert "!=" not in same["expression"]
    assert degraded(pools) == []
    pools[0]["status"] = {"conditions": [{"type": "Degraded", "status": "True", "message": "1 node"}]}
    assert degraded(pools) == ["MachineConfigPool worker is Degraded: 1 node"]


def test_what_the_image_configuration_lacks() -> None:
    registries = {
        "plain.io:5000": {"plain_http": True},
        "own.io:5001": {"ca_file": "/ca.pem"},
        "login.io": {"username": "u", "password": {"value": "p"}},
    }
    images = policy(registries=registries)
    hosts = ["plain.io:5000", "own.io:5001", "login.io", "m.io"]
    words = "\n".join(lacking(images, hosts, {}, ()))
    assert "plain.io:5000 is reached without TLS; add it" in words and "insecureRegistries" in words
    assert (
        "own.io:5001 has an authority of its own; add /ca.pem to a ConfigMap in openshift-config as own.io..5001"
        in words
    )
    assert "login.io wants a login" in words and "m.io " not in words
    sources = {"insecureRegistries": ["plain.io:5000"], "allowedRegistries": ["*.io", "m.io"]}
    config = {"spec": {"registrySources": sources, "additionalTrustedCA": {"name": "ca"}}}
    assert [line.split()[0] for line in lacking(images, hosts, config, {"own.io..5001": ""})] == ["login.io"]
    assert "ConfigMap ca in openshift-config" in lacking(images, ["own.io:5001"], config, ())[0]
    blocked = {"spec": {"registrySources": {"blockedRegistries": ["m.io"]}}}
    assert "blockedRegistries; take it out" in lacking(images, ["m.io"], blocked, ())[0]
    narrow = {"spec": {"registrySources": {"allowedRegistries": ["quay.io"]}}}
    assert "m.io is not in" in lacking(images, ["m.io"], narrow, ())[0]


@pytest.mark.parametrize(
    ("version", "may"),
    [
        ("4.13.26", False),
        ("4.13.27", True),
        ("4.14.2", False),
        ("4.14.3", True),
        ("4.15.0", True),
        ("4.20.3-ec.1", True),
        ("", True),
    ],
)
def test_since_when_old_policies_may_stand_beside(version: str, may: bool) -> None:
    assert may_stand_together(version) is may
