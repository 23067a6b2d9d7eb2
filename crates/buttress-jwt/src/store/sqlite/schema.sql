-- One row per session; the times are milliseconds since 1970. No column opens a session: `current` and
-- `previous` are SHA-256 of random secrets.
CREATE TABLE buttress_refresh_families (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    label TEXT,
    context TEXT,
    started_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    idle_ms INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT,
    generation INTEGER NOT NULL,
    current BLOB NOT NULL,
    previous BLOB,
    salt BLOB,
    rotated_at INTEGER,
    attempt BLOB,
    reissues INTEGER NOT NULL
) STRICT;
CREATE INDEX buttress_refresh_families_subject ON buttress_refresh_families (subject);
CREATE INDEX buttress_refresh_families_ends_at ON buttress_refresh_families (ends_at);
