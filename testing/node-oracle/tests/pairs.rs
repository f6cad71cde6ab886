//! Pairs of a Node application and a Rust application that serve the same browser from the same store.
//!
//! Servers are named by `CLOAKROOM_TEST_*`; a pair whose server is not named is skipped loudly, as in the other suites.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "helpers of tests say what they skip"
)]

mod scenarios;

use std::time::Duration;

use cloakroom_node::{Express, Koa};
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};
use cloakroom_redis::RedisStore;

use scenarios::{
    Pair, a_new_id_on_either_side_goes_on, an_end_on_either_side_is_one_on_the_other, counts_on,
    values_of_every_kind_pass,
};

const SECRET: &str = "keyboard cat";

/// A prefix that no other test has.
fn prefix() -> String {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).unwrap();
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("oracle-{digits}:")
}

fn redis() -> Option<String> {
    let url = std::env::var("CLOAKROOM_TEST_REDIS").ok();
    if url.is_none() {
        eprintln!("SKIPPED: CLOAKROOM_TEST_REDIS names no server");
    }
    url
}

impl Pair {
    /// Starts Express on Redis, and a Rust application beside it.
    async fn express(url: &str, store: &str, express: &Express, settings: &[(&str, &str)]) -> Result<Self> {
        let prefix = prefix();
        let own = [("STORE", store), ("URL", url), ("PREFIX", &prefix), ("SECRETS", SECRET)];
        let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
        let node = NodeApp::start("express", &settings).await?;
        let bodies = RedisStore::builder(url)?.prefix(prefix.clone()).open_bodies().await?;
        let rust = RustApp::start(express.config(), express.store(bodies)).await?;
        Ok(Self { node, rust })
    }

    /// Starts Koa on Redis, and a Rust application beside it.
    async fn koa(url: &str) -> Result<Self> {
        let koa = Koa::new(["new", "old"])?;
        let node = NodeApp::start("koa", &[("URL", url), ("SECRETS", "new,old")]).await?;
        let bodies = RedisStore::builder(url)?.prefix("koa:sess:").open_bodies().await?;
        let rust = RustApp::start(koa.config(), koa.store(bodies)).await?;
        Ok(Self { node, rust })
    }
}

fn express() -> Express {
    Express::new([SECRET]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn express_and_connect_redis_share_sessions() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    for store in ["redis", "redis6"] {
        let pair = Pair::express(&url, store, &express(), &[]).await?;
        counts_on(&pair).await?;
        values_of_every_kind_pass(&pair).await?;
        an_end_on_either_side_is_one_on_the_other(&pair).await?;
        a_new_id_on_either_side_goes_on(&pair).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn express_with_a_lifetime_shares_it() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let hour = express().max_age(Duration::from_secs(3600));
    let pair = Pair::express(&url, "redis", &hour, &[("MAX_AGE", "3600000")]).await?;
    counts_on(&pair).await?;
    let mut browser = Browser::new();
    for port in [pair.rust.port(), pair.node.port()] {
        let answer = browser.get(port, "/count").await?;
        assert!(answer.set_cookies[0].contains("; Expires="), "{:?}", answer.set_cookies);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn koa_and_koa_redis_share_sessions() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let pair = Pair::koa(&url).await?;
    counts_on(&pair).await?;
    values_of_every_kind_pass(&pair).await?;
    an_end_on_either_side_is_one_on_the_other(&pair).await?;
    a_new_id_on_either_side_goes_on(&pair).await
}

#[tokio::test(flavor = "multi_thread")]
async fn passport_log_ins_and_log_outs_are_shared() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    for (express, kind) in [(express().passport(), "text"), (express().passport_with_numbers(), "number")] {
        let pair = Pair::express(&url, "redis", &express, &[("PASSPORT", kind)]).await?;
        for node_begins in [true, false] {
            let (first, second) = pair.from(node_begins);
            let mut browser = Browser::new();
            browser.text(first, "/login?user=7").await?;
            for port in [first, second] {
                assert_eq!(browser.text(port, "/user").await?, "7", "{kind}, node begins: {node_begins}");
            }
            let copy = browser.clone();
            browser.text(second, "/logout").await?;
            for port in [first, second] {
                assert_eq!(copy.clone().text(port, "/user").await?, "", "{kind}, node begins: {node_begins}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn flash_messages_and_csrf_tokens_are_shared() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let pair = Pair::express(&url, "redis", &express(), &[("FLASH", "1"), ("CSRF", "1")]).await?;
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/flash?type=info&text=one").await?;
        browser.text(second, "/flash?type=info&text=two").await?;
        assert_eq!(browser.text(second, "/flashes?type=info").await?, r#"["one","two"]"#);
        assert_eq!(browser.text(first, "/flashes?type=info").await?, "[]");

        let token = browser.text(first, "/token").await?;
        let accepted = browser.post(second, "/form", &format!("CSRF-Token: {token}")).await?;
        assert_eq!((accepted.status, &*accepted.body), (200, "accepted"), "node begins: {node_begins}");
        let refused = browser.post(second, "/form", "CSRF-Token: abc-def").await?;
        assert_eq!(refused.status, 403);
    }
    Ok(())
}

/// Node reads, and Rust writes in parallel: no write is lost.
#[tokio::test(flavor = "multi_thread")]
async fn no_write_of_ours_is_lost_while_node_reads() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let pair = Pair::express(&url, "redis", &express(), &[]).await?;
    let mut browser = Browser::new();
    browser.text(pair.node.port(), "/count").await?;
    let mut requests = Vec::new();
    for number in 0..400 {
        let (mut browser, rust, node) = (browser.clone(), pair.rust.port(), pair.node.port());
        requests.push(tokio::spawn(async move {
            if number % 4 == 0 {
                browser.text(node, "/views").await
            } else {
                browser.text(rust, "/count").await
            }
        }));
        if number % 16 == 15 {
            for request in requests.drain(..) {
                request.await??;
            }
        }
    }
    assert_eq!(browser.text(pair.node.port(), "/views").await?, "301");
    assert_eq!(browser.text(pair.rust.port(), "/views").await?, "301");
    Ok(())
}

/// A session that ended here stays ended for us, although Node writes it back.
#[tokio::test(flavor = "multi_thread")]
async fn what_node_writes_back_after_a_log_out_is_no_session_for_us() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let prefix = prefix();
    let express = express();
    let store = || async { RedisStore::builder(&url)?.prefix(prefix.clone()).open_bodies().await };
    let rust = RustApp::start(express.config(), express.store(store().await?)).await?;
    let mut browser = Browser::new();
    browser.text(rust.port(), "/count").await?;
    let id = browser.text(rust.port(), "/id").await?;
    let copy = browser.clone();
    let mut connection =
        cloakroom_redis::redis::Client::open(&*url)?.get_multiplexed_async_connection().await?;
    let key = format!("{prefix}{id}");
    let body: String = cloakroom_redis::redis::cmd("GET").arg(&key).query_async(&mut connection).await?;
    browser.text(rust.port(), "/destroy").await?;
    // What a request of Node that was under way does at its end.
    let _: () = cloakroom_redis::redis::cmd("SET")
        .arg(&key)
        .arg(&body)
        .arg("EX")
        .arg(1000)
        .query_async(&mut connection)
        .await?;
    assert_eq!(copy.clone().text(rust.port(), "/views").await?, "0");
    let there: bool = cloakroom_redis::redis::cmd("EXISTS").arg(&key).query_async(&mut connection).await?;
    assert!(!there, "the body is removed when it is read, for Node too");
    Ok(())
}
