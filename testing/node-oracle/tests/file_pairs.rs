//! Pairs of a Node application and a Rust application that keep sessions in one folder. No server is needed.

#![allow(clippy::print_stderr, reason = "a test says that it is skipped")]

#[path = "scenarios/parallel.rs"]
mod parallel;
mod scenarios;

use std::path::Path;
use std::time::Duration;

use cloakroom_node::{Express, FileBodies, FileLayout, NodeSession};
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};
use tempfile::TempDir;

use scenarios::{
    Pair, a_new_id_on_either_side_goes_on, an_end_on_either_side_is_one_on_the_other, counts_on,
    values_of_every_kind_pass,
};

const SECRET: &str = "keyboard cat";

fn text(path: &Path) -> Result<&str> {
    Ok(path.to_str().ok_or("the folder's name is not Unicode")?)
}

/// Express with session-file-store, whose sessions live for an hour.
async fn express_pair(folder: &TempDir, settings: &[(&str, &str)]) -> Result<Pair> {
    let express = Express::new([SECRET])?.ttl(Duration::from_secs(3600));
    let own = [("STORE", "file"), ("URL", text(folder.path())?), ("SECRETS", SECRET)];
    let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
    let node = NodeApp::start("express", &settings).await?;
    let bodies = FileBodies::open(folder.path(), FileLayout::session_file_store()).await?;
    let rust = RustApp::start(express.config(), express.store(bodies)).await?;
    Ok(Pair { node, rust })
}

async fn node_session_pair(
    folder: &TempDir,
    preset: &NodeSession,
    settings: &[(&str, &str)],
) -> Result<Pair> {
    let own = [("FILES", text(folder.path())?), ("SECRET", SECRET)];
    let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
    let node = NodeApp::start("node-session", &settings).await?;
    let bodies = FileBodies::open(folder.path(), FileLayout::node_session()).await?;
    let rust = RustApp::start_node_session(preset.config(), preset.store(bodies)).await?;
    Ok(Pair { node, rust })
}

fn node_session() -> Result<NodeSession> {
    Ok(NodeSession::new([SECRET])?)
}

