//! `cloakroom migrate`: sessions move while they are used, and while the mover is killed.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{FILE, SQLITE, Server, command};

const USERS: usize = 60;
const KILLS: u64 = 6;

async fn migrate(folder: &Path, from: &str, to: &str) -> Output {
    command(folder).args(["migrate", from, to]).output().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_move_from_sqlite_to_files_under_traffic_and_kills() {
    moves_under_traffic(SQLITE, FILE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_move_from_files_to_sqlite_under_traffic_and_kills() {
    moves_under_traffic(FILE, SQLITE).await;
}

/// First both processes use the old store; then one follows while the other moves, as when a new version is rolled out.
async fn moves_under_traffic(old: &str, new: &str) {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(folder.path(), &["--store", old]).await;
    let users = settle_in(&first.client()).await;
    first.stop().await;

    let follows = Server::start(folder.path(), &["--store", old, "--migrating-to", new]).await;
    let moves = Server::start(folder.path(), &["--store", new, "--migrating-from", old]).await;
    let traffic: Vec<_> = (0..USERS / 2)
        .map(|user| {
            let client = users[user].at(if user % 2 == 0 { &follows.address } else { &moves.address });
            tokio::spawn(async move { use_session(&client, user).await })
        })
        .collect();
    for kill in 0..KILLS {
        kill_migrating(folder.path(), old, new, kill).await;
    }
    let output = migrate(folder.path(), old, new).await;
    assert!(output.status.success(), "{output:?}");
    for used in traffic {
        used.await.unwrap();
    }
    follows.stop().await;
    moves.stop().await;
    // What the process that follows has made since.
    assert!(migrate(folder.path(), old, new).await.status.success());
    let last = Server::start(folder.path(), &["--store", new]).await;
    for (user, client) in users.iter().enumerate() {
        check_session(&client.at(&last.address), user).await;
    }
}

/// Every user has a session; those of every third will have ended before anything moves.
async fn settle_in(client: &Client) -> Vec<Client> {
    let mut users = Vec::new();
    for user in 0..USERS {
        let client = client.stranger();
        client.run(json!([{"log_in": format!("user {user}")}, {"insert": ["n", 0]}])).await;
        if user % 3 == 2 {
            let cookie = client.copy();
            client.run(json!([{"log_out": true}])).await;
            users.push(cookie);
        } else {
            users.push(client);
        }
    }
    users
}

/// Half of the users go on while their sessions move; every fifth of them then logs out.
async fn use_session(client: &Client, user: usize) {
    if user % 3 == 2 {
        assert_eq!(client.session().await["exists"], false);
        return;
    }
    for n in 1..=20 {
        let answer = client.run(json!([{"increment": ["n", 1]}])).await;
        assert_eq!(answer["results"], json!([n]), "user {user}: {answer}");
    }
    if user.is_multiple_of(5) {
        let thief = client.copy();
        client.run(json!([{"log_out": true}])).await;
        assert_eq!(thief.session().await["exists"], false);
        client.set_cookie("session", thief.cookie().unwrap().as_str());
    }
}

async fn check_session(client: &Client, user: usize) {
    let session = client.session().await;
    let ended = user % 3 == 2 || (user < USERS / 2 && user.is_multiple_of(5));
    let n = if user < USERS / 2 { 20 } else { 0 };
    let due: (Value, Value) =
        if ended { (Value::Null, json!({})) } else { (json!(format!("user {user}")), json!({"n": n})) };
    assert_eq!((session["user"].clone(), session["data"].clone()), due, "user {user}");
}

/// Starts the command and kills it after another moment each time.
async fn kill_migrating(folder: &Path, old: &str, new: &str, kill: u64) {
    let mut child = command(folder)
        .args(["migrate", old, new, "--parallel", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5 + kill * 17 % 80)).await;
    let _dead_already = child.kill().await;
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sessions.db"), "no database, but long enough to be looked at")
        .unwrap();
    let output = migrate(folder.path(), SQLITE, FILE).await;
    assert!(!output.status.success(), "{output:?}");
    assert!(!folder.path().join("sessions").exists());
}
