-- The tables of cloakroom-postgres, schema version 1. `Builder::create_tables` runs this in one transaction; another
-- prefix than `cloakroom_` is put in its place. Times are microseconds since 1970-01-01T00:00:00Z.

CREATE TABLE IF NOT EXISTS cloakroom_records (
    key         bytea   NOT NULL PRIMARY KEY,
    version     bigint  NOT NULL,
    expires_at  bigint  NOT NULL,
    due_at      bigint  NOT NULL, -- never later than expires_at: when a sweep has to look at the record again
    sliding     boolean NOT NULL,
    owner       bytea,            -- with owner_since, or both are NULL
    owner_since bigint,
    payload     bytea   NOT NULL
) WITH (fillfactor = 70); -- room for the next version of a record on its own page, so that no index is written

COMMENT ON TABLE cloakroom_records IS 'cloakroom-postgres, schema 1';

CREATE INDEX IF NOT EXISTS cloakroom_records_due ON cloakroom_records (due_at);

-- With the key, so that a list of an owner's records can be read in pages. Neither changes with an update that keeps the owner.
CREATE INDEX IF NOT EXISTS cloakroom_records_owner ON cloakroom_records (owner, key) WHERE owner IS NOT NULL;

-- A row is also what a log-in and a revocation of one owner wait for each other on; revoked_at is -1 as long as the
-- owner was not revoked.
CREATE TABLE IF NOT EXISTS cloakroom_revocations (
    owner      bytea  NOT NULL PRIMARY KEY,
    revoked_at bigint NOT NULL,
    forget_at  bigint NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX IF NOT EXISTS cloakroom_revocations_forget ON cloakroom_revocations (forget_at);

-- Moves the expiry of a record that was seen with this version and expiry, and says which one it has. A load calls it
-- only if a touch is due, so that all others read and nothing else.
CREATE OR REPLACE FUNCTION cloakroom_touch(record bytea, seen bigint, expiry bigint, later bigint) RETURNS bigint
LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $$
    WITH moved AS (
        UPDATE cloakroom_records SET expires_at = later
        WHERE key = record AND version = seen AND expires_at = expiry
        RETURNING true
    )
    SELECT CASE WHEN EXISTS (SELECT FROM moved) THEN later ELSE expiry END
$$;

-- Revokes an owner and counts the live records that it removed. Two statements, of which the second sees whatever the
-- first has waited for.
CREATE OR REPLACE FUNCTION cloakroom_revoke(whose bytea, at bigint, until bigint, moment bigint) RETURNS bigint
LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $$
    INSERT INTO cloakroom_revocations AS r (owner, revoked_at, forget_at) VALUES (whose, at, until)
    ON CONFLICT (owner) DO UPDATE
    SET revoked_at = GREATEST(r.revoked_at, at), forget_at = GREATEST(r.forget_at, until);

    WITH removed AS (
        DELETE FROM cloakroom_records WHERE owner = whose AND owner_since <= at RETURNING expires_at
    )
    SELECT count(*) FROM removed WHERE expires_at > moment
$$;
