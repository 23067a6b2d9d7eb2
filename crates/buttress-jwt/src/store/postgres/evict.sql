-- $1 subject, $2 the session that begins, $3 how many others may stay, $4 the reason of an eviction
--
-- Materialized, so that the time is read after the rows are locked: whoever was using one has done so.
WITH locked AS MATERIALIZED (
    SELECT id, last_used_at, least(last_used_at + idle_ms, ends_at) AS expires_at
    FROM buttress_refresh_families
    WHERE subject = $1 AND id <> $2 AND ended_at IS NULL ORDER BY id FOR UPDATE
), timed AS MATERIALIZED (
    SELECT locked.*, buttress_refresh_now() AS at FROM locked
), over AS MATERIALIZED (
    SELECT id, at, 'expired' AS reason FROM timed WHERE at >= expires_at
    UNION ALL (
        SELECT id, at, $4 FROM timed WHERE at < expires_at ORDER BY last_used_at DESC, id DESC OFFSET $3
    )
)
UPDATE buttress_refresh_families AS family SET ended_at = over.at, end_reason = over.reason
FROM over WHERE family.id = over.id AND family.ended_at IS NULL
RETURNING family.id, family.subject, family.label, family.context, family.started_at, family.last_used_at,
    family.idle_ms, family.ends_at, family.ended_at, family.end_reason
