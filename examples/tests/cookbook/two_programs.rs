//! Two programs on one host, on two ports or two paths.

use axum::{Router, routing::get};
use cloakroom_tower::{Config, ConfigError, Session, SessionError, SessionLayer, store::Store};

async fn visits(session: Session) -> Result<String, SessionError> {
    Ok(format!("visit {}", session.increment("visits", 1)?))
}

fn shop(store: impl Store) -> Result<Router, ConfigError> {
    let config = Config::default().cookie_name("__Host-shop");
    Ok(Router::new().route("/", get(visits)).layer(SessionLayer::with_config(store, config)?))
}

fn forum(store: impl Store) -> Result<Router, ConfigError> {
    let config = Config::default().cookie_name("__Host-forum");
    Ok(Router::new().route("/", get(visits)).layer(SessionLayer::with_config(store, config)?))
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn two_programs_do_not_replace_each_others_sessions() {
    let (shop, forum) = (shop(MemoryStore::new()).unwrap(), forum(MemoryStore::new()).unwrap());
    let mut browser = Browser::new(shop.clone());
    for count in 1..=3 {
        for program in [&shop, &forum] {
            browser.visit(program.clone());
            assert_eq!(browser.get("/").await.text, format!("visit {count}"));
        }
    }
}
