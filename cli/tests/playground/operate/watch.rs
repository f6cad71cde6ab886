//! `cloakroom watch`: sessions that begin and end.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::handle;
use crate::server::{FILE, Playground, SQLITE, command};

/// A command that watches.
struct Watching {
    lines: Lines<BufReader<ChildStdout>>,
    child: Child,
}

impl Watching {
    fn start(playground: &Playground, arguments: &[&str], store: &str) -> Self {
        let mut watch = command(playground.folder.path());
        watch.args(["watch", "--every", "20ms", "--store", store]).args(arguments).stdout(Stdio::piped());
        let mut child = watch.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { lines, child }
    }

    async fn line(&mut self) -> String {
        self.lines.next_line().await.unwrap().expect("it goes on")
    }
}

#[tokio::test]
async fn sessions_are_seen_to_begin_and_to_end() {
    for store in [FILE, SQLITE] {
        let playground = Playground::on(store).await;
        let client = playground.client();
        client.stranger().run(json!([{"insert": ["k", 1]}])).await;
        let mut watching = Watching::start(&playground, &[], store);
        let first = watching.line().await;
        assert!(first.starts_with("watching 1 sessions "), "{first}");
        client.run(json!([{"log_in": "alice\u{1b}[2J"}])).await;
        let id = handle(&client.session().await);
        let began = watching.line().await;
        assert!(began.ends_with(&format!("  began    {id}  alice\\u{{1b}}[2J")), "{began}");
        client.run(json!([{"log_out": true}])).await;
        let ended = watching.line().await;
        assert!(ended.contains(&format!("  ended    {id}  alice")), "{ended}");

        let process = watching.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "INT", &process]).status().unwrap().success());
        assert!(watching.child.wait().await.unwrap().success());
    }
}

#[tokio::test]
async fn the_sessions_of_one_user_are_watched_as_json() {
    let playground = Playground::on(SQLITE).await;
    let client = playground.client();
    client.run(json!([{"log_in": "alice"}])).await;
    let id = handle(&client.session().await);
    let mut watching = Watching::start(&playground, &["--user", "alice", "--json"], SQLITE);
    // Others are not shown; her own session ends when the watch has seen it.
    playground.client().run(json!([{"log_in": "bob"}])).await;
    let second = playground.client();
    loop {
        second.run(json!([{"log_in": "alice"}])).await;
        let wait = std::time::Duration::from_millis(100);
        if let Ok(line) = tokio::time::timeout(wait, watching.line()).await {
            let seen: Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&seen["what"], &seen["user"]), (&json!("began"), &json!("alice")), "{line}");
            break;
        }
    }
    client.run(json!([{"log_out": true}])).await;
    loop {
        let seen: Value = serde_json::from_str(&watching.line().await).unwrap();
        assert_eq!(seen["user"], "alice", "{seen}");
        if seen["public_id"] == json!(id) {
            assert_eq!(seen["what"], "ended", "{seen}");
            break;
        }
    }
}
