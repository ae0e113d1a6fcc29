"""The rule service: create, read, update and delete to-dos, in PostgreSQL or, run alone, in a SQLite file."""
