# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: apply or remove one release of documents. The logic is in module_utils/kube."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.loading import load_documents
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.applier import ApplyOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.present import (
    PresentOptions,
    apply_release,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.documents import (
    flatten,
    namespace_document,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.secrets import secret_document
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.outcome import Outcome
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Action
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import (
    AbsentOptions,
    remove_release,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_policy import apply_policy, lock_path

display = Display()
Tell = Callable[[str], None]

MATCHER = {
    "type": "dict",
    "options": {
        "kind": {"type": "str"},
        "name": {"type": "str"},
        "namespace": {"type": "str"},
        "group": {"type": "str"},
    },
}
ARGUMENTS: dict[str, Any] = {
    "context": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "manifests": {"type": "list", "elements": "path", "default": []},
    "definitions": {"type": "list", "elements": "dict", "default": []},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "type": {"type": "str"},
            "keys": {"type": "dict", "no_log": False},
            "docker_config": {"type": "dict", "no_log": False},
        },
    },
    "images": {"type": "dict"},
    "namespace": {"type": "str"},
    "create_namespace": {"type": "bool", "default": False},
    "ignore_fields": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"match": MATCHER, "pointers": {"type": "list", "elements": "str", "required": True}},
    },
    "prune": {"type": "bool", "default": True},
    "force_conflicts": {"type": "bool", "default": False},
    "keep": {**MATCHER, "type": "list", "elements": "dict", "default": []},
    "residue": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "api_version": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True},
            "name": {"type": "str"},
            "namespace": {"type": "str"},
            "label_selector": {"type": "str"},
            "managers": {"type": "list", "elements": "str", "default": []},
            "unless": {
                "type": "dict",
                "options": {
                    "api_version": {"type": "str", "required": True},
                    "kind": {"type": "str", "required": True},
                    "label_selector": {"type": "str"},
                },
            },
        },
    },
    "dependents": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "api_version": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "label_selector": {"type": "str"},
            "expression": {"type": "str"},
            "what": {"type": "str", "required": True},
            "blocks": {"type": "bool", "default": True},
        },
    },
    "without": {"type": "list", "elements": "str", "default": []},
    "data_hint": {"type": "str", "default": ""},
    "purge": {"type": "bool", "default": False},
    "record_namespace": {"type": "str", "default": "kube-system"},
    "timeout": {"type": "int", "default": 300},
}


class ActionModule(ActionBase):
    """Runs on the controller; the host of the task only stands for a context."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        validated = self.validate_argument_spec(ARGUMENTS)[1]
        args = json.loads(json.dumps(validated))  # plain values: no tags, no lazy containers
        args["lock"] = lock_path(args["images"], task_vars or {})
        deadline = Deadline(args["timeout"])
        progress = Progress(display.display, args["context"])
        try:
            cluster = Cluster.connect(args["context"], args["kubeconfig"], progress.retry)
            run = self._present if args["state"] == "present" else self._absent
            outcome = run(cluster, args, deadline, progress.tell)
        except (KubeError, ImageError, ValueError, OSError) as error:
            raise AnsibleActionFail(f"context '{args['context']}': {error}") from error
        result.update(outcome.as_result())
        result["retries"] = cluster.transport.retries
        result["requests"] = cluster.transport.requests
        result["seconds"] = round(deadline.elapsed, 2)
        for warning in cluster.warnings + outcome.warnings:
            display.warning(warning)
        if self._task.diff:
            result["diff"] = outcome.differences
        return result

    def _present(self, cluster: Cluster, args: dict[str, Any], deadline: Deadline, tell: Tell) -> Outcome:
        documents = self._documents(cluster, args, deadline, tell)
        options = PresentOptions(
            ApplyOptions(
                release=args["name"],
                ignore_fields=args["ignore_fields"],
                force_conflicts=args["force_conflicts"],
                check_mode=bool(self._task.check_mode),
            ),
            namespace=args["namespace"],
            record_namespace=args["record_namespace"],
            prune=args["prune"],
            version=args["version"],
        )
        return apply_release(cluster, documents, options, deadline, tell)

    def _absent(self, cluster: Cluster, args: dict[str, Any], deadline: Deadline, tell: Tell) -> Outcome:
        options = AbsentOptions(
            release=args["name"],
            record_namespace=args["record_namespace"],
            keep=args["keep"],
            residue=args["residue"],
            dependents=args["dependents"],
            without=args["without"],
            data_hint=args["data_hint"],
            purge=args["purge"],
            check_mode=bool(self._task.check_mode),
        )
        plan = remove_release(cluster, options, deadline, tell)
        return Outcome(
            deleted=[step.ref for step in plan.of(Action.DELETE, Action.WAIT_GONE)],
            returned=[step.ref for step in plan.of(Action.GIVE_BACK)],
            kept=[step.ref for step in plan.of(Action.KEEP)],
            warnings=plan.warnings,
        )

    def _documents(
        self, cluster: Cluster, args: dict[str, Any], deadline: Deadline, tell: Tell
    ) -> list[dict[str, Any]]:
        documents = []
        for path in args["manifests"]:
            documents += flatten(load_documents(path), path)
        documents += flatten(args["definitions"], "definitions")
        if args["images"]:
            documents = apply_policy(documents, args["images"], cluster, args["lock"], tell)
        if args["create_namespace"]:
            if not args["namespace"]:
                raise ValueError("create_namespace needs the option namespace")
            documents.insert(0, namespace_document(args["namespace"]))
        documents += [secret_document(cluster, item, args["namespace"], deadline) for item in args["secrets"]]
        return documents
