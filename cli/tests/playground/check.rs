//! `cloakroom check`: the whole suite on a store that is named by its URL.

use std::path::Path;
use std::process::Output;

use crate::server::{FILE, MEMORY, Playground, SQLITE, command};

/// What is checked here is not the disk, which would take most of the time.
const FILE_IN_THE_CACHE: &str = "file:sessions?durability=process";
const SQLITE_IN_THE_CACHE: &str = "sqlite:sessions.db?durability=process";

async fn check(folder: &Path, arguments: &[&str]) -> Output {
    command(folder).arg("check").args(arguments).output().await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_sound_store_passes_and_keeps_nothing_of_the_check() {
    for (store, left) in
        [(MEMORY, vec![]), (FILE_IN_THE_CACHE, vec![]), (SQLITE_IN_THE_CACHE, vec!["sessions.db"])]
    {
        let folder = tempfile::tempdir().unwrap();
        let output = check(folder.path(), &[store]).await;
        assert!(output.status.success(), "{store}: {output:?}");
        assert!(said(&output).contains(" 0 broken"), "{store}: {}", said(&output));
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), left, "{store}");
    }
}

/// Makes a test of each server.
#[cfg(feature = "all-stores")]
macro_rules! on_servers {
    ($($name:ident: $service:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let output = check(folder.path(), &[&cloakroom_services::Service::$service.shared()]).await;
                assert!(output.status.success(), "{output:?}");
                assert!(said(&output).contains(" 0 broken"), "{}", said(&output));
            }
        )*
    };
}

#[cfg(feature = "all-stores")]
on_servers! {
    mongodb_passes: Mongodb;
    memcached_passes: Memcached;
    redis_passes: Redis;
}

#[tokio::test]
async fn the_sessions_of_a_store_that_is_checked_stay() {
    for store in [FILE, SQLITE] {
        let Playground { folder, server } = Playground::on(store).await;
        let client = server.client();
        client.run(serde_json::json!([{"insert": ["coat", "green"]}])).await;
        let output = check(folder.path(), &[store, "--only", "clear"]).await;
        assert!(output.status.success(), "{store}: {output:?}");
        assert_eq!(client.session().await["data"]["coat"], "green", "{store}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sessions.db"), "no database, but long enough to be looked at")
        .unwrap();
    let output = check(folder.path(), &[SQLITE]).await;
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("sqlite:sessions.db cannot be opened"),
        "{output:?}"
    );
}
