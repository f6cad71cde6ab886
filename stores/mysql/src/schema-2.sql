-- From schema version 1 to 2: `Builder::create_tables` runs this where it finds tables of version 1. The table of records is
-- copied, and writes wait for that.
ALTER TABLE cloakroom_revocations COMMENT = 'cloakroom-mysql, schema 2';

ALTER TABLE cloakroom_records
    ADD COLUMN payload_head VARBINARY(512) AS (IF(owner IS NULL, NULL, LEFT(payload, 512))) STORED,
    COMMENT = 'cloakroom-mysql, schema 2';
