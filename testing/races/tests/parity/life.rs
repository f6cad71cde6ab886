//! Rows a6 to a15, a17 and a18: the life of a session.

use axum::http::StatusCode;
use cloakroom_races::{Browser, Kind, Op, Stand, races};
use cloakroom_tower::{ErrorKind, Session};

races! {
    a6_a_session_gets_a_new_id_and_keeps_its_values,
    a7_a_session_is_replaced_by_an_empty_one_under_a_new_id,
    a8_a_session_is_destroyed_with_its_cookie,
    a9_a_reload_drops_what_this_request_changed_and_reads_what_others_stored,
    a10_a_save_is_in_the_store_before_the_response_is,
    a11_a_touch_begins_the_idle_time_anew,
    a12_the_id_is_readable_and_nothing_sets_it,
    a14_what_a_request_changed_can_be_discarded_or_destroyed,
    a15_saving_is_forced_or_forbidden_for_one_request,
    a17_a_csrf_token_is_made_read_and_renewed,
    a18_the_id_alone_is_read_by_every_handle_and_stays_until_it_is_renewed,
}

async fn a6_a_session_gets_a_new_id_and_keeps_its_values(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.user("alice").await;
    let mut new = old.clone();
    let script = async |session: Session| {
        session.cycle_id();
        Ok(())
    };
    new.run(script).await.ok();
    assert_ne!(new.cookie(), old.cookie());
    assert_eq!(new.read::<String>("coat").await.as_deref(), Some("red"));
    assert_eq!(new.user().await.as_deref(), Some("alice"));
    stand.wait(11);
    assert!(!old.is_known().await);
}

async fn a7_a_session_is_replaced_by_an_empty_one_under_a_new_id(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.user("alice").await;
    let mut new = old.clone();
    let script = async |session: Session| {
        session.reset();
        Ok(session.entries::<String>()?.len().to_string())
    };
    assert_eq!(new.run(script).await.ok().body, "0");
    assert_ne!(new.cookie(), old.cookie());
    assert!(new.is_known().await && !old.is_known().await, "the new one is stored although it is empty");
    assert_eq!((new.read::<String>("coat").await, new.user().await), (None, None));
}

async fn a8_a_session_is_destroyed_with_its_cookie(kind: Kind) {
    let stand = Stand::new(kind).await;
    for end in [|session: &Session| session.destroy(), |session: &Session| session.log_out()] {
        let old = stand.user("alice").await;
        let mut browser = old.clone();
        let script = async move |session: Session| {
            end(&session);
            Ok(())
        };
        assert!(browser.run(script).await.ok().removes_cookie());
        assert_eq!(browser.cookie(), None);
        assert!(!old.is_known().await);
    }
    assert_eq!(stand.owned_records().await, 0);
}

async fn a9_a_reload_drops_what_this_request_changed_and_reads_what_others_stored(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let other = guest.clone();
    let script = async move |session: Session| {
        session.insert("coat", "green")?;
        session.insert("mine", true)?;
        let write = other.start(async |session: Session| Ok(session.insert("hat", "blue")?));
        write.answer().await.ok();
        session.reload().await?;
        assert_eq!(session.get::<String>("coat")?.as_deref(), Some("red"));
        assert_eq!(session.get::<String>("hat")?.as_deref(), Some("blue"));
        Ok(session.contains("mine").to_string())
    };
    assert_eq!(guest.run(script).await.ok().body, "false");
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
}

async fn a10_a_save_is_in_the_store_before_the_response_is(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let other = guest.clone();
    let script = async move |session: Session| {
        session.insert("step", 1)?;
        session.save().await?;
        let seen = other.read::<u32>("step").await;
        session.increment("step", 1)?;
        Ok((StatusCode::SEE_OTHER, [("location", "/next")], format!("{seen:?}")))
    };
    let answer = guest.start(script).answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::SEE_OTHER, "Some(1)"));
    assert_eq!(guest.read::<u32>("step").await, Some(2));
}

async fn a11_a_touch_begins_the_idle_time_anew(kind: Kind) {
    for touches in [true, false] {
        let stand = Stand::with(kind, |config| config.touch_threshold(0.9)).await;
        let mut guest = stand.guest().await;
        stand.wait(20 * 60);
        let script = async move |session: Session| {
            if touches {
                session.touch();
            }
            Ok(session.expires_in().as_secs().to_string())
        };
        let left = if touches { 30 * 60 } else { 10 * 60 };
        assert_eq!(guest.run(script).await.ok().body, left.to_string());
        stand.wait(20 * 60);
        assert_eq!(guest.is_known().await, touches);
    }
}

async fn a12_the_id_is_readable_and_nothing_sets_it(kind: Kind) {
    let stand = Stand::new(kind).await;
    let new = async |session: Session| Ok(session.id().is_none().to_string());
    assert_eq!(stand.browser().run(new).await.ok().body, "true", "it has none until it is stored");
    let guest = stand.guest().await;
    let shown = guest.start(async |session: Session| {
        let id = session.id().unwrap();
        assert_eq!(format!("{id:?} {session:?}"), "SessionId(..) Session(Session(..))");
        Ok(id.expose().to_owned())
    });
    assert_eq!(Some(shown.answer().await.ok().body.as_str()), guest.cookie());
    let name = async |session: Session| Ok(session.public_id().unwrap().to_string());
    let names = [guest.start(name).answer().await.ok().body, guest.start(name).answer().await.ok().body];
    assert_eq!(names[0], names[1]);
    assert!(!guest.cookie().unwrap().contains(&names[0]));
}

