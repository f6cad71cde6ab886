//! Pairs of an Express application and a Rust application that keep sessions in one table: connect-pg-simple in PostgreSQL,
//! express-mysql-session in MariaDB, connect-sqlite3 in a file.
//!
//! Servers are named by `CLOAKROOM_TEST_*`; a pair whose server is not named is skipped loudly, as in the other suites.

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "helpers of tests say what they skip")]

#[path = "scenarios/express.rs"]
mod express;
mod scenarios;
#[path = "scenarios/tables.rs"]
mod tables;

use std::time::Duration;

use cloakroom_node::Express;
use cloakroom_node_oracle::{Browser, Result};

use scenarios::Pair;
use tables::{Place, SECRET, Server};

fn express() -> Express {
    Express::new([SECRET]).unwrap()
}

macro_rules! pairs {
    ($($name:ident: $server:expr;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn sessions_are_shared() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express(), &[]).await?;
                express::sessions_are_shared(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_lifetime_is_shared_and_rows_expire_when_node_says_so() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let hour = express().max_age(Duration::from_secs(3600));
                let pair = place.pair(&hour, &[("MAX_AGE", "3600000")]).await?;
                express::a_lifetime_is_shared(&pair).await?;
                rows_expire_when_node_says_so(&place, &pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn passport_log_ins_and_log_outs_are_shared() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express().passport(), &[("PASSPORT", "text")]).await?;
                express::log_ins_and_log_outs_are_shared(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn flash_messages_and_csrf_tokens_are_shared() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express(), &[("FLASH", "1"), ("CSRF", "csurf")]).await?;
                express::flash_messages_and_csrf_tokens_are_shared(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn no_write_of_ours_is_lost_while_node_reads() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express(), &[]).await?;
                express::no_write_of_ours_is_lost_while_node_reads(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn what_node_writes_back_after_a_log_out_is_not_a_session_for_us() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express(), &[]).await?;
                express::what_node_writes_back_after_a_log_out_is_not_a_session_for_us(&pair, &place).await?;
                place.remove(pair).await
            }
        }
    )*};
}

pairs! {
    connect_pg_simple: Server::Postgres { in_zone: true };
    express_mysql_session: Server::Mariadb;
    connect_sqlite3: Server::Sqlite { has_log: false };
    connect_sqlite3_with_a_write_ahead_log: Server::Sqlite { has_log: true };
}

/// Whichever side has written last.
async fn rows_expire_when_node_says_so(place: &Place, pair: &Pair) -> Result {
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/count").await?;
        // A look moves the row's expiry and leaves the body, so no look happens between a write and the comparison.
        let id = browser.text(pair.node.port(), "/id").await?;
        for port in [first, second, first, second, second, first] {
            browser.text(port, "/count").await?;
            assert_eq!(place.difference(&id).await?, 0, "node begins: {node_begins}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_pg_simple_in_the_time_zone_of_the_server_shares_sessions() -> Result {
    let Some(place) = Place::find(Server::Postgres { in_zone: false }).await? else { return Ok(()) };
    let pair = place.pair(&express(), &[]).await?;
    express::sessions_are_shared(&pair).await?;
    place.remove(pair).await
}
