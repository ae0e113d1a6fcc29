# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the actions that handle images without a cluster."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.secret_source import SecretSourceError
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction


class ImageAction(DocumentedAction):
    """An action on images."""

    errors: ClassVar[tuple[type[Exception], ...]] = (ImageError, SecretSourceError, OSError)
