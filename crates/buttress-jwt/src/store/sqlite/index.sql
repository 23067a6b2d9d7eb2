-- Those of a subject that have not ended are few, and have to be found among all that have. A rotation changes
-- no column of these indexes.
CREATE INDEX buttress_refresh_families_live ON buttress_refresh_families (subject) WHERE ended_at IS NULL;
CREATE INDEX buttress_refresh_families_ended ON buttress_refresh_families (subject, ended_at)
    WHERE ended_at IS NOT NULL;
DROP INDEX IF EXISTS buttress_refresh_families_subject;
