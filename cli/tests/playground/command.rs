//! The command line.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::json;

use crate::server::{MEMORY, Playground, Server, command};

async fn output(folder: &Path, args: &[&str]) -> Output {
    command(folder).args(args).output().await.unwrap()
}

/// Runs it with these arguments: exit code 2, nothing on standard output, and one error that says `expected`.
pub(crate) async fn assert_refused(args: &[&str], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path(), args).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{args:?}");
    assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[tokio::test]
async fn flags_that_cannot_be_right_are_refused() {
    for (args, expected) in [
        (&["--dance"][..], "--dance"),
        (&["dance"], "dance"),
        (&["--store", MEMORY], "--store"),
        (&["demo", "--idle-timeout", "soon"], "a span of time"),
        (&["demo", "--listen", "3000"], "127.0.0.1:3000"),
        (&["demo", "--listen", "127.0.0.1:70000"], "127.0.0.1:3000"),
        (&["demo", "--touch-threshold", "often"], "--touch-threshold"),
        (&["demo", "--format", "rails"], "rails"),
    ] {
        assert_refused(args, expected).await;
    }
}

#[tokio::test]
async fn options_that_contradict_each_other_are_refused_by_their_names() {
    for (args, expected) in [
        (&["--idle-timeout", "0"][..], "error: --idle-timeout: "),
        (
            &["--idle-timeout", "2h", "--absolute-timeout", "1h"],
            "error: --idle-timeout and --absolute-timeout: ",
        ),
        (&["--renew-every", "5s"], "error: --renew-every and --renewal-grace-period: "),
        (&["--renewal-grace-period", "2h"], "error: --renewal-grace-period: "),
        (&["--touch-threshold", "1"], "error: --touch-threshold: "),
        (&["--cookie-name", "a b"], "error: --cookie-name: "),
        (&["--cookie-name", "__Host-id"], "error: --cookie-name and a cookie that is not always Secure: "),
        (&["--secret", "short"], "error: --secret: a secret has at least 32 bytes, this one 5\n"),
    ] {
        assert_refused(&[&["demo", "--store", MEMORY], args].concat(), expected).await;
    }
}

#[tokio::test]
async fn a_format_of_node_that_cannot_be_had_is_refused_and_says_why() {
    for (args, expected) in [
        (&["--format", "express"][..], "error: packages of Node sign their cookies: --secret, "),
        (
            &["--format", "express", "--secret", "k", "--store", "sqlite:x.db?layout=dance"],
            "the value of the setting layout cannot be read",
        ),
        (
            &["--format", "koa", "--secret", "k", "--store", "file:x"],
            "this package has no known store for file: URLs",
        ),
        (
            &["--format", "node-session", "--secret", "k", "--store", "floppy:x"],
            "no store is called \"floppy\"",
        ),
        (
            &["--format", "express", "--secret", "k", "--migrating-to", "file:y"],
            "only sessions of our own format are moved",
        ),
        (&["--format", "koa", "--secret", "k", "--trust-forwarded-proto"], "for plain http here"),
        (&["--format", "express", "--secret", "k", "--cookie-name", "a b"], "--cookie-name"),
        (
            &["--format", "node-session", "--secret", "k", "--store", "file:x?layout=connect-redis"],
            "the value of the setting layout cannot be read",
        ),
    ] {
        assert_refused(&[&["demo"], args].concat(), expected).await;
    }
}

#[tokio::test]
async fn a_store_that_is_not_here_is_refused_and_says_what_is() {
    for (store, expected) in [
        ("floppy:a", "error: no store is called \"floppy\"; there are memory:"),
        ("sessions.db", "error: the URL of a store looks like sqlite:PATH"),
        ("sqlite:", "needs a path after the colon"),
        (
            "sqlite:x?dance=1",
            "error: the store sqlite:x cannot be opened: a setting of the url is unknown, or there twice; there are busy_timeout, ",
        ),
        ("sqlite:x?durability=maybe", "the value of the setting durability cannot be read"),
        ("sqlite:x?prefix=1", "error: the store sqlite:x cannot be opened: "),
        ("sqlite:no/such/folder/x", "error: the store sqlite:no/such/folder/x cannot be opened: "),
        ("file:no/such/folder", "error: the store file:no/such/folder cannot be opened: "),
        ("memory:x", "the url of this store is memory:, without a path"),
        ("memory:?max_records=many", "the value of the setting max_records cannot be read"),
    ] {
        assert_refused(&["demo", "--store", store], expected).await;
    }
}

