"""The module proxy's tools are those of the tests of content."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "content" / "support"))
