//! A value that exactly one request gets.

use cloakroom_tower::{Session, SessionError};

async fn redeem(session: Session) -> Result<String, SessionError> {
    match session.claim::<String>("voucher").await? {
        Some(voucher) => Ok(format!("{voucher} is yours")), // this request alone, and it is saved already
        None => Ok("it was used".to_owned()),
    }
}

// The test:

use crate::browser::Browser;
use axum::{Router, routing::get};
use cloakroom_tower::{SessionLayer, stores::MemoryStore};

#[tokio::test]
async fn of_parallel_requests_one_gets_the_voucher() {
    let give = async |session: Session| session.insert("voucher", "TEN-OFF").map_err(SessionError::from);
    let app = Router::new().route("/give", get(give)).route("/redeem", get(redeem));
    let mut browser = Browser::new(app.layer(SessionLayer::new(MemoryStore::new())));
    browser.get("/give").await;
    let (mut one, mut two) = (browser.clone(), browser);
    let (one, two) = tokio::join!(one.get("/redeem"), two.get("/redeem"));
    let mut texts = [one.text, two.text];
    texts.sort();
    assert_eq!(texts, ["TEN-OFF is yours", "it was used"]);
}
