"""The to-do application: three small services, `todo.web`, `todo.rule` and `todo.user`, in one code base.

Each runs alone as `python -m todo.<service>`; `python -m todo` runs all three on one machine.
"""

__version__ = "1.0.0"
