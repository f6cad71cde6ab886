//! Pairs of a Node application and a Rust application that serve the same browser from the same store.
//!
//! Servers are named by `CLOAKROOM_TEST_*`; a pair whose server is not named is skipped loudly, as in the other suites.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "helpers of tests say what they skip"
)]

#[path = "scenarios/express.rs"]
mod express;
mod scenarios;

use std::time::Duration;

use cloakroom_node::{Express, Koa};
use cloakroom_node_oracle::{NodeApp, Result, RustApp};
use cloakroom_redis::RedisStore;
use cloakroom_redis::redis::{Client, cmd};

use express::Bodies;
use scenarios::Pair;

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
        Self::express_at(url, &prefix(), store, express, settings).await
    }

    async fn express_at(
        url: &str,
        prefix: &str,
        store: &str,
        express: &Express,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let own = [("STORE", store), ("URL", url), ("PREFIX", prefix), ("SECRETS", SECRET)];
        let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
        let node = NodeApp::start("express", &settings).await?;
        let bodies = RedisStore::builder(url)?.prefix(prefix).open_bodies().await?;
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
        express::sessions_are_shared(&pair).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn express_with_a_lifetime_shares_it() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let hour = express().max_age(Duration::from_secs(3600));
    let pair = Pair::express(&url, "redis", &hour, &[("MAX_AGE", "3600000")]).await?;
    express::a_lifetime_is_shared(&pair).await
}

#[tokio::test(flavor = "multi_thread")]
async fn koa_and_koa_redis_share_sessions() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    express::sessions_are_shared(&Pair::koa(&url).await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn passport_log_ins_and_log_outs_are_shared() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    for (express, kind) in [(express().passport(), "text"), (express().passport_with_numbers(), "number")] {
        let pair = Pair::express(&url, "redis", &express, &[("PASSPORT", kind)]).await?;
        express::log_ins_and_log_outs_are_shared(&pair).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn flash_messages_and_csrf_tokens_are_shared() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let pair = Pair::express(&url, "redis", &express(), &[("FLASH", "1"), ("CSRF", "1")]).await?;
    express::flash_messages_and_csrf_tokens_are_shared(&pair).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_of_ours_is_lost_while_node_reads() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let pair = Pair::express(&url, "redis", &express(), &[]).await?;
    express::no_write_of_ours_is_lost_while_node_reads(&pair).await
}

/// The keys of a pair.
struct Keys {
    client: Client,
    prefix: String,
}

impl Bodies for Keys {
    async fn body(&self, id: &str) -> Result<Option<String>> {
        let mut connection = self.client.get_multiplexed_async_connection().await?;
        Ok(cmd("GET").arg(format!("{}{id}", self.prefix)).query_async(&mut connection).await?)
    }

    async fn write(&self, id: &str, body: &str) -> Result {
        let mut connection = self.client.get_multiplexed_async_connection().await?;
        let mut set = cmd("SET");
        set.arg(format!("{}{id}", self.prefix)).arg(body).arg("EX").arg(86_400);
        Ok(set.query_async(&mut connection).await?)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_node_writes_back_after_a_log_out_is_no_session_for_us() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let keys = Keys { client: Client::open(&*url)?, prefix: prefix() };
    let pair = Pair::express_at(&url, &keys.prefix, "redis", &express(), &[]).await?;
    express::what_node_writes_back_after_a_log_out_is_no_session_for_us(&pair, &keys).await
}