#[tokio::test]
async fn a_setting_that_has_another_name_now_is_refused_with_the_new_one() {
    for (store, old, new) in [
        ("sqlite:x?table_prefix=a", "table_prefix", "prefix"),
        ("file:x?max_payload=1", "max_payload", "max_payload_bytes"),
        ("redb:x?cache=1", "cache", "cache_bytes"),
        ("redis://127.0.0.1:1?wait=1", "wait", "wait_for_replicas"),
        ("redis://127.0.0.1:1?wait_timeout=1s", "wait_timeout", "replica_timeout"),
        ("redis://127.0.0.1:1?response_timeout=1s", "response_timeout", "request_timeout"),
        ("redis://127.0.0.1:1?eviction=allowed", "eviction", "allow_eviction"),
        ("postgres://127.0.0.1:1/d?answer_timeout=1s", "answer_timeout", "request_timeout"),
        ("mysql://127.0.0.1:1/d?largest_payload=1", "largest_payload", "max_payload_bytes"),
        ("mongodb://127.0.0.1:1/d?timeout=1s", "timeout", "request_timeout"),
        ("memcached://127.0.0.1:1?slack=1s", "slack", "expiry_margin"),
        ("etcd://127.0.0.1:1?timeout=1s", "timeout", "request_timeout"),
        ("dynamodb://127.0.0.1:1/t?largest_payload=1", "largest_payload", "max_payload_bytes"),
    ] {
        let expected = format!("the setting {old} is called {new} now");
        assert_refused(&["demo", "--store", store], &expected).await;
    }
}

#[tokio::test]
async fn an_address_in_use_is_a_failure() {
    let playground = Playground::on(MEMORY).await;
    let taken = playground.server.address.as_str();
    let output = output(playground.folder.path(), &["demo", "--store", MEMORY, "--listen", taken]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: cannot listen on 127.0.0.1:"));
}

#[tokio::test]
async fn the_demo_is_on_a_sqlite_file_in_the_working_folder_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]).await;
    assert_eq!(server.client().run(json!([{"increment": ["n", 1]}])).await["results"], json!([1]));
    assert!(folder.path().join("sessions.db").exists());
    server.stop().await;
}

#[tokio::test]
async fn f37_without_a_command_it_prints_its_help_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let help = tokio::time::timeout(Duration::from_secs(20), output(folder.path(), &[])).await;
    let help = help.expect("it serves instead of ending");
    assert_eq!(help.status.code(), Some(2), "{help:?}");
    let said = String::from_utf8(help.stderr).unwrap();
    for word in ["Usage: cloakroom <COMMAND>", "demo", "check", "migrate"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it made something");
}

#[tokio::test]
async fn the_settings_of_a_store_are_passed_on() {
    for (store, made) in [
        ("file:a%20folder?durability=process", "a folder"),
        ("sqlite:a.db?durability=process&prefix=other_&busy_timeout=1s&readers=1", "a.db"),
    ] {
        let playground = Playground::on(store).await;
        playground.client().run(json!([{"insert": ["k", 1]}])).await;
        assert!(playground.folder.path().join(made).exists());
    }
    let full = Playground::on("memory:?max_records=0&max_bytes=100000").await;
    let answer = full.client().try_run(json!([{"insert": ["k", 1]}])).await.unwrap();
    answer.assert_error(503, "unavailable");
}

/// The `Set-Cookie` header of a new session.
async fn new_cookie(flags: &[&str], header: Option<&'static str>) -> String {
    let playground = Playground::with(&[&["--store", MEMORY], flags].concat()).await;
    let mut client = playground.client();
    if let Some(value) = header {
        client = client.header("x-forwarded-proto", value);
    }
    let answer = client.try_run(json!([{"insert": ["k", 1]}])).await.unwrap();
    answer.header("set-cookie").unwrap().to_owned()
}

