# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates of the lab; documented in plugins/modules/lab_pki.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.pki import CertificateRequest, ensure_pki
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction


class ActionModule(DocumentedAction):
    """Writes on the controller."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Write what is missing or no longer fits; in check mode only tell what that is."""
        requests = [_request(certificate) for certificate in args["certificates"]]
        outcome = ensure_pki(Path(args["directory"]), args["authorities"], requests, args["signing_keys"], check)
        return {"changed": bool(outcome.written), "written": outcome.written}


def _request(certificate: dict[str, Any]) -> CertificateRequest:
    lists = {option: tuple(certificate[option]) for option in ("usages", "names", "addresses")}
    return CertificateRequest(**{**certificate, **lists})
