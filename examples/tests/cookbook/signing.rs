//! Cookies are signed, by a secret that can be changed.

use cloakroom_tower::{Config, ConfigError, KeyRing};

/// The first of two deployments: signs, and still takes cookies of the release before.
fn config(secret: &str) -> Result<(Config, KeyRing), ConfigError> {
    let keys = KeyRing::new([secret])?; // `keys.rotate(…)` changes it while the program serves
    Ok((Config::default().signed(keys.clone()).accept_unsigned(true), keys))
}

// The test:

use crate::browser::Browser;
use axum::{Router, routing::get};
use cloakroom_tower::{Session, SessionError, SessionLayer, SessionManager, stores::MemoryStore};
use std::sync::Arc;

#[tokio::test]
async fn no_user_is_logged_out_when_signing_begins_or_the_secret_changes() {
    let store: Arc<dyn cloakroom_tower::store::Store> = Arc::new(MemoryStore::new());
    let app = |config: Config| {
        let manager = SessionManager::from_arc(store.clone(), config).unwrap();
        let visits = async |session: Session| {
            session.increment("visits", 1).map(|visits| visits.to_string()).map_err(SessionError::from)
        };
        Router::new().route("/", get(visits)).layer(SessionLayer::from_manager(manager))
    };
    let mut early = Browser::new(app(Config::default()));
    assert_eq!(early.get("/").await.text, "1");
    let (signing, keys) = config("a secret of at least 32 bytes, from a vault").unwrap();
    let signing = app(signing);
    early.visit(signing.clone());
    assert_eq!(early.get("/").await.text, "2");
    let mut late = Browser::new(signing);
    assert_eq!(late.get("/").await.text, "1");
    keys.rotate("its successor, also at least 32 bytes long").unwrap();
    assert_eq!(late.get("/").await.text, "2");
}
