//! A role that is changed in the sessions of its user.

use cloakroom_tower::{Key, SessionError, SessionManager};

const ROLE: Key<String> = Key::new("role");

/// Changes the role wherever the user is logged in; requests under way lose nothing.
async fn set_role(manager: &SessionManager, user: &str, role: &str) -> Result<(), SessionError> {
    let sessions = manager.sessions();
    for device in sessions.list(user).await? {
        // `None`: it has ended meanwhile.
        sessions.update(user, &device.public_id, |session| session.insert(ROLE, role)).await?;
    }
    Ok(())
}

// The test:

use cloakroom_tower::cloakroom::PlainRequest;
use cloakroom_tower::{Config, stores::MemoryStore};

#[tokio::test]
async fn a_role_changes_in_every_session() {
    let manager = SessionManager::new(MemoryStore::new(), Config::default()).unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        let session = manager.begin(&PlainRequest::default()).load().await.unwrap();
        session.log_in("alice").unwrap();
        session.save().await.unwrap();
        held.push(session);
    }
    set_role(&manager, "alice", "guest").await.unwrap();
    for session in held {
        session.reload().await.unwrap();
        assert_eq!(session.get(ROLE).unwrap().as_deref(), Some("guest"));
    }
}
