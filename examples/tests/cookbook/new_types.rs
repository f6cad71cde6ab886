//! A value changes its type while sessions live.

use cloakroom_tower::Config;

fn config() -> Config {
    Config::default().lenient_key("cart")
}

// The test:

use cloakroom_tower::cloakroom::PlainRequest;
use cloakroom_tower::{SessionManager, stores::MemoryStore};

#[tokio::test]
async fn a_value_of_the_old_type_is_absent() {
    let manager = SessionManager::new(MemoryStore::new(), config()).unwrap();
    let session = manager.begin(&PlainRequest::default()).load().await.unwrap();
    session.insert("cart", "a text, once").unwrap();
    assert_eq!(session.get::<Vec<u32>>("cart").unwrap(), None);
}
