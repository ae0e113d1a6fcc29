# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which form each option of the inventory must have, beyond its type, and which options must fit together.

Types, choices and names are Ansible's to check, by the argument specs. These rules are what Kubernetes, Knative or
Prometheus would refuse later, in the middle of a run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..openshift.login import fault_of as openshift_login
from . import forms
from .forms import Form, at_least, between, each, filled, or_empty

# By the names of options, as shell patterns; the first that matches counts.
RULES: Mapping[str, Form] = {
    "istio_injection_namespaces": each(forms.application_namespace),
    "registry_secret_namespaces": each(forms.namespace),
    "observability_prometheus_namespaces": each(forms.namespace),
    "todo_metrics_namespaces": each(forms.namespace),
    "todo_namespace": forms.application_namespace,
    "verify_namespace": forms.application_namespace,
    "verify_application_namespace": or_empty(forms.namespace),
    "*_namespace": forms.namespace,
    "registry_secret_service_accounts": each(forms.name),
    "registry_secret_name": forms.name,
    "todo_service_account": forms.name,
    "knative_operator_*": forms.name,
    "istio_operator_version": or_empty(forms.name),
    "istio_operator_*": forms.name,
    "todo_database_storage": forms.quantity,
    "verify_split_requests": at_least(1, "request"),
    "verify_warm_requests": at_least(1, "request"),
    "*_requests": forms.requests,
    "*_resources": forms.resources,
    "verify_domain": or_empty(forms.domain),
    "*_domain": forms.domain,
    "*_version": forms.version,
    "preflight_minimum_kubernetes": forms.minor_version,
    "verify_user_traffic": or_empty(forms.shares),
    "*_user_traffic": forms.shares,
    "todo_window": forms.knative_window,
    "observability_scrape_interval": forms.prometheus_duration,
    "observability_retention": forms.prometheus_duration,
    "*_node_port": forms.node_port,
    "*_nodeport": forms.node_port,
    "todo_web_cpu_percent": at_least(1, "percent"),
    "todo_web_scale_down_seconds": between(0, 3600),
    "todo_drain_seconds": between(0, 3600),
    "todo_web_min_scale": at_least(0, "pod"),
    "todo_max_scale": at_least(1, "pod"),
    "serverless_rate_limit_wait": at_least(0, "second"),
    "*_timeout": at_least(1, "second"),
    "image_prefetch_parallel*": at_least(1),
    "verify_*_seconds": at_least(1, "second"),
    "verify_certificate_days": at_least(0, "day"),
    "serverless_batch": forms.batch,
    "serverless_content_directory": forms.folder,
    "todo_build_ca_file": forms.authorities,
    "serverless_work_dir": filled("~/.cache/selfhosted-serverless/work/NAME"),
    "serverless_context": filled("docker-desktop"),
    "serverless_openshift_login": openshift_login,
    "serverless_registry": forms.registry,
    "serverless_gateway_address": forms.host_and_port,
    "serverless_node_address": forms.host,
}


def rule_of(option: str) -> Form | None:
    """Return the form that an option must have, None where any value of its type will do."""
    return next((form for pattern, form in RULES.items() if fnmatchcase(option, pattern)), None)


def faults_of(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each value that has not the form of its option, and for options that do not fit together.

    `values` are those that the inventory gives, by option and of their types; `defaults` those of the roles.
    """
    found = []
    for option, value in sorted(values.items()):
        form = rule_of(option)
        if form and (fault := form(value)):
            found.append(f"{option} {fault}" if _speaks(fault) else f"{option} is {_shown(value)}, which {fault}")
    return found or _misfits({**defaults, **values}, values)


def _misfits(values: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return what does not fit together, where the inventory says one of the two."""
    found = []
    least, most = values.get("todo_web_min_scale"), values.get("todo_max_scale")
    if {"todo_web_min_scale", "todo_max_scale"} & set(given) and isinstance(least, int) and isinstance(most, int):
        if least > most:
            found.append(
                f"todo_web_min_scale is {least} and todo_max_scale {most}: the first must not be more than the second"
            )
    return found


def _speaks(fault: str) -> bool:
    """Whether a sentence names the part of the value that it is about."""
    return fault.startswith(("has ", "requests "))


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
