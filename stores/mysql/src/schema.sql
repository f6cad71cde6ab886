-- The tables of cloakroom-mysql, schema version 2. `Builder::create_tables` runs this; another prefix than `cloakroom_`
-- is put in its place. Times are microseconds since 1970-01-01T00:00:00Z.

CREATE TABLE IF NOT EXISTS cloakroom_records (
    id          BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    record_key  VARBINARY(255) NOT NULL,
    version     BIGINT         NOT NULL,
    expires_at  BIGINT         NOT NULL,
    due_at      BIGINT         NOT NULL, -- never later than expires_at: when a sweep has to look at the record again
    sliding     BOOLEAN        NOT NULL,
    owner       VARBINARY(255),          -- with owner_since, or both are NULL
    owner_since BIGINT,
    payload     LONGBLOB       NOT NULL,
    -- For the list of an owner's records: to read a part of a long payload, the server would read all of it.
    payload_head VARBINARY(512) AS (IF(owner IS NULL, NULL, LEFT(payload, 512))) STORED,
    UNIQUE KEY records_key (record_key),
    KEY records_due (due_at),
    KEY records_owner (owner)            -- and id, as in every index: a list of an owner's records is read in pages
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC COMMENT = 'cloakroom-mysql, schema 2';

CREATE TABLE IF NOT EXISTS cloakroom_revocations (
    owner      VARBINARY(255) NOT NULL PRIMARY KEY,
    revoked_at BIGINT         NOT NULL,
    forget_at  BIGINT         NOT NULL,
    KEY revocations_forget (forget_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC COMMENT = 'cloakroom-mysql, schema 2';
