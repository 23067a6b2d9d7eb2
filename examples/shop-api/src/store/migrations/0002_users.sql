-- `email` is as its owner wrote it, `email_key` what no two users share. The roles are their names
-- with a space between. The hash is a PHC string and never leaves the database.
CREATE TABLE users (
    id            TEXT    NOT NULL PRIMARY KEY,
    email         TEXT    NOT NULL,
    email_key     TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL CHECK (name <> ''),
    roles         TEXT    NOT NULL CHECK (roles <> ''),
    password_hash TEXT    NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    version       INTEGER NOT NULL CHECK (version >= 1),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX users_by_created_at ON users (created_at, id);
CREATE INDEX users_by_email ON users (email, id);
CREATE INDEX users_by_name ON users (name, id);

-- What the instances on one database must agree on, and nobody has set.
CREATE TABLE secrets (
    name       TEXT    NOT NULL PRIMARY KEY,
    value      BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
