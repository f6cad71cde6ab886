//! A session of an older version of the program is upgraded when it is first looked at.

use cloakroom_tower::{Config, Error};

fn config() -> Config {
    Config::default().schema(2, |version, session| {
        if version < 1 {
            // The cart was one text, with commas.
            let cart = session.take::<String>("cart")?.unwrap_or_default();
            session.insert("cart", cart.split_terminator(',').collect::<Vec<_>>())?;
        }
        if version < 2 {
            session.remove("banner");
        }
        Ok::<_, Error>(())
    })
}

// The test:

use cloakroom_tower::cloakroom::PlainRequest;
use cloakroom_tower::{SessionManager, stores::MemoryStore};
use std::sync::Arc;

#[tokio::test]
async fn an_old_cart_is_a_list_in_the_new_program() {
    let store = Arc::new(MemoryStore::new());
    let old = SessionManager::from_arc(store.clone(), Config::default()).unwrap();
    let request = old.begin(&PlainRequest::default());
    request.load().await.unwrap().insert("cart", "coat,hat").unwrap();
    let cookie = request.commit().await.unwrap().set_cookie.unwrap();
    let new = SessionManager::from_arc(store, config()).unwrap();
    let request = PlainRequest::with_cookie(cookie.split(';').next().unwrap());
    let session = new.begin(&request).load().await.unwrap();
    assert_eq!(session.get::<Vec<String>>("cart").unwrap().unwrap(), ["coat", "hat"]);
}
