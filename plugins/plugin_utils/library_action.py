# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What actions over the library have in common: checked arguments, and one failure for the library's errors."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


class LibraryAction(ActionBase):
    """Runs in the controller's process: progress is seen there, and passwords are read there alone.

    `arguments` is an argument spec; `errors` are the exceptions that are a failure of the task, not a fault of ours.
    """

    _requires_connection = False
    _supports_check_mode = True
    arguments: ClassVar[dict[str, Any]]
    errors: ClassVar[tuple[type[Exception], ...]]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the arguments and act."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=self.arguments)
        try:
            result.update(self.act(args, bool(self._task.check_mode)))
        except self.errors as error:
            raise AnsibleActionFail(f"{self.subject(args)}{error}") from error
        return result

    @abstractmethod
    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Do it, or in check mode only tell what would be done, and return the result of the task."""

    def subject(self, args: dict[str, Any]) -> str:
        """Return what the message of a failure begins with."""
        return ""
