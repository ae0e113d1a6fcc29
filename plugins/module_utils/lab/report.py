# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long work tells what it does."""

from __future__ import annotations

from collections.abc import Callable

# Takes one line for the user, without a line end.
Report = Callable[[str], None]
