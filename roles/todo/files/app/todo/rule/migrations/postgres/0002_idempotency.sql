-- The key that a caller gave for the creation, and the SHA-256 of the title that came with it.
ALTER TABLE todos ADD COLUMN idempotency_key text, ADD COLUMN idempotency_digest bytea;
CREATE UNIQUE INDEX todos_idempotency_key ON todos (idempotency_key) WHERE idempotency_key IS NOT NULL;
