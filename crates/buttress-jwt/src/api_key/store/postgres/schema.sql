-- One row per API key; the times are milliseconds since 1970. No column opens anything: `current` and `previous` are
-- SHA-256 of keys with random secrets.
CREATE TABLE buttress_api_keys (
    id text NOT NULL PRIMARY KEY,
    subject text NOT NULL,
    environment text NOT NULL,
    label text,
    scopes text NOT NULL,
    roles text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint,
    rotated_at bigint,
    overlaps_until bigint,
    current bytea NOT NULL,
    previous bytea
)
-- A use changes no column that has an index: with room in the page it leaves the indexes alone.
WITH (fillfactor = 80);
CREATE INDEX buttress_api_keys_subject ON buttress_api_keys (subject);
CREATE INDEX buttress_api_keys_expires_at ON buttress_api_keys (expires_at) WHERE expires_at IS NOT NULL;
-- The server's time as it is kept. It goes on inside of a transaction, unlike now().
CREATE FUNCTION buttress_api_keys_now() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE AS
    'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
