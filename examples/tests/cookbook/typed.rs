//! Names and types of values, written once.

use cloakroom_tower::{Key, Session, SessionError, Typed};
use serde::{Deserialize, Serialize};

/// One value, by a key that knows its type.
const VISITS: Key<u32> = Key::new("visits");

async fn count(session: Session) -> Result<String, SessionError> {
    session.increment(VISITS, 1)?;
    Ok(format!("visit {}", session.get_or(VISITS, 0)?))
}

/// The session as a struct: each field is a value of that name.
#[derive(Default, Serialize, Deserialize)]
struct Shop {
    currency: Option<String>,
    cart: Vec<String>,
}

async fn add(mut shop: Typed<Shop>, article: String) -> Result<String, SessionError> {
    shop.change(|shop| shop.cart.push(article))?; // writes `cart`, and leaves `currency` to other requests
    Ok(shop.cart.join(", "))
}

// The test:

use crate::browser::Browser;
use axum::Router;
use axum::routing::{get, post};
use cloakroom_tower::SessionLayer;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn keys_and_structs_reach_the_same_values() {
    let router = Router::new().route("/", get(count)).route("/add", post(add));
    let mut browser = Browser::new(router.layer(SessionLayer::new(MemoryStore::new())));
    assert_eq!(browser.get("/").await.text, "visit 1");
    assert_eq!(browser.post("/add", "coat").await.text, "coat");
    assert_eq!(browser.post("/add", "hat").await.text, "coat, hat");
    assert_eq!(browser.get("/").await.text, "visit 2");
}