/// Changes everything that can be changed.
fn change(session: &Session) -> cloakroom::Result<()> {
    session.insert("coat", "green")?;
    session.flash("message", "hello")?;
    session.log_in("mallory")?;
    session.rotate_csrf_token()?;
    session.cycle_id();
    session.log_out();
    session.insert("later", 1)
}

async fn a14_what_a_request_changed_can_be_discarded_or_destroyed(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.user("alice").await;
    let before = (alice.clone(), stand.store.records().await);
    let keep = async |session: Session| {
        change(&session)?;
        session.discard_changes();
        assert_eq!(session.user().as_deref(), Some("alice"));
        Ok(session.get::<String>("coat")?.unwrap_or_default())
    };
    let kept = alice.run(keep).await.ok();
    assert_eq!((kept.body.as_str(), kept.leaves_cookie()), ("red", true));
    assert_eq!(stand.store.records().await, before.1);
    assert_eq!(alice.read::<String>("coat").await.as_deref(), Some("red"));

    let mut nobody = stand.browser();
    let keep = async |session: Session| {
        change(&session)?;
        session.discard_changes();
        Ok(())
    };
    assert!(nobody.run(keep).await.ok().leaves_cookie(), "nothing was there, nothing is");

    let destroy = async |session: Session| {
        change(&session)?;
        session.destroy();
        Ok(())
    };
    assert!(alice.run(destroy).await.ok().removes_cookie());
    assert!(!before.0.is_known().await);
    assert_eq!(stand.owned_records().await, 0);
}

async fn token(browser: &mut Browser) -> String {
    browser.run(async |session: Session| Ok(session.csrf_token()?)).await.ok().body
}

async fn verdict(browser: &Browser, token: &str) -> Option<ErrorKind> {
    let token = token.to_owned();
    let script = async move |session: Session| {
        let required = session.require_csrf_token(Some(&token));
        assert_eq!(required.is_ok(), session.verify_csrf_token(&token));
        Ok(required.map_or_else(|error| format!("{:?}", error.kind()), |()| String::new()))
    };
    match browser.start(script).answer().await.ok().body.as_str() {
        "" => None,
        "CsrfRejected" => Some(ErrorKind::CsrfRejected),
        other => panic!("{other}"),
    }
}

async fn a17_a_csrf_token_is_made_read_and_renewed(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browser = stand.browser();
    let (one, other) = (token(&mut browser).await, token(&mut browser).await);
    assert_ne!(one, other, "each is masked anew");
    assert_eq!((verdict(&browser, &one).await, verdict(&browser, &other).await), (None, None));
    browser.run(async |session: Session| Ok(session.rotate_csrf_token()?)).await.ok();
    assert_eq!(verdict(&browser, &one).await, Some(ErrorKind::CsrfRejected));
    let fresh = token(&mut browser).await;
    assert_eq!(verdict(&browser, &fresh).await, None);
}

async fn a15_saving_is_forced_or_forbidden_for_one_request(kind: Kind) {
    let stand = Stand::with(kind, |config| config.touch_threshold(0.9)).await;
    let mut guest = stand.guest().await;
    let always = async |session: Session| {
        session.always_save();
        Ok(())
    };
    let writes = || stand.store.trips(Op::Update) + stand.store.trips(Op::Create);
    let before = writes();
    guest.run(always).await.ok();
    assert_eq!(writes() - before, 1, "nothing was changed, and it is stored");
    let mut new = stand.browser();
    assert!(new.run(always).await.ok().new_cookie().is_some(), "an empty one too");

    let (records, before) = (stand.store.records().await, writes());
    let never = async |session: Session| {
        session.never_save();
        session.insert("coat", "green")?;
        session.log_in("alice")?;
        Ok(session.get::<String>("coat")?.unwrap_or_default())
    };
    let answer = guest.run(never).await.ok();
    assert_eq!((answer.body.as_str(), answer.leaves_cookie()), ("green", true));
    assert!(stand.browser().run(never).await.ok().leaves_cookie());
    assert_eq!((writes(), stand.store.records().await), (before, records));
    assert_eq!((guest.read::<String>("coat").await.as_deref(), guest.user().await), (Some("red"), None));

    let old = guest.clone();
    let end = async |session: Session| {
        session.never_save();
        session.log_out();
        session.insert("later", 1)?;
        Ok(())
    };
    assert!(guest.run(end).await.ok().removes_cookie(), "a log-out is never lost");
    assert!(!old.is_known().await);
}

async fn a18_the_id_alone_is_read_by_every_handle_and_stays_until_it_is_renewed(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let id = async |session: Session| {
        let (one, other) = (session.id().unwrap(), session.clone().id().unwrap());
        assert_eq!(one, other);
        Ok(one.expose().to_owned())
    };
    let first = guest.run(id).await.ok().body;
    assert_eq!(guest.run(id).await.ok().body, first);
    guest
        .run(async |session: Session| {
            session.cycle_id();
            Ok(())
        })
        .await
        .ok();
    assert_ne!(guest.run(id).await.ok().body, first);
}
