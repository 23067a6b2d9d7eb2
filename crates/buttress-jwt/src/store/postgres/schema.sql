-- One row per session; the times are milliseconds since 1970. No column opens a session: `current` and
-- `previous` are SHA-256 of random secrets.
CREATE TABLE buttress_refresh_families (
    id text NOT NULL PRIMARY KEY,
    subject text NOT NULL,
    label text,
    context text,
    started_at bigint NOT NULL,
    last_used_at bigint NOT NULL,
    idle_ms bigint NOT NULL,
    ends_at bigint NOT NULL,
    ended_at bigint,
    end_reason text,
    generation bigint NOT NULL,
    current bytea NOT NULL,
    previous bytea,
    salt bytea,
    rotated_at bigint,
    attempt bytea,
    reissues bigint NOT NULL
)
-- A rotation changes no column that has an index: with room in the page it leaves the indexes alone.
WITH (fillfactor = 80);
CREATE INDEX buttress_refresh_families_subject ON buttress_refresh_families (subject);
CREATE INDEX buttress_refresh_families_ends_at ON buttress_refresh_families (ends_at);
-- The server's time as it is kept. It goes on inside of a transaction, unlike now().
CREATE FUNCTION buttress_refresh_now() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE AS
    'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
