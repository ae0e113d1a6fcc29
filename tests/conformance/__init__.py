"""Running suites that others wrote against what site.yml installed, and the table of their results."""
