-- The tables of cloakroom-sqlite, schema version 1. `SqliteStore::open` runs this on a new file; another table
-- prefix than `cloakroom_` is put in its place. Times are microseconds since 1970-01-01T00:00:00Z.

PRAGMA application_id = 0x436c6b72; -- "Clkr"
PRAGMA user_version = 1;

CREATE TABLE IF NOT EXISTS cloakroom_records (
    id          INTEGER PRIMARY KEY,
    key         BLOB    NOT NULL UNIQUE,
    version     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL, -- never later than expires_at: when a sweep has to look at the record again
    sliding     INTEGER NOT NULL, -- 0 or 1
    owner       BLOB,             -- with owner_since, or both are NULL
    owner_since INTEGER,
    payload     BLOB    NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS cloakroom_records_due ON cloakroom_records (due_at);

CREATE INDEX IF NOT EXISTS cloakroom_records_owner ON cloakroom_records (owner) WHERE owner IS NOT NULL;

CREATE TABLE IF NOT EXISTS cloakroom_revocations (
    owner      BLOB    NOT NULL PRIMARY KEY,
    revoked_at INTEGER NOT NULL,
    forget_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS cloakroom_revocations_forget ON cloakroom_revocations (forget_at);
