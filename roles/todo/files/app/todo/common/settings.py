"""Settings come from environment variables; a wrong value stops the service with one clear line."""

from __future__ import annotations

import os
from pathlib import Path


class SettingError(ValueError):
    """A setting is wrong. The text names the variable, the fault and what to write instead."""


def text(name: str, default: str) -> str:
    """The variable's value, or `default` when it is unset or empty."""
    return os.environ.get(name) or default


def integer(name: str, default: int, minimum: int, maximum: int) -> int:
    """The variable as a whole number from `minimum` to `maximum`.

    Raises SettingError for anything else.
    """
    value = os.environ.get(name)
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not minimum <= int(value) <= maximum:
        raise SettingError(f"{name}={value!r} is not a whole number from {minimum} to {maximum}")
    return int(value)


def secret(name: str) -> str | None:
    """A secret from the file that NAME_FILE names, else from the variable NAME, else None.

    A file is preferred since an environment shows up in dumps. Raises SettingError when the file cannot be read.
    """
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name)
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{name}_FILE={path!r} cannot be read: {error}") from error
