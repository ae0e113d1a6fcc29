"""Runs the rule service: `python -m todo.rule`."""

from __future__ import annotations

from ..common import server
from .app import build

if __name__ == "__main__":
    server.main("rule", build)
