//! Pairs of a Node application and a Rust application that serve the same browser from the same store: Redis or memcached.
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
#[path = "scenarios/moving.rs"]
mod moving;
#[path = "scenarios/parallel.rs"]
mod parallel;
mod scenarios;

use std::time::Duration;

use cloakroom_memcached::MemcachedStore;
use cloakroom_node::{Express, Koa};
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};
use cloakroom_redis::RedisStore;
use cloakroom_redis::redis::{Client, cmd};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

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

fn shared(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        eprintln!("SKIPPED: {variable} names no server");
    }
    url
}

fn redis() -> Option<String> {
    shared("CLOAKROOM_TEST_REDIS")
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
        let bodies = RedisStore::from_url(url)?.prefix(prefix).build_bodies().await?;
        let rust = RustApp::start(express.config(), express.store(bodies)).await?;
        Ok(Self { node, rust })
    }

    /// Starts Koa on Redis, and a Rust application beside it.
    async fn koa(url: &str) -> Result<Self> {
        let koa = Koa::new(["new", "old"])?;
        let node = NodeApp::start("koa", &[("URL", url), ("SECRETS", "new,old")]).await?;
        let bodies = RedisStore::from_url(url)?.prefix("koa:sess:").build_bodies().await?;
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
    for store in ["redis", "redis10", "redis6"] {
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
    let pair = Pair::express(&url, "redis", &express(), &[("FLASH", "1"), ("CSRF", "csurf")]).await?;
    express::flash_messages_and_csrf_tokens_are_shared(&pair).await
}

/// The pair uses one package for CSRF tokens: whichever side has made a token, both accept it and nothing else.
async fn tokens_are_shared(pair: &Pair) -> Result {
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        let token = browser.text(first, "/token").await?;
        let later = browser.text(second, "/token").await?;
        for port in [first, second] {
            for token in [&token, &later] {
                let accepted = browser.post(port, "/form", &format!("X-CSRF-Token: {token}")).await?;
                assert_eq!(
                    (accepted.status, &*accepted.body),
                    (200, "accepted"),
                    "node begins: {node_begins}"
                );
            }
            let mut wrong = later.clone().into_bytes();
            wrong.reverse();
            let wrong = String::from_utf8(wrong)?;
            let refused = browser.post(port, "/form", &format!("X-CSRF-Token: {wrong}")).await?;
            assert!([403, 500].contains(&refused.status), "{refused:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_csrf_sync_and_lusca_are_shared() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    for package in ["csrf-sync", "lusca"] {
        let (prefix, express) = (prefix(), express());
        let own = [("STORE", "redis"), ("URL", &*url), ("PREFIX", &*prefix), ("SECRETS", SECRET)];
        let settings: Vec<_> = own.into_iter().chain([("CSRF", package)]).collect();
        let node = NodeApp::start("express", &settings).await?;
        let bodies = RedisStore::from_url(&url)?.prefix(&*prefix).build_bodies().await?;
        let rust = RustApp::start_with_tokens_of(package, express.config(), express.store(bodies)).await?;
        tokens_are_shared(&Pair { node, rust }).await?;
    }
    Ok(())
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
async fn what_node_writes_back_after_a_log_out_is_not_a_session_for_us() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    let keys = Keys { client: Client::open(&*url)?, prefix: prefix() };
    let pair = Pair::express_at(&url, &keys.prefix, "redis", &express(), &[]).await?;
    express::what_node_writes_back_after_a_log_out_is_not_a_session_for_us(&pair, &keys).await
}

/// What the items of a pair begin with, on memcached.
struct Items {
    url: String,
    prefix: String,
}

impl Items {
    fn find() -> Option<Self> {
        shared("CLOAKROOM_TEST_MEMCACHED").map(|url| Self { url, prefix: prefix() })
    }

    /// Starts Express, and a Rust application beside it.
    async fn pair(&self, express: &Express, settings: &[(&str, &str)]) -> Result<Pair> {
        let own =
            [("STORE", "memcached"), ("URL", self.server()), ("PREFIX", &self.prefix), ("SECRETS", SECRET)];
        let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
        let node = NodeApp::start("express", &settings).await?;
        let bodies = MemcachedStore::from_url(&self.url)?.prefix(&*self.prefix).build_bodies().await?;
        let rust = RustApp::start(express.config(), express.store(bodies)).await?;
        Ok(Pair { node, rust })
    }

    fn server(&self) -> &str {
        self.url.trim_start_matches("memcached://")
    }

    /// Sends a command, and returns the first two lines of its answer, or the one that says it all.
    async fn send(&self, command: &str) -> Result<(String, String)> {
        let mut stream = TcpStream::connect(self.server()).await?;
        stream.write_all(command.as_bytes()).await?;
        let mut lines = BufReader::new(stream).lines();
        let first = lines.next_line().await?.ok_or("no answer")?;
        let second =
            if first.starts_with("VA") { lines.next_line().await?.ok_or("no value")? } else { String::new() };
        Ok((first, second))
    }
}

impl Bodies for Items {
    async fn body(&self, id: &str) -> Result<Option<String>> {
        let (first, body) = self.send(&format!("get {}{id}\r\n", self.prefix)).await?;
        Ok(first.starts_with("VALUE").then_some(body))
    }

    async fn write(&self, id: &str, body: &str) -> Result {
        let command = format!("set {}{id} 2 86400 {}\r\n{body}\r\n", self.prefix, body.len());
        assert_eq!(self.send(&command).await?.0, "STORED");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn express_and_connect_memcached_share_sessions() -> Result {
    let Some(items) = Items::find() else { return Ok(()) };
    express::sessions_are_shared(&items.pair(&express(), &[]).await?).await
}

/// Whichever side has written last, the item has the flags of JSON and lives as long as the cookie.
#[tokio::test(flavor = "multi_thread")]
async fn express_and_connect_memcached_share_a_lifetime() -> Result {
    let Some(items) = Items::find() else { return Ok(()) };
    let hour = express().max_age(Duration::from_secs(3600));
    let pair = items.pair(&hour, &[("MAX_AGE", "3600000")]).await?;
    express::a_lifetime_is_shared(&pair).await?;
    let mut browser = Browser::new();
    for port in [pair.node.port(), pair.rust.port(), pair.rust.port(), pair.node.port()] {
        browser.text(port, "/count").await?;
        let id = browser.text(pair.rust.port(), "/id").await?;
        let (answer, _) = items.send(&format!("mg {}{id} f t\r\n", items.prefix)).await?;
        let left = answer.strip_prefix("HD f2 t").ok_or_else(|| answer.clone())?.parse::<u32>()?;
        assert!((3_570..=3_600).contains(&left), "{answer}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn passport_log_ins_and_log_outs_are_shared_over_connect_memcached() -> Result {
    let Some(items) = Items::find() else { return Ok(()) };
    let pair = items.pair(&express().passport(), &[("PASSPORT", "text")]).await?;
    express::log_ins_and_log_outs_are_shared(&pair).await
}

#[tokio::test(flavor = "multi_thread")]
async fn flash_messages_and_csrf_tokens_are_shared_over_connect_memcached() -> Result {
    let Some(items) = Items::find() else { return Ok(()) };
    let pair = items.pair(&express(), &[("FLASH", "1"), ("CSRF", "csurf")]).await?;
    express::flash_messages_and_csrf_tokens_are_shared(&pair).await
}

/// Node is left out of it: its looks write the whole session back.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_writes_of_ours_are_all_in_memcached() -> Result {
    let Some(items) = Items::find() else { return Ok(()) };
    parallel::parallel_writes_of_ours_are_all_there(&items.pair(&express(), &[]).await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_node_writes_back_to_memcached_after_a_log_out_is_not_a_session_for_us() -> Result {
    let Some(items) = Items::find() else { return Ok(()) };
    let pair = items.pair(&express(), &[]).await?;
    express::what_node_writes_back_after_a_log_out_is_not_a_session_for_us(&pair, &items).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_express_move_to_a_store_of_our_own_and_back_and_no_browser_is_logged_out() -> Result {
    let Some(url) = redis() else { return Ok(()) };
    moving::all_stay_logged_in(&url, &prefix(), SECRET).await
}
