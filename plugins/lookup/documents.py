# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup plugin: the YAML documents that a template makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.template import trust_as_template
from ansible_collections.selfhosted.serverless.plugins.module_utils.plain_yaml import load_all_plain


class LookupModule(LookupBase):
    """Templates with the variables as they are, and parses by libyaml."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[list[Any]]:
        """Return for each template its documents. Raises AnsibleLookupError."""
        self.set_options(var_options=variables, direct=kwargs)
        return [self._documents(term, variables or {}) for term in terms]

    def _documents(self, name: str, variables: dict[str, Any]) -> list[Any]:
        found = self.find_file_in_search_path(variables, "templates", name)
        if not found:
            raise AnsibleLookupError(f"the template {name} is not found in {', '.join(_searched(variables))}")
        folders = [str(Path(found).parent), *_searched(variables)]
        text = trust_as_template(self._loader.get_text_file_contents(found))
        rendered = self._templar.copy_with_new_env(searchpath=folders).template(text, escape_backslashes=False)
        try:
            return load_all_plain(str(rendered or ""))
        except yaml.YAMLError as error:
            raise AnsibleLookupError(f"what the template {found} makes is no YAML: {error}") from None


def _searched(variables: dict[str, Any]) -> list[str]:
    """The folders of the templates that a template includes: those of the roles around the task, then the play's."""
    return [str(Path(place, "templates")) for place in variables.get("ansible_search_path") or []]
