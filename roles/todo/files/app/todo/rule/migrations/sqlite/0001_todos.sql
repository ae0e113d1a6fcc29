CREATE TABLE todos (
    id integer PRIMARY KEY AUTOINCREMENT,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    done integer NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')),
    updated_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'))
);
CREATE INDEX todos_done ON todos (done, id DESC);
