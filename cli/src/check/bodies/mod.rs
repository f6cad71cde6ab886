//! Tests whether a server keeps the bodies of Node's sessions as their layout promises.

#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::atomic::{AtomicBool, Ordering};

use cloakroom_conformance::bodies::{self, Harness};

use super::report::Report;
use super::{CheckArgs, tell, unless_insisted, until_stopped};
use crate::signals::Signals;
use crate::stores::bodies::Layout;
use crate::stores::{Tidy, Trial};
use crate::trouble::Trouble;

/// Bodies under names that nothing else uses, and what removes them.
pub(super) struct Bodies {
    harness: Harness,
    tidy: Tidy,
}

/// Runs every case, under names that begin at random, and removes what it made, also after a signal.
pub(super) async fn run(
    args: &CheckArgs,
    layout: Layout,
    signals: &mut Signals,
    stop: &AtomicBool,
    trial: &Trial,
) -> Result<(), Trouble> {
    let opening = Box::pin(open(&args.url, layout, trial));
    let Bodies { harness, tidy } = unless_insisted(signals, stop, trial, opening).await??;
    let is_chosen = |name: &str| {
        !stop.load(Ordering::Relaxed) && args.only.as_ref().is_none_or(|text| name.contains(text.as_str()))
    };
    let verdicts = until_stopped(signals, stop, bodies::run(&harness, is_chosen)).await;
    drop(harness);
    let tidied = unless_insisted(signals, stop, trial, tidy).await?;
    tidied.map_err(|error| Trouble::failure("what was made cannot all be removed").because(&*error))?;
    let report = verdicts.map(|verdicts| {
        let mut report = Report::default();
        for (name, verdict) in verdicts {
            report.add(name, name.replace('_', " "), verdict);
        }
        report
    });
    tell(report, stop)
}

#[cfg_attr(
    not(any(
        feature = "memcached",
        feature = "mongodb",
        feature = "mysql",
        feature = "postgres",
        feature = "redis",
        feature = "sqlite"
    )),
    expect(unused_variables, reason = "files are not checked")
)]
#[cfg_attr(
    not(any(
        feature = "memcached",
        feature = "mongodb",
        feature = "mysql",
        feature = "postgres",
        feature = "redis",
        feature = "sqlite"
    )),
    expect(clippy::unused_async, reason = "without these stores there is nothing to wait for")
)]
async fn open(url: &str, layout: Layout, trial: &Trial) -> Result<Bodies, Trouble> {
    match layout {
        Layout::SessionFileStore | Layout::NodeSession => Err(Trouble::usage(
            "files of Node's sessions tell their expiry by themselves and change with every use: no suite fits them",
        )),
        #[cfg(feature = "redis")]
        Layout::ConnectRedis | Layout::KoaRedis => redis::open(url, trial).await,
        #[cfg(feature = "postgres")]
        Layout::ConnectPgSimple => postgres::open(url, trial).await,
        #[cfg(feature = "mysql")]
        layout @ (Layout::ExpressMysqlSession | Layout::NodeSessionTable) => {
            mysql::open(url, layout, trial).await
        }
        #[cfg(feature = "sqlite")]
        Layout::ConnectSqlite3 => sqlite::open(url, trial).await,
        #[cfg(feature = "memcached")]
        Layout::ConnectMemcached => memcached::open(url, trial).await,
        #[cfg(feature = "mongodb")]
        layout @ (Layout::ConnectMongo | Layout::NodeSessionCollection) => {
            mongodb::open(url, layout, trial).await
        }
        #[cfg(not(all(
            feature = "memcached",
            feature = "mongodb",
            feature = "mysql",
            feature = "postgres",
            feature = "redis",
            feature = "sqlite"
        )))]
        _ => Err(crate::stores::bodies::not_compiled_in(url)),
    }
}

/// Makes bodies of a store in tables of its own, or removes the tables again if the store did not open.
#[cfg(any(feature = "mongodb", feature = "mysql", feature = "postgres", feature = "sqlite"))]
async fn in_tables<S>(
    store: cloakroom_tower::store::Result<S>,
    tidy: Tidy,
    harness: impl FnOnce(S) -> Harness,
) -> Result<Bodies, Trouble> {
    match store {
        Ok(store) => Ok(Bodies { harness: harness(store), tidy }),
        Err(error) => {
            let _made_before: crate::stores::Tidied = tidy.await;
            Err(unusable(&error))
        }
    }
}

/// Makes the error of a server that what another package does cannot be done on.
#[cfg(any(
    feature = "memcached",
    feature = "mongodb",
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
fn refused(source: impl std::error::Error + Send + Sync + 'static) -> cloakroom_tower::store::Error {
    use cloakroom_tower::store::{Error, ErrorKind};
    Error::new(ErrorKind::Other, "the server refuses what the package of Node does").with_source(source)
}

/// Makes the trouble of a store that cannot be opened for a check.
#[cfg(any(
    feature = "memcached",
    feature = "mongodb",
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
fn unusable(error: &dyn std::error::Error) -> Trouble {
    Trouble::failure("the bodies cannot be checked").because(error)
}
