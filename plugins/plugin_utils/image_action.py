# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions on images have in common: their errors and their progress."""

from __future__ import annotations

from typing import ClassVar

from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.library_action import LibraryAction

_display = Display()


class ImageAction(LibraryAction):
    """An action on images."""

    errors: ClassVar[tuple[type[Exception], ...]] = (ImageError, OSError)


def report(line: str) -> None:
    """Print a line of progress."""
    _display.display(f"  {line}")
