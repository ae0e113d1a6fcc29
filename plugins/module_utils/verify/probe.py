# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What verification makes on the cluster for a while, as documents. Pure."""

from __future__ import annotations

from typing import Any

from ..kube.objects import Document
from . import envoy

LABEL = "serverless.selfhosted/verify"
VALUE = "probe"
ECHO, PULL, HELLO, BROKER = "echo", "pull", "hello", "verify"
TRIGGERS = {"ask": (envoy.ASK_TYPE, envoy.ASK), "answer": (envoy.ANSWER_TYPE, envoy.ANSWER)}
SERVING_VERSION, EVENTING_VERSION = "serving.knative.dev/v1", "eventing.knative.dev/v1"
_USER = 65532
# What the Pod Security level restricted asks of a container, and Knative allows
_CONFINED = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
_RESOURCES = {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "192Mi"}}
# Shortest times that Knative takes (knative.dev/serving pkg/apis/autoscaling: a window of 6 s at the least)
_SOON_ASLEEP = {
    "autoscaling.knative.dev/min-scale": "0",
    "autoscaling.knative.dev/max-scale": "1",
    "autoscaling.knative.dev/window": "6s",
    "autoscaling.knative.dev/scale-down-delay": "0s",
    "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s",
}


def namespace(name: str) -> Document:
    """The namespace of all of it. Istio's sidecars are kept out: what is measured is without them."""
    return _document("v1", "Namespace", name, "", labels={"istio-injection": "disabled"})


def pod(name: str, home: str, image: str, command: list[str], **spec: Any) -> Document:
    """A pod of one container, as the Pod Security level restricted wants it."""
    container = {
        "name": "probe",
        "image": image,
        "command": command[:1],
        "args": command[1:],
        "resources": _RESOURCES,
        "securityContext": _CONFINED,
        **spec.pop("container", {}),
    }
    wanted = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "containers": [container],
        **spec,
    }
    return _document("v1", "Pod", name, home, labels={"app": name}, spec=wanted)


def echo(home: str, image: str) -> list[Document]:
    """A Service and a pod of it that answers, and that passes on by the Service's name."""
    port = {"name": "http", "port": 80, "targetPort": envoy.PORT, "protocol": "TCP"}
    probe = {"httpGet": {"path": "/", "port": envoy.PORT}, "periodSeconds": 1, "failureThreshold": 60}
    extra = {"ports": [{"containerPort": envoy.PORT}], "readinessProbe": probe}
    return [
        _document("v1", "Service", ECHO, home, spec={"selector": {"app": ECHO}, "ports": [port]}),
        pod(ECHO, home, image, envoy.command(peer_of(home)), container=extra),
    ]


def pull(home: str, image: str) -> Document:
    """A pod for which the kubelet asks the registry although the node has the image; it ends at once."""
    command = [envoy.PROGRAM, "--version"]
    return pod(PULL, home, image, command, restartPolicy="Never", container={"imagePullPolicy": "Always"})


def hello(name: str, home: str, image: str) -> Document:
    """A Knative service that soon goes to zero pods."""
    command = envoy.command(peer_of(home))
    container = {
        "name": "probe",
        "image": image,
        "command": command[:1],
        "args": command[1:],
        "ports": [{"containerPort": envoy.PORT}],
        "resources": _RESOURCES,
        "securityContext": _CONFINED,
    }
    metadata = {"labels": {LABEL: VALUE}, "annotations": _SOON_ASLEEP}
    spec = {"template": {"metadata": metadata, "spec": {"containers": [container]}}}
    return _document(SERVING_VERSION, "Service", name, home, spec=spec)


def broker(home: str) -> list[Document]:
    """A Broker of the cluster's default class, and the Triggers of a question and of its answer."""
    found = [_document(EVENTING_VERSION, "Broker", BROKER, home, spec={})]
    for name, (event_type, path) in TRIGGERS.items():
        subscriber = {"ref": {"apiVersion": "v1", "kind": "Service", "name": ECHO, "namespace": home}, "uri": path}
        spec = {"broker": BROKER, "filter": {"attributes": {"type": event_type}}, "subscriber": subscriber}
        found.append(_document(EVENTING_VERSION, "Trigger", name, home, spec=spec))
    return found


def peer_of(home: str) -> str:
    """The name of the echo's Service as a pod finds it, whatever the cluster's domain is (its search list has it)."""
    return f"{ECHO}.{home}.svc"


def _document(
    api_version: str, kind: str, name: str, home: str, labels: dict[str, str] | None = None, **fields: Any
) -> Document:
    metadata: dict[str, Any] = {"name": name, "labels": {LABEL: VALUE, **(labels or {})}}
    if home:
        metadata["namespace"] = home
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