#[tokio::test(flavor = "multi_thread")]
async fn express_and_session_file_store_share_sessions() -> Result {
    let folder = tempfile::tempdir()?;
    let pair = express_pair(&folder, &[("FLASH", "1"), ("CSRF", "csurf")]).await?;
    counts_on(&pair).await?;
    values_of_every_kind_pass(&pair).await?;
    an_end_on_either_side_is_one_on_the_other(&pair).await?;
    a_new_id_on_either_side_goes_on(&pair).await?;
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/flash?type=info&text=one").await?;
        assert_eq!(browser.text(second, "/flashes?type=info").await?, r#"["one"]"#);
        assert_eq!(browser.text(first, "/flashes?type=info").await?, "[]");
        let token = browser.text(first, "/token").await?;
        assert_eq!(browser.post(second, "/form", &format!("CSRF-Token: {token}")).await?.status, 200);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn express_keeps_its_last_access_and_rust_moves_it() -> Result {
    let folder = tempfile::tempdir()?;
    let pair = express_pair(&folder, &[]).await?;
    let mut browser = Browser::new();
    browser.text(pair.node.port(), "/count").await?;
    let id = browser.text(pair.node.port(), "/id").await?;
    let file = folder.path().join(format!("{id}.json"));
    let access = || -> Result<u64> {
        let body: serde_json::Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        Ok(body["__lastAccess"].as_u64().ok_or("no last access")?)
    };
    let before = access()?;
    browser.text(pair.rust.port(), "/count").await?;
    assert!(access()? >= before, "the session was used again");
    let body = std::fs::read_to_string(&file)?;
    assert_eq!(body.matches("__lastAccess").count(), 1, "{body}");
    // Half an hour later, Rust finds that the session is used after all.
    let old = access()? - 1_800_000;
    std::fs::write(&file, body_with_access(&body, old)?)?;
    assert_eq!(browser.text(pair.rust.port(), "/views").await?, "2");
    assert!(access()? > old + 1_700_000, "a look moves the expiry");
    // More than an hour later it has expired, on both sides.
    let expired = body_with_access(&std::fs::read_to_string(&file)?, 1000)?;
    std::fs::write(&file, expired)?;
    assert_eq!(browser.clone().text(pair.rust.port(), "/views").await?, "0");
    assert_eq!(browser.clone().text(pair.node.port(), "/views").await?, "0");
    Ok(())
}

fn body_with_access(body: &str, at: u64) -> Result<String> {
    let mut body: serde_json::Value = serde_json::from_str(body)?;
    body["__lastAccess"] = at.into();
    Ok(body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn node_session_and_its_file_driver_share_sessions() -> Result {
    let folder = tempfile::tempdir()?;
    let pair = node_session_pair(&folder, &node_session()?, &[]).await?;
    counts_on(&pair).await?;
    values_of_every_kind_pass(&pair).await?;
    an_end_on_either_side_is_one_on_the_other(&pair).await?;
    a_new_id_on_either_side_goes_on(&pair).await
}

/// Returns whether this Node can encrypt as node-session does: Node 22 has removed it.
fn has_create_cipher() -> Result<bool> {
    let output = std::process::Command::new("node").args(["-p", "typeof crypto.createCipher"]).output()?;
    Ok(output.stdout.starts_with(b"function"))
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_sessions_of_node_session_are_shared() -> Result {
    if !has_create_cipher()? {
        eprintln!("SKIPPED: this Node has no crypto.createCipher, which node-session's encryption needs");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let pair = node_session_pair(&folder, &node_session()?.encrypt(true), &[("ENCRYPT", "1")]).await?;
    counts_on(&pair).await?;
    a_new_id_on_either_side_goes_on(&pair).await?;
    let mut browser = Browser::new();
    browser.text(pair.rust.port(), "/count").await?;
    let id = browser.text(pair.rust.port(), "/id").await?;
    let body = std::fs::read_to_string(folder.path().join(id))?;
    assert!(body.starts_with(r#"{"ct":""#), "{body}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn flash_values_of_node_session_are_there_for_one_more_request_on_either_side() -> Result {
    let folder = tempfile::tempdir()?;
    let pair = node_session_pair(&folder, &node_session()?, &[]).await?;
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        for (shows, then) in [(first, second), (second, first), (second, second)] {
            let mut browser = Browser::new();
            browser.text(first, "/flash?type=info&text=saved").await?;
            assert_eq!(browser.text(shows, "/flashes?type=info").await?, "\"saved\"", "{node_begins}");
            assert_eq!(browser.text(then, "/flashes?type=info").await?, "null", "{node_begins}");
        }
        let mut browser = Browser::new();
        browser.text(first, "/flash?type=info&text=saved").await?;
        browser.text(second, "/keep").await?;
        assert_eq!(browser.text(first, "/flashes?type=info").await?, "\"saved\"", "{node_begins}");
        assert_eq!(browser.text(second, "/flashes?type=info").await?, "null", "{node_begins}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_csrf_token_of_node_session_is_the_same_on_both_sides() -> Result {
    let folder = tempfile::tempdir()?;
    let pair = node_session_pair(&folder, &node_session()?, &[]).await?;
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        let token = browser.text(first, "/token").await?;
        assert_eq!(token.len(), 40);
        for port in [first, second] {
            assert_eq!(browser.text(port, "/token").await?, token, "node begins: {node_begins}");
            let accepted = browser.post(port, "/form", &format!("CSRF-Token: {token}")).await?;
            assert_eq!((accepted.status, &*accepted.body), (200, "accepted"));
            assert_eq!(browser.post(port, "/form", "CSRF-Token: abc").await?.status, 403);
        }
    }
    Ok(())
}

/// Every response to a request that looked at its session brings the cookie, with `Max-Age` first.
#[tokio::test(flavor = "multi_thread")]
async fn node_sessions_cookie_comes_with_every_response() -> Result {
    let folder = tempfile::tempdir()?;
    let pair = node_session_pair(&folder, &node_session()?, &[]).await?;
    let mut browser = Browser::new();
    browser.text(pair.rust.port(), "/count").await?;
    for port in [pair.rust.port(), pair.node.port(), pair.rust.port()] {
        let answer = browser.get(port, "/views").await?;
        let [cookie] = &answer.set_cookies[..] else { panic!("one cookie: {:?}", answer.set_cookies) };
        let attributes = cookie.split_once(';').ok_or("no attributes")?.1;
        assert!(attributes.starts_with(" Max-Age=300; Path=/; Expires="), "{attributes}");
        assert!(attributes.ends_with("; HttpOnly"), "{attributes}");
    }
    Ok(())
}

/// A session that ended here stays ended for us, although Node writes it back.
#[tokio::test(flavor = "multi_thread")]
async fn what_node_writes_back_after_an_end_is_not_a_session_for_us() -> Result {
    let (files, plain) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let pairs = [
        (express_pair(&files, &[]).await?, files.path(), ".json"),
        (node_session_pair(&plain, &node_session()?, &[]).await?, plain.path(), ""),
    ];
    for (pair, folder, extension) in pairs {
        let mut browser = Browser::new();
        browser.text(pair.node.port(), "/count").await?;
        let id = browser.text(pair.rust.port(), "/id").await?;
        let file = folder.join(format!("{id}{extension}"));
        let body = std::fs::read(&file)?;
        let copy = browser.clone();
        browser.text(pair.rust.port(), "/destroy").await?;
        assert!(!file.exists());
        // What a request of Node that was under way does at its end.
        std::fs::write(&file, body)?;
        assert_eq!(copy.clone().text(pair.rust.port(), "/views").await?, "0");
        assert!(!file.exists(), "the file is removed when it is read, for Node too");
        assert_eq!(copy.clone().text(pair.node.port(), "/views").await?, "0");
    }
    Ok(())
}

/// Node is left out of it: its reads are touches, which write the whole file back.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_writes_of_ours_are_all_in_the_file() -> Result {
    let folder = tempfile::tempdir()?;
    parallel::parallel_writes_of_ours_are_all_there(&express_pair(&folder, &[]).await?).await
}

/// node-session writes in place: between its truncation and its write, there is an empty file.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_file_is_never_an_empty_session_for_us() -> Result {
    let folder = tempfile::tempdir()?;
    let pair = node_session_pair(&folder, &node_session()?, &[]).await?;
    let mut browser = Browser::new();
    browser.text(pair.node.port(), "/count").await?;
    browser.text(pair.node.port(), &format!("/set?key=long&value=%22{}%22", "x".repeat(8_000))).await?;
    let mut readers = Vec::new();
    for _ in 0..4 {
        let (mut browser, rust) = (browser.clone(), pair.rust.port());
        readers.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..250 {
                seen.push(browser.text(rust, "/views").await?);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(seen)
        }));
    }
    // One after the other: two at once would read each other's halves.
    while readers.iter().any(|reader| !reader.is_finished()) {
        assert_eq!(browser.text(pair.node.port(), "/views").await?, "1");
    }
    for reader in readers {
        assert_eq!(reader.await??, vec!["1"; 250]);
    }
    Ok(())
}
