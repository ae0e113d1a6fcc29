# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images brought to nodes that run no command of ours: pods of a DaemonSet have their kubelets pull them.

By volumes: pods that stay, with the images as image volumes (KEP-4639), so that the kubelet neither forgets them nor
collects them, and a new node gets them too. By containers, where those volumes are not to be had: a container of each
image with a command that no image has; it cannot start, but its image is pulled, and then the pods are removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...site.node_kinds import APART, NodeKind, is_apart, node_kind, treatment

NAME = "image-prefetch"
SECRET = "image-prefetch-registries"
_IMAGES_OF_A_POD = 20
_APART = (NodeKind.VIRTUAL, NodeKind.SIMULATED)
_TOLD = 50  # images that a node tells at most (nodeStatusMaxImages of the kubelet)
_SCHEDULED = "status.desiredNumberScheduled > `0` && status.updatedNumberScheduled == status.desiredNumberScheduled"
_NO_COMMAND = "/no-such-command-the-image-alone-is-wanted"
# The first versions with image volumes on by default, and of runtimes that know them (KEP-4639; the runtimes' notes)
_SERVER = (1, 35)
_RUNTIMES = {"containerd": (2, 1), "cri-o": (1, 33)}


def volumes_known(version: str, nodes: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a server of this version (v1.36.3) and the runtimes of all nodes meant know image volumes."""
    meant = [node for node in nodes if treatment(node).planned]
    runtimes = [str(node["status"]["nodeInfo"]["containerRuntimeVersion"]).partition("://") for node in meant]
    return _numbers(version) >= _SERVER and all(
        name in _RUNTIMES and _numbers(number) >= _RUNTIMES[name] for name, _separator, number in runtimes
    )


def lacking(nodes: Iterable[Mapping[str, Any]], images: Iterable[str]) -> list[str]:
    """Return the images that some node waited for does not tell among those it has; it tells at most 50."""
    told = [
        {name for image in node["status"].get("images") or [] for name in image.get("names") or []}
        for node in nodes
        if treatment(node).awaited
    ]
    return sorted(image for image in images if not all(image in names for names in told))


def prepull_documents(
    images: Sequence[str],
    by: str,
    holder: str,
    namespace: str,
    login: bool,
    nodes: Iterable[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Return the namespace and the DaemonSets that bring these images to all nodes of Linux with a kubelet.

    `by` is volumes or containers; `holder` is the image that holds the volumes, one that stays when it is started;
    `login` says whether the secret SECRET of that namespace is for pulling. `nodes` are the Node objects that there
    are: those that only the cluster's API tells apart are named in the DaemonSets.
    """
    wanted = sorted(set(images))
    parts = [wanted[start : start + _IMAGES_OF_A_POD] for start in range(0, len(wanted), _IMAGES_OF_A_POD)]
    place = _place(nodes)
    pods = [{**(_by_volumes(part, holder) if by == "volumes" else _by_containers(part)), **place} for part in parts]
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    return [space, *(_daemon_set(f"{NAME}-{number}", pod, namespace, login) for number, pod in enumerate(pods))]


def pulled_waits(
    documents: Iterable[Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return what to wait for (as the wait action takes it) until the pods by containers have pulled all images.

    Pods on those of the `nodes` that are meant, but not waited for, may still lack them.
    """
    waits = []
    elsewhere = "".join(f" || spec.nodeName == '{name}'" for name in _late(nodes))
    for document in documents:
        if document["kind"] == "DaemonSet":
            space, name = document["metadata"]["namespace"], document["metadata"]["name"]
            number = len(document["spec"]["template"]["spec"]["containers"])
            pulled = f"length(not_null(status.containerStatuses, `[]`)[?imageID != '']) == `{number}`{elsewhere}"
            pods = {"api_version": "v1", "kind": "Pod", "namespace": space, "label_selector": f"part={name}"}
            owner = {"api_version": "apps/v1", "kind": "DaemonSet", "namespace": space, "name": name}
            waits += [{**owner, "expression": _SCHEDULED}, {**pods, "expression": pulled}]
    return waits


def mounted_waits(documents: Iterable[Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what to wait for until the pods with volumes run on all nodes but those that are not waited for.

    Nothing where all are: then the DaemonSets are complete, which is what they say of themselves.
    """
    late = len(_late(nodes))
    # JMESPath as it is standardised has no subtraction, so the sum is on the other side.
    enough = "sum([not_null(status.{0}, `0`), `{1}`]) >= status.desiredNumberScheduled"
    parts = ["updatedNumberScheduled", "numberReady"]
    expression = " && ".join(
        ["status.observedGeneration >= metadata.generation", *(enough.format(part, late) for part in parts)]
    )
    sets = [document["metadata"] for document in documents if document["kind"] == "DaemonSet"]
    target = {"api_version": "apps/v1", "kind": "DaemonSet", "expression": expression}
    return [{**target, "namespace": one["namespace"], "name": one["name"]} for one in sets if late]


def told_waits(nodes: Iterable[Mapping[str, Any]], images: Sequence[str]) -> list[dict[str, Any]]:
    """Return what to wait for until all nodes waited for tell that they have these images, so a next run finds them.

    The kubelet looks about every half minute. A node with as many images as it can tell is not waited for.
    """
    told = "not_null(status.images, `[]`)[].names[]"
    there = " && ".join(f"contains({told}, '{image}')" for image in sorted(set(images)))
    expression = f"length(not_null(status.images, `[]`)) >= `{_TOLD}` || ({there})"
    names = [node["metadata"]["name"] for node in nodes if treatment(node).awaited]
    return [{"api_version": "v1", "kind": "Node", "name": name, "expression": expression} for name in names if there]


def _late(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the nodes that pods are meant for, but not waited for."""
    return [node["metadata"]["name"] for node in nodes if treatment(node).prepulled and not treatment(node).awaited]


def _place(nodes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return where pods go: nodes of Linux, without those of virtual kubelets, which would run (and bill) each pod."""
    labels = [{"key": key, "operator": "NotIn", "values": list(values)} for key, values in APART.items()]
    names = sorted(node["metadata"]["name"] for node in nodes if node_kind(node) in _APART and not is_apart(node))
    # A field takes one value at a time.
    fields = [{"key": "metadata.name", "operator": "NotIn", "values": [name]} for name in names]
    term: dict[str, Any] = {"matchExpressions": labels, **({"matchFields": fields} if fields else {})}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    return {"nodeSelector": {"kubernetes.io/os": "linux"}, "affinity": affinity}


def _by_volumes(images: Sequence[str], holder: str) -> dict[str, Any]:
    volumes = [
        {"name": f"image-{number}", "image": {"reference": image, "pullPolicy": "IfNotPresent"}}
        for number, image in enumerate(images)
    ]
    # Only what is mounted is pulled.
    mounts = [{"name": item["name"], "mountPath": f"/images/{item['name']}", "readOnly": True} for item in volumes]
    return {"containers": [{**_container("holder", holder), "volumeMounts": mounts}], "volumes": volumes}


def _by_containers(images: Sequence[str]) -> dict[str, Any]:
    containers = [
        {**_container(f"image-{number}", image), "command": [_NO_COMMAND]} for number, image in enumerate(images)
    ]
    return {"containers": containers}


def _container(name: str, image: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"memory": "32Mi"}},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def _daemon_set(name: str, pod: dict[str, Any], namespace: str, login: bool) -> dict[str, Any]:
    labels = {"app": NAME, "part": name}
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}],
        **pod,
    }
    if login:
        spec["imagePullSecrets"] = [{"name": SECRET}]
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            # All nodes at once: it serves nobody.
            "updateStrategy": {"rollingUpdate": {"maxUnavailable": "100%"}},
            "template": {
                # A sidecar would hold the pods back, and has no business here.
                "metadata": {"labels": {**labels, "sidecar.istio.io/inject": "false"}},
                "spec": spec,
            },
        },
    }


def _numbers(version: str) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)
