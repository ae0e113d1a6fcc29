"""Compare each role's defaults with its argument_specs: every option stands in both, with type and description."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"


def problems(role: Path) -> list[str]:
    """What is wrong with one role's options."""
    defaults_file, specs_file = role / "defaults" / "main.yml", role / "meta" / "argument_specs.yml"
    if not specs_file.exists():
        return [f"{role.name}: meta/argument_specs.yml is missing"]
    defaults = set(yaml.safe_load(defaults_file.read_text()) or {}) if defaults_file.exists() else set()
    specs = yaml.safe_load(specs_file.read_text())["argument_specs"]
    options = {name: option for entry in specs.values() for name, option in (entry.get("options") or {}).items()}
    required = {name for name, option in options.items() if option.get("required")}
    found = [f"{role.name}: {name} has a default but no entry in argument_specs" for name in defaults - set(options)]
    found += [
        f"{role.name}: {name} is in argument_specs but has no default" for name in set(options) - defaults - required
    ]
    for name, option in options.items():
        found += [f"{role.name}: {name} has no {key}" for key in ("type", "description") if not option.get(key)]
        if not name.startswith(f"{role.name}_"):
            found.append(f"{role.name}: {name} does not begin with {role.name}_")
    return found


def main() -> int:
    """Print all problems of all roles; 0 when there are none."""
    found = [problem for role in sorted(ROLES.iterdir()) if role.is_dir() for problem in problems(role)]
    print("\n".join(found) or "defaults and argument_specs agree")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
