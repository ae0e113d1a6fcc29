# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that the inventory gives to options of all roles, checked at once.

Ansible checks each role's options by a task before the role. In a playbook that runs all of them, one task says all
that is wrong before the first change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import PolicyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.options.rules import faults_of

_UNDEFINED = re.compile(r"'(\w+)' is undefined")


def faulty_values(
    roles: Mapping[str, Mapping[str, Any]],
    variables: Iterable[str],
    value: Callable[[str], Any],
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> list[str]:
    """Return one sentence for each value that is none for its option, as Ansible says it, and as options/rules.py does.

    `roles` are the options of each, as in argument_specs; `defaults` those of their values that are no templates.
    `value` gives the value of one of the `variables`, or raises AnsibleError. A value made of what only roles or later
    tasks say cannot be known yet and is left to the role.
    """
    found, fitting = [], {}
    known = set(variables)
    options = {name for spec in roles.values() for name in spec}
    for role, spec in roles.items():
        given = {}
        for name in spec:
            if name not in known:
                continue
            try:
                given[name] = value(name)
                if given[name] is None:
                    found.append(f"{name} is null; write a value, or take it out to have the role's own")
                    del given[name]
            except AnsibleUndefinedVariable as error:
                lacking = _UNDEFINED.search(str(error))
                if lacking and not (lacking[1] in options or lacking[1].startswith("__")):
                    found.append(f"{name} cannot be read: {error}")
            except AnsibleError as error:
                found.append(f"{name} cannot be read: {error}")
        validator = ArgumentSpecValidator({name: spec[name] for name in given})
        result = validator.validate(given, validate_role_argument_spec=True)
        if not result.error_messages:
            fitting.update(result.validated_parameters)
        for error in result.error_messages:
            named = {name: given[name] for name in given if re.search(rf"\b{name}\b", error)}
            # The rules say what to write as well
            found += faults_of(named, {}) or [f"role {role}: {error}"]
    return found + faults_of(fitting, defaults) + _fault_of_policy(fitting.get("serverless_images"))


def _fault_of_policy(images: Any) -> list[str]:
    """What is wrong with the image policy, as it says it itself, and with the files that it names."""
    found = []
    try:
        registries = ImagePolicy.from_config(images).registries.values()
    except PolicyError as error:
        return [str(error)]
    for settings in registries:
        try:
            settings.authority()
        except PolicyError as error:
            found.append(str(error))
    return found
