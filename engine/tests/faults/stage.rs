//! An engine, its clock, its store and its events.

use std::time::Duration;

use cloakroom::{Config, SessionManager};

use crate::browser::NAME;
use crate::clock::TestClock;
use crate::events::Events;
use crate::store::ControlledStore;

/// An engine and what is around it: a process.
pub(crate) struct Stage {
    pub(crate) clock: TestClock,
    pub(crate) store: ControlledStore,
    pub(crate) events: Events,
    pub(crate) engine: SessionManager,
}

impl Stage {
    pub(crate) fn new(options: impl FnOnce(Config) -> Config) -> Self {
        let clock = TestClock::new();
        Self::on(clock, ControlledStore::new(clock), options)
    }

    /// Another process on the same store, with a connection and options of its own.
    pub(crate) fn another(&self, options: impl FnOnce(Config) -> Config) -> Self {
        Self::on(self.clock, self.store.another_connection(), options)
    }

    /// Another machine on the same store, whose clock is so many seconds ahead.
    pub(crate) fn ahead(&self, seconds: i64, options: impl FnOnce(Config) -> Config) -> Self {
        Self::on(self.clock.ahead(seconds), self.store.another_connection(), options)
    }

    pub(crate) fn on(
        clock: TestClock,
        store: ControlledStore,
        options: impl FnOnce(Config) -> Config,
    ) -> Self {
        let events = Events::default();
        let config = Config::plain_http()
            .cookie_name(NAME)
            .clock(clock)
            .observer(events.clone())
            .absolute_timeout(Duration::from_secs(30 * 24 * 60 * 60))
            .sweep_interval(None);
        let engine = SessionManager::new(store.clone(), options(config)).expect("the options fit together");
        Self { clock, store, events, engine }
    }
}

/// No options.
pub(crate) const fn plain(config: Config) -> Config {
    config
}

/// Sets how long a request may wait for its store in all.
pub(crate) fn deadline(config: Config, span: Duration) -> Config {
    config.deadline(span)
}
