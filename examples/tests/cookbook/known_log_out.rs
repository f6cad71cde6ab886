//! A log-out whose user learns whether it ended the session.

use cloakroom_tower::{ErrorKind, Session, SessionError};

async fn log_out(session: Session) -> Result<&'static str, SessionError> {
    session.log_out();
    match session.save().await {
        Err(error) if error.kind() == ErrorKind::Gone => {
            Ok("you have just logged in elsewhere: log out there, too")
        }
        other => Ok(other.map(|()| "logged out")?),
    }
}

// The test:

use cloakroom_tower::cloakroom::PlainRequest;
use cloakroom_tower::{Config, SessionManager, stores::MemoryStore};

#[tokio::test]
async fn a_log_out_that_a_log_in_overtook_says_so() {
    let manager = SessionManager::new(MemoryStore::new(), Config::plain_http()).unwrap();
    let guest = manager.begin(&PlainRequest::default()).load().await.unwrap();
    guest.insert("coat", "green").unwrap();
    guest.save().await.unwrap();
    let id = guest.id().unwrap();
    let cookie = PlainRequest::with_cookie(format!("session={}", id.expose()));
    let (leaving, entering) = (manager.begin(&cookie), manager.begin(&cookie));
    let leaving = leaving.load().await.unwrap();
    entering.load().await.unwrap().log_in("alice").unwrap();
    let _update = entering.commit().await.unwrap();
    assert!(log_out(leaving.into()).await.unwrap().starts_with("you have just logged in"));
    assert_eq!(log_out(Session::for_test().unwrap()).await.unwrap(), "logged out");
}
