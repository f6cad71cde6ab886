//! Row a13: the cookie and the lifetime of one session.

use std::time::Duration;

use cloakroom::{Clock as _, Config, SameSite, Secure};
use cloakroom_races::{Kind, Stand, races};
use cloakroom_tower::{ErrorKind, Session};

races! {
    a13_a_session_has_a_cookie_of_its_own_in_every_process_and_under_every_id,
    a13_a_session_lives_longer_than_others_if_its_user_wants_to_be_remembered,
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn secure(config: Config) -> Config {
    config.secure(Secure::Always)
}

/// The time that the cookie has left, and the time that it was made to last.
async fn times(session: Session) -> Result<String, cloakroom_tower::SessionError> {
    let cookie = session.cookie();
    Ok(format!("{:?} of {:?}", cookie.max_age(), cookie.original_max_age()))
}

async fn a13_a_session_has_a_cookie_of_its_own_in_every_process_and_under_every_id(kind: Kind) {
    let stand = Stand::with(kind, secure).await;
    let mut guest = stand.guest().await;
    let old = guest.cookie().unwrap().to_owned();
    let set = async |session: Session| {
        session.cookie().set_max_age(HOUR)?;
        session.cookie().set_same_site(SameSite::Strict)?;
        times(session).await
    };
    let answer = guest.run(set).await.ok();
    assert_eq!((answer.body.as_str(), answer.max_age()), ("Some(3600s) of Some(3600s)", Some(3_600)));
    assert!(answer.set_cookie().unwrap().ends_with("; SameSite=Strict"));
    assert_ne!(guest.cookie().unwrap(), old, "it comes with a fresh id");
    stand.wait(600);
    let elsewhere = stand.beside(secure).await;
    let mut same = elsewhere.browser();
    same.plant(guest.cookie().unwrap());
    assert_eq!(same.run(times).await.ok().body, "Some(3000s) of Some(3600s)");
    let renewed = same
        .run(async |session: Session| {
            session.cycle_id();
            Ok(())
        })
        .await
        .ok();
    assert_eq!(renewed.max_age(), Some(3_600), "a fresh id begins the time anew");
    assert!(renewed.set_cookie().unwrap().ends_with("; SameSite=Strict"));

    let at = stand.clock.now() + 2 * HOUR;
    let date = async move |session: Session| {
        session.cookie().set_expires_at(at)?;
        Ok(format!("{:?}", session.cookie().set_expires_at(at - 3 * HOUR).unwrap_err().kind()))
    };
    let dated = same.run(date).await.ok();
    assert_eq!((dated.max_age(), dated.body.as_str()), (Some(7_200), "Invalid"));
    stand.wait(600);
    let renewed = same
        .run(async |session: Session| {
            session.cycle_id();
            Ok(())
        })
        .await
        .ok();
    assert_eq!(renewed.max_age(), Some(6_600), "a date stays");
    let ends = async |session: Session| {
        session.cookie().end_with_browser();
        times(session).await
    };
    let ended = same.run(ends).await.ok();
    assert_eq!((ended.max_age(), ended.body.as_str()), (None, "None of None"));
    assert_eq!(same.read::<String>("coat").await.as_deref(), Some("red"));
    let refused = Stand::new(kind).await;
    let none = async |session: Session| {
        let refused = session.cookie().set_same_site(SameSite::None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        Ok(())
    };
    refused.browser().run(none).await.ok();
}

async fn a13_a_session_lives_longer_than_others_if_its_user_wants_to_be_remembered(kind: Kind) {
    let stand = Stand::new(kind).await;
    let (mut alice, mut bob) = (stand.guest().await, stand.guest().await);
    let remember = async |session: Session| {
        session.log_in("alice")?;
        session.set_idle_timeout(Some(20 * DAY));
        Ok(session.set_absolute_timeout(30 * DAY)?)
    };
    let forget = async |session: Session| {
        session.log_in("bob")?;
        session.cookie().end_with_browser();
        Ok(())
    };
    assert_eq!(alice.run(remember).await.ok().max_age(), Some(30 * 86_400));
    assert_eq!(bob.run(forget).await.ok().max_age(), None);
    for _ in 0..2 {
        stand.wait(14 * 86_400);
        let elsewhere = stand.beside(|config| config).await;
        let mut same = elsewhere.browser();
        same.plant(alice.cookie().unwrap());
        let touch = async |session: Session| {
            session.touch();
            Ok(session.user().unwrap_or_default())
        };
        assert_eq!(same.run(touch).await.ok().body, "alice");
        assert_eq!(bob.user().await, None);
    }
    stand.wait(2 * 86_400);
    assert_eq!(alice.user().await, None, "whatever it is used for, it ends");
}
