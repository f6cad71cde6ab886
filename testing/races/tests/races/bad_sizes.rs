//! Bad input: keys, values and names of users that are too large.

use cloakroom::ErrorKind;
use cloakroom_races::{Browser, Kind, Stand, races};
use cloakroom_tower::{Session, SessionError};

races! {
    a_value_that_is_too_large_is_refused_by_name_and_what_was_there_stays,
    a_first_value_that_is_too_large_makes_no_session,
    a_key_may_be_as_long_as_the_session,
    @owned
    a_user_s_name_has_1_to_255_bytes,
}

const LIMIT: usize = 10_000;

async fn stand(kind: Kind) -> Stand {
    Stand::with(kind, |config| config.max_size(LIMIT)).await
}

/// Saves a value of that many bytes; the kind of the error, and its words.
async fn put(browser: &mut Browser, key: String, bytes: usize) -> Result<(), (ErrorKind, String)> {
    let script = async move |session: Session| -> Result<String, SessionError> {
        session.insert(&key, "x".repeat(bytes))?;
        let error = session.save().await.err();
        session.discard_changes();
        Ok(error.map_or_else(String::new, |error| {
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            error.to_string()
        }))
    };
    let words = browser.run(script).await.ok().body;
    if words.is_empty() { Ok(()) } else { Err((ErrorKind::TooLarge, words)) }
}

async fn a_value_that_is_too_large_is_refused_by_name_and_what_was_there_stays(kind: Kind) {
    let stand = stand(kind).await;
    let mut guest = stand.guest().await;
    let (_, words) = put(&mut guest, "avatar".into(), LIMIT).await.unwrap_err();
    assert!(words.contains("\"avatar\" with 10002 bytes"), "{words}");
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
    assert_eq!(guest.read::<String>("avatar").await, None);
    put(&mut guest, "avatar".into(), LIMIT / 2).await.unwrap();
    assert_eq!(guest.read::<String>("avatar").await.unwrap().len(), LIMIT / 2);
}

async fn a_first_value_that_is_too_large_makes_no_session(kind: Kind) {
    let stand = stand(kind).await;
    let script = async |session: Session| Ok(session.insert("avatar", "x".repeat(LIMIT))?);
    let answer = stand.browser().run(script).await;
    assert_eq!(answer.status, 413);
    assert!(answer.leaves_cookie() && !answer.body.contains("avatar"), "{answer:?}");
    assert_eq!(stand.records().await, 0);
}

async fn a_key_may_be_as_long_as_the_session(kind: Kind) {
    let stand = stand(kind).await;
    let mut guest = stand.guest().await;
    put(&mut guest, "k".repeat(5_000), 1).await.unwrap();
    put(&mut guest, "\0/../\u{1f9e5}'; DROP TABLE".into(), 1).await.unwrap();
    assert!(put(&mut guest, "k".repeat(LIMIT), 1).await.is_err());
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
}

async fn a_user_s_name_has_1_to_255_bytes(kind: Kind) {
    let stand = stand(kind).await;
    let mut guest = stand.guest().await;
    for length in [0, 256, 100_000] {
        let script = async move |session: Session| {
            let error = session.log_in("u".repeat(length)).unwrap_err();
            Ok(format!("{:?}", error.kind()))
        };
        assert_eq!(guest.run(script).await.ok().body, "Invalid");
        assert_eq!(guest.user().await, None);
    }
    guest.run(async |session: Session| Ok(session.log_in("u".repeat(255))?)).await.ok();
    assert_eq!(guest.user().await.unwrap().len(), 255);
    assert_eq!(stand.engine.sessions().revoke_all(&"u".repeat(255)).await.unwrap(), 1);
}
