//! A user with more sessions than a page has.

use std::collections::HashSet;

use cloakroom_sqlite::SqliteStore;
use cloakroom_tower::cloakroom::PlainRequest;
use cloakroom_tower::{Config, SessionManager};

use super::{listed, said};

const MANY: usize = 1_203;
const STORE: &str = "sqlite:sessions.db?durability=process";

#[tokio::test]
async fn the_sessions_of_one_user_are_listed_page_by_page_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let url = format!("sqlite:{}?durability=process", path.display());
    let store = SqliteStore::from_url(&url).unwrap().build().await.unwrap();
    let engine = SessionManager::new(store, Config::default().max_sessions_per_user(None)).unwrap();
    for _ in 0..MANY {
        let request = engine.begin(&PlainRequest::default());
        request.load().await.unwrap().log_in("many").unwrap();
        let _cookie = request.commit().await.unwrap();
    }
    for arguments in [&["list", "--user", "many"][..], &["list"]] {
        let lines = listed(folder.path(), arguments, STORE).await;
        let names: HashSet<_> = lines.iter().map(|line| line["public_id"].to_string()).collect();
        assert_eq!((lines.len(), names.len()), (MANY, MANY), "{arguments:?}");
    }
    assert_eq!(
        said(folder.path(), &["revoke", "--user", "many", "--yes"], STORE).await,
        format!("{MANY} sessions ended\n")
    );
    assert_eq!(said(folder.path(), &["count"], STORE).await, "0\n");
}
