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
from typing import Any

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

_UNDEFINED = re.compile(r"'(\w+)' is undefined")


def faulty_values(
    roles: Mapping[str, Mapping[str, Any]], variables: Iterable[str], value: Callable[[str], Any]
) -> list[str]:
    """Return one sentence for each value that is none for its option, as Ansible says it.

    `roles` are the options of each, as in argument_specs. `value` gives the value of one of the `variables`, or raises
    AnsibleError. A value made of what only roles or later tasks say cannot be known yet and is left to the role.
    """
    found = []
    known = set(variables)
    options = {name for spec in roles.values() for name in spec}
    for role, spec in roles.items():
        given = {}
        for name in spec:
            if name not in known:
                continue
            try:
                given[name] = value(name)
            except AnsibleUndefinedVariable as error:
                lacking = _UNDEFINED.search(str(error))
                if lacking and not (lacking[1] in options or lacking[1].startswith("__")):
                    found.append(f"{name} cannot be read: {error}")
            except AnsibleError as error:
                found.append(f"{name} cannot be read: {error}")
        validator = ArgumentSpecValidator({name: spec[name] for name in given})
        errors = validator.validate(given, validate_role_argument_spec=True).error_messages
        found += [f"role {role}: {error}" for error in errors]
    return found
