-- $1 id, $2 generation, $3 presented, $4 successor, $5 salt, $6 attempt, $7 grace in milliseconds,
-- $8 how often the newest is given out again, $9 how old in milliseconds it has to be, $10 whether one ahead is
-- believed
--
-- The rules are those of `Family::rotate`. Each step is materialized, so that none is computed before the row
-- is locked: the time is read after the wait for whoever rotates at the same time.
WITH locked AS MATERIALIZED (
    SELECT id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, ended_at, end_reason,
        generation, current, previous, salt, rotated_at, attempt, reissues
    FROM buttress_refresh_families WHERE id = $1 FOR UPDATE
), timed AS MATERIALIZED (
    SELECT locked.*, buttress_refresh_now() AS at FROM locked
), measured AS MATERIALIZED (
    SELECT timed.*,
        greatest(at - coalesce(rotated_at, started_at), 0) AS since,
        coalesce(attempt = $6, false) AS same_attempt
    FROM timed
), judged AS MATERIALIZED (
    SELECT measured.*,
        CASE
            WHEN ended_at IS NOT NULL THEN 'ended'
            WHEN at >= least(last_used_at + idle_ms, ends_at) OR generation >= 4294967295 THEN 'expired'
            WHEN $2 = generation + 1 AND $2 < 4294967295 AND $10 THEN 'caught-up'
            WHEN $2 > generation THEN 'ahead'
            WHEN $2 = generation AND current <> $3 THEN 'forged'
            WHEN $2 = generation AND since < $9 THEN 'kept'
            WHEN $2 = generation THEN 'rotated'
            WHEN $2 = generation - 1 AND previous = $3 AND (since < $7 OR same_attempt) AND reissues < $8
                THEN 'reissued'
            ELSE 'reused'
        END AS verdict
    FROM measured
), rotated AS (
    UPDATE buttress_refresh_families AS family
    SET generation = $2 + 1, previous = $3, current = $4, salt = $5,
        rotated_at = judged.at, attempt = $6, reissues = 0, last_used_at = judged.at
    FROM judged WHERE family.id = judged.id AND judged.verdict IN ('rotated', 'caught-up')
    RETURNING family.id
), kept AS (
    UPDATE buttress_refresh_families AS family SET last_used_at = judged.at
    FROM judged WHERE family.id = judged.id AND judged.verdict = 'kept'
    RETURNING family.id
), reissued AS (
    UPDATE buttress_refresh_families AS family SET reissues = least(judged.reissues + 1, 4294967295)
    FROM judged WHERE family.id = judged.id AND judged.verdict = 'reissued'
    RETURNING family.id
), ended AS (
    UPDATE buttress_refresh_families AS family
    SET ended_at = judged.at, end_reason = judged.verdict
    FROM judged WHERE family.id = judged.id AND judged.verdict IN ('expired', 'reused', 'forged')
    RETURNING family.id
)
SELECT id, subject, label, context, started_at, idle_ms, ends_at,
    CASE WHEN verdict IN ('rotated', 'caught-up', 'kept') THEN at ELSE last_used_at END AS last_used_at,
    CASE WHEN verdict IN ('expired', 'reused', 'forged') THEN at ELSE ended_at END AS ended_at,
    CASE WHEN verdict IN ('expired', 'reused', 'forged') THEN verdict ELSE end_reason END AS end_reason,
    verdict, generation, salt, since, same_attempt,
    -- Whether what the verdict says was written, if it says anything.
    verdict IN ('ended', 'ahead') OR id IN (
        SELECT id FROM rotated UNION ALL SELECT id FROM kept UNION ALL SELECT id FROM reissued
        UNION ALL SELECT id FROM ended)
        AS done
FROM judged
