//! Secrets are never passed as arguments, which every user of the machine could read in the list of processes.

use serde_json::json;

use crate::server::{Server, command};

const OLD: &str = "the quick brown fox jumps over the lazy dog";
const NEW: &str = "pack my box with five dozen liquor jugs now";

#[tokio::test]
async fn f30_signing_secrets_come_from_the_environment_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_command(command(folder.path()).arg("demo").env("CLOAKROOM_SECRET", OLD)).await;
    let client = server.client();
    client.run(json!([{"insert": ["k", 1]}])).await;
    assert!(client.cookie().unwrap().contains('.'), "it is signed");
    server.stop().await;

    let both = format!("{NEW},{OLD}");
    let server =
        Server::start_command(command(folder.path()).arg("demo").env("CLOAKROOM_SECRET", both)).await;
    assert_eq!(client.at(&server.address).session().await["data"], json!({"k": 1}));
    server.stop().await;

    std::fs::write(folder.path().join("secrets"), format!("{NEW}\n\n{OLD}\n")).unwrap();
    let server = Server::start(folder.path(), &["--secret-file", "secrets"]).await;
    assert_eq!(client.at(&server.address).session().await["data"], json!({"k": 1}));
    server.stop().await;

    std::fs::write(folder.path().join("secrets"), NEW).unwrap();
    let server = Server::start(folder.path(), &["--secret-file", "secrets"]).await;
    assert_eq!(client.at(&server.address).session().await["exists"], false);
}

#[tokio::test]
async fn f30_a_store_url_comes_from_the_environment_or_a_file_in_every_command() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("url"), "file:sessions?durability=process\n").unwrap();
    let server = Server::start(folder.path(), &["--store", "@url"]).await;
    server.client().run(json!([{"insert": ["k", 1]}])).await;
    server.stop().await;
    let mut migrate = command(folder.path());
    migrate.args(["migrate", "@url", "env:NEW_STORE"]).env("NEW_STORE", "sqlite:new.db?durability=process");
    let output = migrate.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(folder.path().join("new.db").exists());
    let mut check = command(folder.path());
    check.args(["check", "env:NEW_STORE", "--only", "delete"]).env("NEW_STORE", "memory:");
    assert!(check.output().await.unwrap().status.success());
}

#[tokio::test]
async fn f30_a_secret_that_cannot_be_read_is_an_error_that_repeats_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    std::fs::write(folder.path().join("url"), "postgres://alice:hunter2@[host/db").unwrap();
    for (args, expected) in [
        (&["demo", "--secret-file", "missing"][..], "--secret-file missing"),
        (&["demo", "--secret-file", "empty"], "--secret-file empty"),
        (&["demo", "--secret-file", "empty", "--secret", OLD], "--secret"),
        (&["demo", "--store", "@missing"], "@missing"),
        (&["demo", "--store", "@empty"], "@empty"),
        (&["demo", "--store", "@url"], "postgres"),
        (&["check", "env:CLOAKROOM_NOT_SET"], "CLOAKROOM_NOT_SET"),
    ] {
        let output = command(folder.path()).args(args).output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(expected), "{args:?}: {said}");
        assert!(!said.contains("hunter2") && !said.contains(OLD), "{said}");
    }
}

#[tokio::test]
async fn f30_the_help_says_that_arguments_can_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    for of in ["demo", "check", "migrate", "list", "show", "count", "revoke", "sweep", "watch", "stats"] {
        let output = command(folder.path()).args([of, "--help"]).output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        for word in ["process list", "env:NAME", "@FILE"] {
            assert!(said.contains(word), "{of}: {word}: {said}");
        }
    }
}
