//! Random bodies: those that Rust writes are read by Express, and those that Express writes are read by Rust.
//!
//! `CLOAKROOM_BODIES` is how many (2,000 unless set), `CLOAKROOM_SEED` begins a run again.
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "helpers of tests say what they skip")]

#[path = "random_bodies/json.rs"]
mod json;
#[path = "random_bodies/link.rs"]
mod link;

use cloakroom_node::Express;
use cloakroom_node_oracle::{NodeApp, Result, RustApp};
use cloakroom_redis::RedisStore;
use json::Dice;
use link::Link;

const SECRET: &str = "keyboard cat";
/// How many bodies are under way at once.
const WORKERS: u64 = 8;

/// How often a request is sent again that the store did not answer in time.
const TRIES: u32 = 5;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bodies_of_either_side_are_read_by_the_other() -> Result {
    let Ok(url) = std::env::var("CLOAKROOM_TEST_REDIS") else {
        eprintln!("SKIPPED: CLOAKROOM_TEST_REDIS names no server");
        return Ok(());
    };
    let seed = number("CLOAKROOM_SEED").unwrap_or_else(|| getrandom::u64().unwrap());
    let bodies = number("CLOAKROOM_BODIES").unwrap_or(2_000);
    let prefix = format!("random-{:016x}:", getrandom::u64().unwrap());
    let settings =
        [("STORE", "redis"), ("URL", &*url), ("PREFIX", &*prefix), ("SECRETS", SECRET), ("BODIES", "1")];
    let node = NodeApp::start("express", &settings).await?;
    let express = Express::new([SECRET])?;
    let store = express.store(RedisStore::from_url(&url)?.prefix(&*prefix).build_bodies().await?);
    let rust = RustApp::start_with_bodies(express.config(), store).await?;
    let (node_port, rust_port) = (node.port(), rust.port());
    let workers = (0..WORKERS).map(|worker| {
        tokio::spawn(async move {
            let (mut node, mut rust) = (Link::to(node_port).await?, Link::to(rust_port).await?);
            for number in (worker..bodies).step_by(usize::try_from(WORKERS)?) {
                let passed = passes(&mut node, &mut rust, &mut Dice::new(seed, number)).await;
                passed.map_err(|error| format!("CLOAKROOM_SEED={seed}, body {number}: {error}"))?;
            }
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        })
    });
    let workers: Vec<_> = workers.collect();
    for worker in workers {
        worker.await??;
    }
    Ok(())
}

/// Rust fills a session, Node finds the same in it, and fills it; then Rust finds what Node finds.
async fn passes(node: &mut Link, rust: &mut Link, dice: &mut Dice) -> Result {
    let (ours, theirs) = (json::object(dice), json::object(dice));
    for link in [&mut *node, &mut *rust] {
        link.cookie = None;
    }
    is(&insist(rust, "POST", "/fill", &ours).await?, "filled", &ours)?;
    node.cookie.clone_from(&rust.cookie);
    is(&node.send("POST", "/same", &ours).await?, "same", &ours)?;
    is(&node.send("POST", "/fill", &theirs).await?, "filled", &theirs)?;
    let (status, all) = insist(rust, "GET", "/all", "").await?;
    if status != 200 {
        return Err(
            format!("Rust cannot read what Node has made of {ours} and {theirs}: {status} {all}").into()
        );
    }
    is(&node.send("POST", "/same", &all).await?, "same", &all)
}

/// Sends a request again whose store did not answer in time, as on a machine that does much besides: that says nothing about
/// the body.
async fn insist(link: &mut Link, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
    for _ in 0..TRIES {
        let answer = link.send(method, path, body).await?;
        if answer.0 != 503 {
            return Ok(answer);
        }
    }
    link.send(method, path, body).await
}

fn is(answer: &(u16, String), due: &str, sent: &str) -> Result {
    if answer == &(200, due.to_owned()) {
        return Ok(());
    }
    Err(format!("{} {} and not {due}, of {sent}", answer.0, answer.1).into())
}
