# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML 1.1 as PyYAML reads it, by libyaml where PyYAML was built with it: the same result in a tenth of the time.

Manifests are read by content/loading.py, which reads them as Kubernetes tools do.
"""

from __future__ import annotations

from typing import Any

try:
    import yaml
except ImportError:  # ansible-core itself needs it, so it is there wherever this runs
    yaml = None  # type: ignore[assignment]


def safe_loader() -> Any:
    """The fastest loader of plain values that there is."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_plain(text: str | bytes) -> Any:
    """The one document of a text as plain values. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=safe_loader())


def load_all_plain(text: str | bytes) -> list[Any]:
    """The documents of a text as plain values, without empty ones. Raises yaml.YAMLError."""
    return [document for document in yaml.load_all(text, Loader=safe_loader()) if document]
