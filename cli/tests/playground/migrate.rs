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

/// Runs it without a terminal: exit code `code`, and an error that says `expected`.
async fn assert_not_moved(folder: &Path, args: &[&str], code: i32, expected: &str) {
    let mut migrate = command(folder);
    let output = migrate.arg("migrate").args(args).stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    assert!(said.starts_with("error: ") && said.contains(expected), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?}: it says what it moved");
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn f36_a_source_that_is_not_there_is_an_error_and_stays_so() {
    let mut sources =
        vec!["sqlite:mistyped.db", "sqlite:mistyped.db?prefix=x_", "file:mistyped", "file:mistyped/"];
    if cfg!(feature = "redb") {
        sources.push("redb:mistyped.redb");
    }
    for from in sources {
        let folder = tempfile::tempdir().unwrap();
        for args in [&[from, "file:new"][..], &[from, "file:new", "--yes"]] {
            assert_not_moved(folder.path(), args, 2, "mistyped").await;
            assert!(is_empty(folder.path()), "{args:?} made something");
        }
    }
}

#[tokio::test]
async fn f36_a_place_without_a_store_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    assert_not_moved(folder.path(), &["file:photos", "file:new", "--yes"], 2, "photos").await;
    assert!(is_empty(&folder.path().join("photos")));
    assert_not_moved(folder.path(), &["file:empty.db", "file:new", "--yes"], 2, "empty.db").await;
    assert_not_moved(folder.path(), &["sqlite:empty.db", "file:new", "--yes"], 2, "empty.db").await;
    assert_not_moved(folder.path(), &["sqlite:photos", "file:new", "--yes"], 2, "photos").await;
    assert_eq!(std::fs::metadata(folder.path().join("empty.db")).unwrap().len(), 0);
    assert!(!folder.path().join("new").exists());
}

#[tokio::test]
async fn f36_other_tables_of_a_sqlite_file_are_not_a_source() {
    let folder = tempfile::tempdir().unwrap();
    Server::start(folder.path(), &["--store", SQLITE]).await.stop().await;
    let before = std::fs::read(folder.path().join("sessions.db")).unwrap();
    assert_not_moved(folder.path(), &["sqlite:sessions.db?prefix=x_", FILE, "--yes"], 2, "prefix").await;
    assert!(std::fs::read(folder.path().join("sessions.db")).unwrap() == before);
}

#[tokio::test]
async fn f36_a_source_without_sessions_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    Server::start(folder.path(), &["--store", SQLITE]).await.stop().await;
    assert_not_moved(folder.path(), &[SQLITE, FILE], 1, "holds no sessions").await;
    assert!(!folder.path().join("sessions").exists(), "the new store was made before");
    let output = command(folder.path()).args(["migrate", SQLITE, FILE, "--yes"]).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_not_moved(folder.path(), &["memory:", FILE], 2, "memory:").await;
    assert_not_moved(folder.path(), &[SQLITE, SQLITE], 2, "the same").await;
}

#[tokio::test]
async fn f36_a_second_run_finds_that_all_has_moved() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--store", SQLITE]).await;
    server.client().run(json!([{"insert": ["k", 1]}])).await;
    server.stop().await;
    for moved in ["1 records moved", "0 records moved"] {
        let output = migrate(folder.path(), SQLITE, FILE).await;
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(moved), "{output:?}");
    }
}

#[tokio::test]
async fn f36_a_playground_moves_nothing_from_a_store_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    for old in ["sqlite:mistyped.db", "file:mistyped"] {
        let mut demo = command(folder.path());
        demo.args(["demo", "--listen", "127.0.0.1:0", "--store", "memory:", "--migrating-from", old]);
        let output = tokio::time::timeout(std::time::Duration::from_secs(20), demo.output()).await;
        let output = output.expect("it serves").unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(is_empty(folder.path()), "{old} was made");
    }
}

#[tokio::test]
async fn f36_sigterm_interrupts_as_ctrl_c_does() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &["--store", SQLITE]).await;
        settle_in(&server.client()).await;
        server.stop().await;
        let mut child = command(folder.path());
        child.args(["migrate", SQLITE, FILE, "--parallel", "1"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        while !folder.path().join("sessions/records").exists() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let id = child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{signal}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("interrupted"), "{output:?}");
        assert!(migrate(folder.path(), SQLITE, FILE).await.status.success());
    }
}

/// The folder of an Express application, that it moves to, and the store in between.
const NODE: &str = "file:node?layout=session-file-store";
const NODE_AGAIN: &str = "file:again?layout=session-file-store";

#[tokio::test]
async fn sessions_of_express_move_to_a_store_of_our_own_and_back_and_no_user_is_logged_out() {
    let folder = tempfile::tempdir().unwrap();
    let demo = async |store: &str| {
        let args = ["--format", "express", "--secret", "keyboard cat", "--store", store];
        Server::start(folder.path(), &args).await
    };
    let first = demo("file:node").await;
    let client = first.client();
    client.run(json!([{"log_in": "alice"}, {"insert": ["n", 1]}])).await;
    let guest = client.stranger();
    guest.run(json!([{"insert": ["n", 2]}])).await;
    first.stop().await;
    std::fs::write(folder.path().join("node/broken.json"), "{\"cookie\":").unwrap();

    let output = migrate(folder.path(), NODE, SQLITE).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("1 records stay in the old store"), "{said}");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.starts_with("2 records moved") && told.contains("its body cannot be read"), "{told}");
    std::fs::remove_file(folder.path().join("node/broken.json")).unwrap();
    assert!(migrate(folder.path(), NODE, SQLITE).await.status.success());
    let output = migrate(folder.path(), SQLITE, NODE_AGAIN).await;
    assert!(output.status.success() && output.stdout.starts_with(b"2 records moved"), "{output:?}");

    let last = demo("file:again").await;
    let session = client.at(&last.address).session().await;
    let due = json!({"n": 1, "passport": {"user": "alice"}});
    assert_eq!((&session["user"], &session["data"]), (&json!("alice"), &due));
    assert_eq!(guest.at(&last.address).session().await["data"], json!({"n": 2}));
}

#[tokio::test]
async fn a_folder_of_node_that_is_not_there_is_an_error_and_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    assert_not_moved(folder.path(), &[NODE, "file:new"], 2, "a folder that is not there").await;
    assert!(is_empty(folder.path()));
}

#[tokio::test]
async fn a_session_with_an_id_of_our_own_stays_as_no_package_of_node_has_such_ids() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--store", SQLITE]).await;
    server.client().run(json!([{"insert": ["n", 1]}])).await;
    server.stop().await;
    let output = migrate(folder.path(), SQLITE, NODE).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.starts_with(b"0 records moved"), "{output:?}");
}
