//! Unit tests of handlers.

use cloakroom_tower::{Session, SessionError};

async fn add(session: Session) -> Result<String, SessionError> {
    session.push("cart", "coat")?;
    Ok(session.get::<Vec<String>>("cart")?.unwrap_or_default().join(", "))
}

#[tokio::test]
async fn what_is_added_is_in_the_cart() {
    let session = Session::for_test().unwrap();
    session.log_in("ada").unwrap(); // where the handler wants a user
    assert_eq!(add(session.clone()).await.unwrap(), "coat");
}

// The test:
