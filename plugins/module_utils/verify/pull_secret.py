# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the pull secret is where it is needed. Of its content the registries' names are looked at alone."""

from __future__ import annotations

import base64
import json

from ..kube.objects import Document
from ..site.summary import count
from .facts import Fact, fails, holds, skipped
from .scene import Scene

NAME = "pull-secret"
RELEASE = "registry-secret"
_TYPE, _KEY = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"


def ask(scene: Scene) -> Fact:
    """In every namespace: it is there, it is for the registry, and the service accounts pull with it."""
    wanted = scene.settings.secret
    if not wanted.registry:
        return skipped(NAME, "no registry needs a password (serverless_registry is empty)")
    if not scene.is_ours(RELEASE):
        return skipped(NAME, "no pull secret is installed (role registry_secret)")
    if not wanted.namespaces:
        return skipped(NAME, "no namespace is to have it (registry_secret_state or registry_secret_namespaces)")
    problems = []
    attached = 0
    for namespace in wanted.namespaces:
        secret = scene.cluster.get("v1", "Secret", wanted.name, namespace, scene.seconds(10))
        problem = problem_of(secret, namespace, wanted.name, wanted.registry)
        problems += [problem] if problem else []
        for account in wanted.accounts:
            live = scene.cluster.get("v1", "ServiceAccount", account, namespace, scene.seconds(10))
            names = [item.get("name") for item in (live or {}).get("imagePullSecrets") or []]
            if wanted.name in names:
                attached += 1
            else:
                problems.append(f"ServiceAccount {namespace}/{account} does not pull with Secret {wanted.name}")
    accounts = count(len(wanted.namespaces) * len(wanted.accounts), "service account")
    text = f"Secret {wanted.name} for {wanted.registry} in {count(len(wanted.namespaces), 'namespace')}, "
    text += f"{attached} of {accounts} pull with it"
    figures = {"namespaces": len(wanted.namespaces), "accounts": attached}
    if problems:
        return fails(NAME, text, "; ".join(problems), "run site.yml --tags registry_secret", **figures)
    return holds(NAME, text, **figures)


def problem_of(secret: Document | None, namespace: str, name: str, registry: str) -> str:
    """What is wrong with a secret, without anything of its content but the names of registries; '' where nothing is."""
    what = f"Secret {namespace}/{name}"
    if secret is None:
        return f"{what} is not there"
    if secret.get("type") != _TYPE:
        return f"{what} is of type {secret.get('type')}, not {_TYPE}"
    try:
        registries = sorted(json.loads(base64.b64decode((secret.get("data") or {})[_KEY]))["auths"])
    except (ValueError, KeyError, TypeError):
        return f"{what} holds no configuration of docker's form"
    if registry not in registries:
        return f"{what} is for {', '.join(registries) or 'no registry'}, not for {registry}"
    return ""
