# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a secret comes from: {env: NAME}, {file: PATH} or {value: ...}.

Plugins resolve a source at the moment they need the value, and never return, print or pass on what they got.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KINDS = ("env", "file", "value")


class SecretSourceError(ValueError):
    """A source that is written wrongly or gives nothing; the text never holds a value."""


def is_source(source: Any) -> bool:
    """Whether it is written as a source of a secret."""
    return isinstance(source, Mapping) and len(source) == 1 and next(iter(source)) in KINDS


def resolve(source: Mapping[str, Any]) -> str:
    """Return the secret. Line breaks at its end are dropped, as editors, `echo` and blocks of YAML add them.

    What is given as a variable or value of several lines stays as it is.
    Raises SecretSourceError.
    """
    if not is_source(source):
        raise SecretSourceError(
            "a secret is given by exactly one of {env: NAME}, {file: PATH} and {value: a vaulted variable}"
        )
    kind, place = next(iter(source.items()))
    if kind == "env":
        value = _one_line(os.environ.get(str(place), ""))
        if any("\udc80" <= character <= "\udcff" for character in value):
            raise SecretSourceError(f"the environment variable {place} is no UTF-8 text")
        if not value:
            raise SecretSourceError(f"the environment variable {place} is not set or empty")
        return value
    if kind == "file":
        return _of_file(Path(str(place)).expanduser())
    # Through str: a vaulted variable is a type of its own.
    value = _one_line(str(place))
    if not value:
        raise SecretSourceError("the value given for a secret is empty")
    return value


def _one_line(value: str) -> str:
    line = value.rstrip("\r\n")
    return value if "\n" in line else line


def _of_file(path: Path) -> str:
    try:
        value = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SecretSourceError(f"the file {path} with a secret cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretSourceError(f"the file {path} with a secret is no UTF-8 text") from None
    if not value:
        raise SecretSourceError(f"the file {path} with a secret is empty")
    return value
