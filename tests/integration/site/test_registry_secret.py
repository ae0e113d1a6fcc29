"""The registry secret is what makes the application's pods pull."""

from __future__ import annotations

import json

from ..conftest import NAMESPACE, RESTRICTED_CONTAINER, RESTRICTED_POD, Site, until


def private_image(site: Site) -> str:
    """The application's image in the private registry."""
    return site.pods("web")[0]["spec"]["containers"][0]["image"]


def start(site: Site, name: str, namespace: str, image: str, account: str) -> None:
    """Start a pod that must ask the registry, whatever the node has."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "serviceAccountName": account,
            "restartPolicy": "Never",
            "securityContext": RESTRICTED_POD,
            "containers": [
                {
                    "name": "once",
                    "image": image,
                    "imagePullPolicy": "Always",
                    "command": ["python3", "-c", "print('pulled')"],
                    "securityContext": RESTRICTED_CONTAINER,
                }
            ],
        },
    }
    site.kubectl("apply", "-f", "-", given=json.dumps(pod))


def waiting_reason(site: Site, name: str, namespace: str) -> str:
    """Why the pod's container does not run, or its phase once it did."""
    pod = json.loads(site.kubectl("get", "pod", name, "-n", namespace, "-o", "json"))
    for status in pod["status"].get("containerStatuses", []):
        waiting = status["state"].get("waiting") or {}
        if waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff"):
            return f"{waiting['reason']}: {waiting.get('message', '')}"
    return pod["status"]["phase"] if pod["status"]["phase"] in ("Succeeded", "Failed") else ""


def test_with_the_secret_a_pod_pulls(site: Site) -> None:
    name = "with-secret"
    start(site, name, NAMESPACE, private_image(site), "default")
    try:
        assert until("the pod is done", lambda: waiting_reason(site, name, NAMESPACE), 90) == "Succeeded"
    finally:
        site.kubectl("delete", "pod", name, "-n", NAMESPACE, "--wait=false")


def test_without_the_secret_a_pod_cannot_pull(site: Site) -> None:
    name = "without-secret"
    site.kubectl("create", "serviceaccount", name, "-n", NAMESPACE)
    try:
        start(site, name, NAMESPACE, private_image(site), name)
        assert until("the pull is refused", lambda: waiting_reason(site, name, NAMESPACE), 90).startswith(
            ("ErrImagePull", "ImagePullBackOff")
        )
    finally:
        site.kubectl("delete", "pod,serviceaccount", name, "-n", NAMESPACE, "--wait=false")
