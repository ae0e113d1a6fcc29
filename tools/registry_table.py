"""Writes the tables of docs/registries.md, and of its Chinese twin, that say what was seen on the wire.

It needs the lab's registry, as `make test` has it; tests/unit compares the tables.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "tests" / "unit" / "plugins"
sys.path[:0] = [
    str(ROOT / ".venv" / "collections"),
    str(PLUGINS / "module_utils" / "images" / "support"),
    str(PLUGINS / "support"),
    str(ROOT / "tests" / "unit" / "support"),
]


def main() -> int:
    """Observe all registries and write what was seen."""
    import wire_table
    import wire_words
    from registry_process import RegistryProcess

    with tempfile.TemporaryDirectory() as directory:
        program = RegistryProcess(Path(directory, "registry"))
        try:
            seen = list(wire_table.observe(program))
        finally:
            program.stop()
    tables = {
        wire_table.WIRE: wire_table.wire_table(seen),
        wire_table.SUITE: wire_table.suite_table(),
        wire_table.STOPS: wire_table.stops_table(wire_table.stops()),
    }
    for document, translated in ((wire_table.DOCUMENT, str), (wire_words.DOCUMENT, wire_words.chinese)):
        text = document.read_text(encoding="utf-8")
        for mark, table in tables.items():
            text = wire_table.written(text, mark, translated(table))
        document.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
