-- $1 the subject whose it has to be, if any, $2 the session, $3 the reason, $4 how long ago in milliseconds
--
-- Materialized, so that the time is read after the rows are locked: who was rotating one has done so.
WITH locked AS MATERIALIZED (
    SELECT id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, ended_at, end_reason
    FROM buttress_refresh_families
    WHERE id = $2 AND ($1::text IS NULL OR subject = $1)
    ORDER BY id FOR UPDATE
), timed AS MATERIALIZED (
    SELECT locked.*, buttress_refresh_now() AS at FROM locked
), ended AS (
    UPDATE buttress_refresh_families AS family
    SET ended_at = timed.at, end_reason =
        CASE WHEN timed.at < least(timed.last_used_at + timed.idle_ms, timed.ends_at) THEN $3 ELSE 'expired' END
    FROM timed WHERE family.id = timed.id AND timed.ended_at IS NULL
    RETURNING family.id, family.ended_at, family.end_reason
)
SELECT timed.id, subject, label, context, started_at, last_used_at, idle_ms, ends_at,
    coalesce(ended.ended_at, timed.ended_at) AS ended_at,
    coalesce(ended.end_reason, timed.end_reason) AS end_reason,
    timed.ended_at IS NULL AS by_this,
    -- Whether what is to end has been written as ended.
    timed.ended_at IS NOT NULL OR ended.id IS NOT NULL AS done
FROM timed LEFT JOIN ended ON ended.id = timed.id
WHERE timed.ended_at IS NULL OR timed.ended_at >= at - $4
