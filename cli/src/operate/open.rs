//! Opens a store for an operator: nothing is made, and nothing is guessed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cloakroom_tower::{Config, Event, Observer, SessionManager};

use super::{StoreArgs, layouts, node};
use crate::stores::{self, Tidy};
use crate::trouble::Trouble;

/// The sessions of a store.
pub(crate) struct Sessions {
    pub(crate) engine: SessionManager,
    /// Where they are kept, to follow "sessions". Holds no password.
    pub(crate) place: String,
    /// Gives back what this handle alone holds in the server. In a lock, so that requests can share the rest.
    release: Mutex<Option<Tidy>>,
}

/// How long a step may take: a server that ends a million sessions of a user needs minutes.
const DEADLINE: Duration = Duration::from_secs(600);

/// Longer than any idle time: what is stored decides when a session ends, not an option of this command.
const IDLE: Duration = Duration::from_secs(10_000 * 24 * 60 * 60);

/// Opens the store, if its sessions are of one layout only or the URL names the layout.
pub(crate) async fn open(args: &StoreArgs) -> Result<Sessions, Trouble> {
    open_with(args, |_: &Event| {}).await
}

/// Opens the store, for a command that observes what happens.
pub(super) async fn open_with(args: &StoreArgs, observer: impl Observer) -> Result<Sessions, Trouble> {
    let chosen = layouts::choose(&args.url).await?;
    let config = Config::default()
        .idle_timeout(IDLE)
        .absolute_timeout(None)
        .sweep_interval(None)
        .deadline(DEADLINE)
        .observer(observer);
    let (store, place, release) = if chosen.is_node {
        let (store, place) = node::open(&chosen.url).await?;
        (store, place, None)
    } else {
        let opened = stores::open_source(&chosen.url).await?;
        (opened.store, opened.place, opened.release)
    };
    let engine = SessionManager::from_arc(store, config)
        .map_err(|error| Trouble::usage("the store cannot be used").because(&error))?;
    Ok(Sessions { engine, place, release: Mutex::new(release) })
}

impl Sessions {
    /// Checks that the store can go through all sessions; says why not.
    pub(crate) fn can_scan(&self, purpose: &str) -> Result<(), Trouble> {
        if self.engine.store().capabilities().scan.is_some() {
            return Ok(());
        }
        Err(Trouble::failure(format!(
            "cannot {purpose}: the sessions are kept {}, where no index of them is, so they can be found by their ids \
             only, which the clients have",
            self.place
        )))
    }

    /// Returns whether the store finds the sessions of a user without going through all.
    pub(crate) fn has_owners(&self) -> bool {
        self.engine.store().capabilities().owners.is_some()
    }

    /// Returns about how many records there are, for a progress bar; `None` if the store cannot tell.
    pub(super) async fn records(&self) -> Option<u64> {
        self.engine.store().capabilities().scan?.count().await.ok()
    }

    /// Gives back what the server holds for this command.
    pub(super) async fn close(self) -> Result<(), Trouble> {
        drop(self.engine);
        match self.release.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(release) => release.await.map_err(|error| {
                Trouble::failure("what the server holds for this command stays until it times out")
                    .because(&*error)
            }),
            None => Ok(()),
        }
    }
}
