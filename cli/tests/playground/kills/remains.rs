//! What is in the store when all is over, seen without the server.

use std::path::Path;

use cloakroom_sqlite::SqliteStore;
use cloakroom_sqlite::rusqlite::Connection;
use cloakroom_tower::cloakroom::store::Store;
use cloakroom_tower::stores::FileStore;

/// Counts the live records; all of them must be readable.
async fn records(store: &dyn Store) -> usize {
    let scan = store.capabilities().scan.unwrap();
    let (mut count, mut after) = (0, None);
    loop {
        let page = scan.scan(after.as_ref(), 100).await.unwrap();
        count += page.entries.len();
        match page.next {
            Some(next) => after = Some(next),
            None => return count,
        }
    }
}

pub(super) async fn of_files(folder: &Path, sessions: usize) {
    assert_eq!(records(&FileStore::open(folder).await.unwrap()).await, sessions);
    let damaged = std::fs::read_dir(folder.join("damaged")).unwrap().count();
    assert_eq!(damaged, 0, "files were set aside");
}

pub(super) async fn of_a_database(file: &Path, sessions: usize) {
    assert_eq!(records(&SqliteStore::open(file).await.unwrap()).await, sessions);
    let check = "PRAGMA integrity_check";
    let found: String = Connection::open(file).unwrap().query_row(check, [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}
