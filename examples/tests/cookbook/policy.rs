//! A level of assurance, and what is in force.

use cloakroom_tower::{Config, ConfigError, Preset, SessionLayer, store::Store};
use std::time::Duration;

fn layer(store: impl Store) -> Result<SessionLayer, ConfigError> {
    let config = Config::default()
        .preset(Preset::Aal2) // a log-in every 12 hours, and after 30 minutes without a request
        .idle_timeout(Duration::from_secs(15 * 60)); // stricter; looser would be an error
    for line in config.describe().to_string().lines() {
        tracing::info!("sessions: {line}");
    }
    SessionLayer::with_config(store, config)
}

// The test:

use cloakroom_tower::stores::MemoryStore;

#[test]
fn what_is_stricter_than_the_preset_builds_and_what_is_looser_does_not() {
    layer(MemoryStore::new()).unwrap();
    let looser = Config::default().preset(Preset::Aal2).absolute_timeout(None);
    let error = SessionLayer::with_config(MemoryStore::new(), looser).unwrap_err();
    assert_eq!(error.options(), ["preset", "absolute_timeout"]);
}
