//! Requests a second through Redis and PostgreSQL: Cloakroom against bare handlers that ask the server themselves.
//!
//! The bare handlers take an id from a cookie, keep a struct of about 1 KB as JSON, and call the same commands and scripts of
//! Redis as the store, or do a plain `SELECT` (and `UPDATE`) in PostgreSQL, through the same client crate: no merging, no hashing.
//! Both are served by the same axum with one worker thread and asked by the same clients, each on a connection and a
//! session of its own. The two take short turns; the report shows the median of the ratios of neighbours, because a
//! machine's speed drifts.
//!
//! Run by `cargo xtask throughput`, which starts the servers.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod apps;
mod bare;
mod load;
mod report;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use apps::Database;
use load::Site;

pub(crate) type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// How many times the two take turns.
const ROUNDS: usize = 41;
/// How long each is asked at a time.
const SPAN: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let measured = server.map_err(Into::into).and_then(|server| {
        for database in Database::ALL {
            measure(&server, database)?;
        }
        Ok(())
    });
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error: Box<dyn Error + Send + Sync> = error;
            eprintln!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(server: &tokio::runtime::Runtime, database: Database) -> Result {
    let bare = Site::open(server, server.block_on(apps::bare(database))?)?;
    let ours = Site::open(server, server.block_on(apps::cloakroom(database))?)?;
    for path in ["/read", "/write"] {
        // Connections, caches and plans are warm then.
        bare.ask(path, SPAN)?;
        ours.ask(path, SPAN)?;
        let turns = (0..ROUNDS).map(|_| Ok((bare.ask(path, SPAN)?, ours.ask(path, SPAN)?)));
        println!("{}", report::line(database.name(), path, &turns.collect::<Result<Vec<_>>>()?));
    }
    Ok(())
}
