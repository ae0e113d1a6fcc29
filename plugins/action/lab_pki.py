# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates of the lab; documented in plugins/modules/lab_pki.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.pki import CertificateRequest, ensure_pki

CERTIFICATE = {
    "name": {"type": "str", "required": True},
    "authority": {"type": "str", "required": True},
    "common_name": {"type": "str", "required": True},
    "organization": {"type": "str"},
    "usages": {"type": "list", "elements": "str", "choices": ["client", "server"], "default": ["client"]},
    "names": {"type": "list", "elements": "str", "default": []},
    "addresses": {"type": "list", "elements": "str", "default": []},
}

ARGUMENTS = {
    "directory": {"type": "path", "required": True},
    "authorities": {"type": "dict", "required": True},
    "certificates": {"type": "list", "elements": "dict", "options": CERTIFICATE, "default": []},
    "signing_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write what is missing or no longer fits; in check mode only tell what that is."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        requests = [_request(certificate) for certificate in args["certificates"]]
        outcome = ensure_pki(
            Path(args["directory"]), args["authorities"], requests, args["signing_keys"], self._task.check_mode
        )
        return {**result, "changed": bool(outcome.written), "written": outcome.written}


def _request(certificate: dict[str, Any]) -> CertificateRequest:
    lists = {option: tuple(certificate[option]) for option in ("usages", "names", "addresses")}
    return CertificateRequest(**{**certificate, **lists})
