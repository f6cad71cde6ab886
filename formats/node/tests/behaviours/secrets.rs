//! Secrets and ids of express-session.

use cloakroom_node::Express;
use cloakroom_node::cookie::CookieError;

use crate::stage::{BROWSER, Browser, ID, Stage, cookie};

/// An engine with these secrets that shares the session [`ID`].
fn stage(secrets: &[&[u8]]) -> Stage {
    let express = Express::new(secrets).unwrap();
    let stage = Stage::on(express.config(), |bodies| express.store(bodies));
    stage.node_writes(BROWSER);
    stage
}

/// Returns whether an engine reads a cookie that was signed with a secret.
async fn reads(stage: &Stage, secret: &str) -> bool {
    let mut found = false;
    let mut browser = Browser::with(&cookie(secret, ID));
    stage.visit(&mut browser, async |session| found = session.exists()).await;
    found
}

#[test]
fn e021_without_a_secret_there_is_no_preset() {
    assert_eq!(Express::new([""]).unwrap_err(), CookieError::Secret);
}

#[tokio::test]
async fn e079_an_id_is_32_random_characters() {
    let stage = Stage::new();
    let (mut one, mut two) = (Browser::default(), Browser::default());
    stage.count(&mut one).await;
    stage.count(&mut two).await;
    assert_ne!(one.id(), two.id());
    for id in [one.id(), two.id()] {
        assert_eq!(id.len(), 32);
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{id}");
    }
}

#[test]
fn e104_an_empty_list_of_secrets_is_refused() {
    assert_eq!(Express::new([""; 0]).unwrap_err(), CookieError::Secret);
}

#[tokio::test]
async fn e105_a_text_signs_and_verifies() {
    let stage = stage(&[b"keyboard cat"]);
    assert!(reads(&stage, "keyboard cat").await);
    let mut browser = Browser::default();
    stage.count(&mut browser).await;
    assert_eq!(stage.count(&mut browser).await, 2);
}

#[tokio::test]
async fn e106_bytes_that_are_not_text_sign_and_verify() {
    let stage = stage(&[&[0xff, 0xfe, 0x00, 0x80]]);
    let mut browser = Browser::default();
    stage.count(&mut browser).await;
    assert_eq!(stage.count(&mut browser).await, 2);
    assert!(!reads(&stage, "keyboard cat").await);
}

#[tokio::test]
async fn e107_a_list_of_secrets_signs() {
    let stage = stage(&[b"new", b"old"]);
    let mut browser = Browser::default();
    stage.count(&mut browser).await;
    assert_eq!(stage.count(&mut browser).await, 2);
}

#[tokio::test]
async fn e108_only_the_first_secret_signs() {
    let both = stage(&[b"new", b"old"]);
    let mut browser = Browser::default();
    both.count(&mut browser).await;
    let value = browser.cookie("connect.sid").unwrap().to_owned();
    for (secret, is_read) in [("new", true), ("old", false)] {
        let express = Express::new([secret]).unwrap();
        let one = Stage::on(express.config(), |_| express.store(both.bodies.clone()));
        one.visit(&mut Browser::with(&format!("connect.sid={value}")), async |session| {
            assert_eq!(session.exists(), is_read, "{secret}");
        })
        .await;
    }
}

#[tokio::test]
async fn e109_every_secret_verifies() {
    let stage = stage(&[b"new", b"old", b"older"]);
    for secret in ["new", "old", "older"] {
        assert!(reads(&stage, secret).await, "{secret}");
    }
    assert!(!reads(&stage, "other").await);
}