#[tokio::test]
async fn the_cookie_is_fit_for_plain_http_unless_a_trusted_proxy_says_https() {
    let cookie = new_cookie(&[], Some("https")).await;
    assert!(cookie.starts_with("session=") && !cookie.contains("Secure"), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(new_cookie(&["--trust-forwarded-proto"], Some("https")).await.contains("; Secure"));
    assert!(!new_cookie(&["--trust-forwarded-proto"], Some("http")).await.contains("; Secure"));
    assert!(new_cookie(&["--cookie-name", "ticket"], None).await.starts_with("ticket="));
}

#[tokio::test]
async fn the_absolute_clock_is_the_cookies_lifetime_and_0_means_none() {
    assert!(
        new_cookie(&["--absolute-timeout", "1h", "--idle-timeout", "40m"], None)
            .await
            .contains("Max-Age=3600;")
    );
    let longest = 400 * 24 * 60 * 60;
    assert!(new_cookie(&["--absolute-timeout", "0"], None).await.contains(&format!("Max-Age={longest};")));
}

#[tokio::test]
async fn the_idle_clock_is_enforced() {
    let playground =
        Playground::with(&["--store", MEMORY, "--idle-timeout", "200ms", "--renewal-grace-period", "0"])
            .await;
    let client = playground.client();
    let made = client.run(json!([{"insert": ["k", 1]}])).await;
    assert!(made["session"]["expires_in"].as_f64().unwrap() <= 0.2);
    playground.client().run(json!([{"sleep_ms": 250}])).await;
    assert_eq!(client.session().await["exists"], false);
}

#[tokio::test]
async fn ids_are_renewed_as_often_as_asked() {
    let flags = ["--store", MEMORY, "--renew-every", "50ms", "--renewal-grace-period", "0"];
    let playground = Playground::with(&flags).await;
    let client = playground.client();
    client.run(json!([{"insert": ["k", 1]}])).await;
    let old = client.copy();
    playground.client().run(json!([{"sleep_ms": 60}])).await;
    assert_eq!(client.session().await["data"], json!({"k": 1}));
    assert_ne!(client.cookie(), old.cookie());
    assert_eq!(client.session().await["data"], json!({"k": 1}));
    assert_eq!(old.session().await["exists"], false);
}

#[tokio::test]
async fn a_secret_signs_the_cookie_and_several_are_accepted() {
    const OLD: &str = "the quick brown fox jumps over the lazy dog";
    const NEW: &str = "pack my box with five dozen liquor jugs, now";
    let Playground { folder, server } = Playground::with(&["--secret", OLD]).await;
    let client = server.client();
    client.run(json!([{"insert": ["k", 1]}])).await;
    assert_eq!(client.cookie().unwrap().split('.').map(str::len).collect::<Vec<_>>(), [43, 43]);
    server.stop().await;
    let both = Server::start(folder.path(), &["--secret", NEW, "--secret", OLD]).await;
    assert_eq!(client.at(&both.address).session().await["data"], json!({"k": 1}));
    let new = Server::start(folder.path(), &["--secret", NEW]).await;
    assert_eq!(client.at(&new.address).session().await["exists"], false);
}

#[tokio::test]
async fn it_says_on_its_standard_error_where_sessions_are_and_what_cookies_are_fit_for() {
    let folder = tempfile::tempdir().unwrap();
    let child = command(folder.path())
        .args(["demo", "--store", MEMORY, "--listen", "0.0.0.0:0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut child = child;
    let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut String::new()).await.unwrap();
    child.start_kill().unwrap();
    let stderr = String::from_utf8(child.wait_with_output().await.unwrap().stderr).unwrap();
    for said in
        ["sessions are kept in memory", "plain http", "everyone who can reach this address", "--host NAME"]
    {
        assert!(stderr.contains(said), "{stderr}");
    }
}
