//! A user has few sessions at once.

use cloakroom_tower::Config;

fn config() -> Config {
    Config::default().max_sessions_per_user(2) // the third log-in ends the oldest session
}

// The test:

use cloakroom_tower::cloakroom::PlainRequest;
use cloakroom_tower::{ManualClock, SessionManager, Timestamp, stores::MemoryStore};
use std::time::Duration;

#[tokio::test]
async fn the_oldest_session_ends() {
    let clock = ManualClock::at(Timestamp::from_millis(0));
    let store = MemoryStore::builder().clock(clock.clone()).build();
    let manager = SessionManager::new(store, config().clock(clock.clone())).unwrap();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let session = manager.begin(&PlainRequest::default()).load().await.unwrap();
        session.log_in("alice").unwrap();
        session.save().await.unwrap();
        sessions.push(session);
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(manager.sessions().count("alice").await.unwrap(), 2);
    assert!(sessions[0].save().await.is_err() && sessions[2].save().await.is_ok());
}
