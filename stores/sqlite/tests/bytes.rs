//! What is in the database is what docs/wire.md says, now and in every later release.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_sqlite::SqliteStore;
use cloakroom_sqlite::rusqlite::Connection;
use cloakroom_store::{
    CreateOutcome, ManualClock, Owner, OwnerKey, Owners, Record, Store, StoreKey, Timestamp,
};

const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

const RECORDS: &str = "1|k1|1767229200000000|1767229200000000|1|alice|1767225600000000|coat
2|\u{ff}|1767229200000000|1767229200000000|0|||";

async fn open(file: &Path) -> SqliteStore {
    SqliteStore::builder(file).clock(Arc::new(ManualClock::at(START))).build().await.unwrap()
}

/// The rows of a query as text, a line each; bytes as the characters of the same number.
fn rows(file: &Path, query: &str) -> String {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    let columns = statement.column_count();
    let mut lines = Vec::new();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let cells = (0..columns).map(|at| text(row.get_ref(at).unwrap()));
        lines.push(cells.collect::<Vec<_>>().join("|"));
    }
    lines.join("\n")
}

fn text(value: cloakroom_sqlite::rusqlite::types::ValueRef<'_>) -> String {
    use cloakroom_sqlite::rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

fn alice() -> OwnerKey {
    OwnerKey::new("alice").unwrap()
}

#[tokio::test]
async fn a_record_is_the_row_that_docs_wire_md_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    let store = open(&file).await;
    let hour = START + Duration::from_secs(3_600);
    let owned = Record::new("coat", hour).with_owner(Owner::new(alice(), START));
    let plain = Record::new("", hour).with_sliding(false);
    for (key, record) in [(&b"k1"[..], owned), (&[0xff], plain)] {
        let created = store.create(&StoreKey::from_bytes(key).unwrap(), &record).await.unwrap();
        assert!(matches!(created, CreateOutcome::Created(_)));
    }
    let columns = "id, key, expires_at, due_at, sliding, owner, owner_since, payload";
    assert_eq!(rows(&file, &format!("SELECT {columns} FROM cloakroom_records ORDER BY id")), RECORDS);
}

#[tokio::test]
async fn a_revocation_is_the_row_that_docs_wire_md_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    open(&file).await.revoke(&alice(), START).await.unwrap();
    let row = rows(&file, "SELECT owner, revoked_at, forget_at > revoked_at FROM cloakroom_revocations");
    assert_eq!(row, "alice|1767225600000000|1");
}

#[tokio::test]
async fn the_tables_have_the_columns_that_docs_wire_md_says_in_this_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    drop(open(&file).await);
    let columns = |table: &str| {
        rows(&file, &format!("SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}')"))
    };
    assert_eq!(
        columns("cloakroom_records"),
        "id|INTEGER|0|1\nkey|BLOB|1|0\nversion|INTEGER|1|0\nexpires_at|INTEGER|1|0\ndue_at|INTEGER|1|0\n\
         sliding|INTEGER|1|0\nowner|BLOB|0|0\nowner_since|INTEGER|0|0\npayload|BLOB|1|0"
    );
    assert_eq!(
        columns("cloakroom_revocations"),
        "owner|BLOB|1|1\nrevoked_at|INTEGER|1|0\nforget_at|INTEGER|1|0"
    );
    let header = |name: &str| rows(&file, &format!("PRAGMA {name}"));
    assert_eq!((&*header("application_id"), &*header("user_version")), ("1131178866", "1"));
}
