-- One row per API key; the times are milliseconds since 1970. No column opens anything: `current` and `previous` are
-- SHA-256 of keys with random secrets.
CREATE TABLE buttress_api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    environment TEXT NOT NULL,
    label TEXT,
    scopes TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    rotated_at INTEGER,
    overlaps_until INTEGER,
    current BLOB NOT NULL,
    previous BLOB
) STRICT;
CREATE INDEX buttress_api_keys_subject ON buttress_api_keys (subject);
CREATE INDEX buttress_api_keys_expires_at ON buttress_api_keys (expires_at) WHERE expires_at IS NOT NULL;
