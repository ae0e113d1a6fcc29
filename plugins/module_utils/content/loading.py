# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing YAML the way Kubernetes tools do.

PyYAML alone differs from them in ways that damage manifests: it turns dates into objects, '12:30' into a number, and
leaves '1e3' a string. The loader and the dumper here agree with sigs.k8s.io/yaml on all of these.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

try:
    import yaml
except ImportError:  # ansible-core itself needs it; only a test that imports without packages comes here
    yaml = None  # type: ignore[assignment]

try:
    from yaml import CSafeDumper as _Dumper
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml: ten times slower, same result
    _Dumper = getattr(yaml, "SafeDumper", object)
    _Loader = getattr(yaml, "SafeLoader", object)

_REPLACED = ("timestamp", "int", "float", "value")
_PREFIX = "tag:yaml.org,2002:"
_INT = re.compile(r"^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)


class Loader(_Loader):
    """Loads documents of plain Python values."""


class Dumper(_Dumper):
    """Writes documents so that Loader, and every Kubernetes tool, reads them back equal."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _agree(cls: Any) -> None:
    """Replace PyYAML's rules for plain scalars by those of Kubernetes tools."""
    resolvers = {
        first: [(tag, pattern) for tag, pattern in entries if tag.removeprefix(_PREFIX) not in _REPLACED]
        for first, entries in cls.yaml_implicit_resolvers.items()
    }
    cls.yaml_implicit_resolvers = resolvers
    cls.add_implicit_resolver(_PREFIX + "int", _INT, list("-+0123456789"))
    cls.add_implicit_resolver(_PREFIX + "float", _FLOAT, list("-+0123456789."))


def _construct_int(loader: Any, node: Any) -> int:
    text = node.value.replace("_", "")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").lower()
    if digits.startswith("0o"):
        return sign * int(digits[2:], 8)
    if digits.startswith(("0x", "0b")):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if len(digits) > 1 and digits.startswith("0") else 10)


def _set_up() -> None:
    _agree(Loader)
    Loader.add_constructor(_PREFIX + "int", _construct_int)
    # The dumper keeps PyYAML's own rules as well: whatever any reader could take for something else is quoted.
    Dumper.add_implicit_resolver(_PREFIX + "int", _INT, list("-+0123456789"))
    Dumper.add_implicit_resolver(_PREFIX + "float", _FLOAT, list("-+0123456789."))


if yaml is not None:
    _set_up()


def parse_documents(text: str | bytes, source: str) -> list[Any]:
    """All documents of a YAML text; empty ones are None. Raises ValueError naming `source` and the line."""
    try:
        return list(yaml.load_all(text, Loader=Loader))
    except yaml.YAMLError as error:
        raise ValueError(f"{source} is no valid YAML: {error}") from error


def load_documents(path: str | Path) -> list[Any]:
    """All documents of a file. Raises ValueError when it cannot be read or parsed."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    return parse_documents(data, str(path))


def dump_documents(documents: list[Any]) -> str:
    """One YAML text of all documents."""
    return yaml.dump_all(
        documents, Dumper=Dumper, sort_keys=False, explicit_start=True, allow_unicode=True, width=10_000
    )
