# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a connection from being set up at all, as opposed to what goes wrong on it."""

from __future__ import annotations


class HttpSetupError(Exception):
    """A proxy, certificate authority or client certificate that cannot be used; str() never holds a credential."""
