//! `cloakroom explain`: cookies, and the sessions that they lead to.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::server::{Playground, command};

const SECRET: &str = "keyboard cat";

/// What it says; it must succeed.
pub(crate) async fn explain(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder).arg("explain").args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_session_in_a_folder_is_found_by_its_cookie() {
    for (format, name) in [("express", "connect.sid"), ("node-session", "node_session")] {
        let flags = ["--format", format, "--secret", SECRET, "--store", "file:sessions"];
        let Playground { folder, server } = Playground::with(&flags).await;
        let client = server.client();
        client.run(json!([{"insert": ["coat", "green"]}])).await;
        let cookie = format!("{name}={}", client.cookie().unwrap());
        let arguments = [&*cookie, "--secret", "old", "--secret", SECRET, "--store", "file:./sessions"];

        let text = explain(folder.path(), &arguments).await;
        assert!(text.contains("signature  good, by secret 2 of 2\nsession    "), "{format}: {text}");
        assert!(text.contains("\n  coat: a string, 7 bytes\n"), "{format}: {text}");
        assert!(text.contains("\nlast used  20") && !text.contains("green"), "{format}: {text}");
        let text = explain(folder.path(), &[&arguments[..], &["--show-values"]].concat()).await;
        assert!(text.contains("  coat: \"green\"\n"), "{format}: {text}");

        client.run(json!([{"destroy": true}])).await;
        let text = explain(folder.path(), &arguments).await;
        assert!(text.contains("none in this folder: a Rust application has ended it"), "{format}: {text}");
    }
}

#[tokio::test]
async fn a_look_into_a_folder_makes_nothing() {
    let flags = ["--format", "express", "--secret", SECRET, "--store", "memory:"];
    let Playground { folder, server } = Playground::with(&flags).await;
    let client = server.client();
    client.run(json!([{"insert": ["k", 1]}])).await;
    let cookie = format!("connect.sid={}", client.cookie().unwrap());
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let text = explain(folder.path(), &[&cookie, "--secret", SECRET, "--store", "file:empty"]).await;
    assert!(text.ends_with("session    none in this folder\n"), "{text}");
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
    let missing = command(folder.path())
        .args(["explain", &cookie, "--secret", SECRET, "--store", "file:missing"])
        .output()
        .await
        .unwrap();
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    assert!(!folder.path().join("missing").exists());
}
