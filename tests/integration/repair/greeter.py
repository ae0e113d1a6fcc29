"""Somebody's Knative service in the namespace default."""

from __future__ import annotations

import json

from ..conftest import Answer, Site

SERVICE = {
    "apiVersion": "serving.knative.dev/v1",
    "kind": "Service",
    "metadata": {"name": "greeter", "namespace": "default"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "image": "docker.io/library/python:3.11-slim-bookworm",
                        "command": ["python3", "-m", "http.server", "8080", "--directory", "/usr/lib"],
                        "ports": [{"containerPort": 8080}],
                    }
                ]
            }
        }
    },
}


def place(site: Site) -> None:
    """Create it, and wait until it is ready."""
    site.kubectl("apply", "-f", "-", given=json.dumps(SERVICE))
    site.kubectl("wait", "ksvc/greeter", "-n", "default", "--for=condition=Ready", "--timeout=180s")


def asked(site: Site) -> Answer | None:
    """The answer of the service, when it is one."""
    answer = site.request("/", service="greeter", namespace="default")
    return answer if answer.status == 200 else None
