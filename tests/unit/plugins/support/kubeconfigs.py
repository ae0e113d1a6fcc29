"""Short ways to write kubeconfigs, and what kubectl and our client make of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError, KubeError
from api_server import ApiServer

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
# What kubectl and we say, by class. The first that fits counts; what is left is a kubeconfig that cannot be used.
CLASSES = {
    "proxy refuses": r"Proxy Authentication Required|407|SOCKS5 authentication failed|username/password authentication",
    "401": r"must be logged in|Unauthorized|answered 401",
    "403": r"forbidden|do not have permission|answered 403",
    "400": r"BadRequest|answered 400",
    "certificate": r"x509|certificate verify failed|certificate signed by unknown",
    # kubectl turns to localhost:8080 when no server is named; we say that none is.
    "kubeconfig": r"localhost:8080",
    "unreachable": r"no such host|onnection refused|was refused - did you|name has no address|dial tcp",
}


@dataclass
class Case:
    """A kubeconfig on disk: what KUBECONFIG is, which context, what else is in the environment."""

    location: str
    context: str = "c"
    environment: dict[str, str] = field(default_factory=dict)


def config(cluster: dict[str, Any], user: dict[str, Any] | None, context: str = "c") -> dict[str, Any]:
    chosen = {"cluster": "k"} if user is None else {"cluster": "k", "user": "u"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": [] if user is None else [{"name": "u", "user": user}],
        "contexts": [{"name": context, "context": chosen}],
    }


def write(path: Path, content: dict[str, Any] | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True))
    return path


def plugin(path: Path, body: str) -> Path:
    """A credential plugin, as a shell script."""
    write(path, f"#!/bin/sh\n{body}\n").chmod(0o700)
    return path


def credential(version: str = "v1", **status: str) -> str:
    """A shell command that prints an ExecCredential."""
    answer = {"kind": "ExecCredential", "apiVersion": f"client.authentication.k8s.io/{version}", "status": status}
    return f"cat <<'END'\n{json.dumps(answer)}\nEND"


def execute(command: Path | str, version: str = "v1", mode: str | None = "Never", **fields: Any) -> dict[str, Any]:
    """A user with an exec plugin."""
    plugin_fields = {"command": str(command), "apiVersion": f"client.authentication.k8s.io/{version}", **fields}
    return {"exec": {**plugin_fields, **({"interactiveMode": mode} if mode else {})}}


def by_kubectl(server: ApiServer, case: Case, home: Path) -> Any:
    """Who kubectl is, or the class of its failure."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": case.location, **case.environment}
    done = subprocess.run(
        [server.binaries["kubectl"], "--context", case.context, "auth", "whoami", "-o", "json"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return _who(json.loads(done.stdout)) if done.returncode == 0 else _class(done.stderr)


def by_us(case: Case) -> tuple[Any, str]:
    """Who we are, or the class of our failure; and all that was said on the way, with the traceback."""
    said: list[str] = []
    try:
        cluster = Cluster.connect(case.context, case.location, said.append)
        said += cluster.warnings
        # Unreachable servers are retried, which is of no interest here.
        answer = cluster.transport.call("POST", WHO, body=REVIEW, deadline=Deadline(0.1))
    except (ApiError, KubeError) as error:
        return _class(str(error)), "\n".join([*said, traceback.format_exc()])
    return _who(answer), "\n".join(said)


def _who(review: dict[str, Any]) -> dict[str, Any]:
    found = review["status"]["userInfo"]
    # The id of a credential is one of the server's own making.
    extra = {key: value for key, value in (found.get("extra") or {}).items() if "credential-id" not in key}
    groups = sorted(found.get("groups") or [])
    return {"name": found["username"], "uid": found.get("uid"), "groups": groups, "extra": extra}


def _class(text: str) -> str:
    return next((name for name, pattern in CLASSES.items() if re.search(pattern, text)), "kubeconfig")
