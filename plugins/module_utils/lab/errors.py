# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with the lab; the message is meant for the user as it is."""

from __future__ import annotations


class LabBuildError(Exception):
    """A component of the lab cannot be built or fetched."""


class LabStartError(Exception):
    """The lab did not start or did not stop as it should."""
