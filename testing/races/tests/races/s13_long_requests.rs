//! S13: a request, or a handle that outlives its response, lasts longer than the idle time or than a renewal's grace.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom::{Clock as _, ManualClock};
use cloakroom_races::{Browser, Exchange, Gate, Kind, Op, Stand, When, races};
use cloakroom_tower::{ErrorKind, Session};

races! {
    s13_a_handler_that_takes_longer_than_the_idle_time_keeps_its_session,
    s13_a_long_handler_whose_id_was_renewed_keeps_the_session_and_its_writes,
    s13_a_long_handler_does_not_bring_back_a_session_that_was_logged_out,
    s13_a_quiet_handle_finds_its_session_however_often_others_renew_the_id,
    s13_a_quiet_handle_says_that_a_session_which_was_renewed_often_has_ended,
}

const IDLE: Duration = Duration::from_secs(60);

fn renew(session: &Session) -> cloakroom::Result<()> {
    session.cycle_id();
    Ok(())
}

async fn short(kind: Kind) -> Stand {
    Stand::with(kind, |config| config.idle_timeout(IDLE)).await
}

/// A handler that has worked until just before the end of its session's idle time, and goes on until the gate is open.
///
/// What keeps the session alive waits for half of the time that is left: a tenth of a second here.
fn long(stand: &Stand, browser: &Browser, gate: &Gate) -> Exchange {
    let (clock, gate): (ManualClock, Gate) = (stand.clock.clone(), gate.clone());
    browser.start(async move |session: Session| {
        clock.advance(IDLE.saturating_sub(Duration::from_millis(200)));
        gate.pass().await;
        session.insert("uploaded", clock.now().as_millis())?;
        Ok(())
    })
}

async fn s13_a_handler_that_takes_longer_than_the_idle_time_keeps_its_session(kind: Kind) {
    let stand = short(kind).await;
    let alice = stand.user("alice").await;
    stand.store.spare(Op::Load);
    let alive = stand.store.stop(Op::Load, When::After, "the request says that it is under way");
    let gate = Gate::new("the handler goes on");
    let upload = long(&stand, &alice, &gate);
    alive.reached().await;
    alive.open();
    stand.wait(50);
    assert!(alice.is_known().await, "a request of it is under way");
    gate.open();
    upload.answer().await.ok();
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
    assert!(alice.read::<i64>("uploaded").await.is_some());
    stand.wait(IDLE.as_secs() + 1);
    assert!(!alice.is_known().await, "nothing is under way any more");
}

async fn s13_a_long_handler_whose_id_was_renewed_keeps_the_session_and_its_writes(kind: Kind) {
    let stand = short(kind).await;
    let mut alice = stand.user("alice").await;
    let gate = Gate::new("the handler goes on");
    let held = alice.hold(|session| session.insert("a", 1)).await;
    alice.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    let old = alice.clone();
    alice.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    // The old id is looked up, and then the one that it leads to.
    stand.store.spare(Op::Load);
    stand.store.spare(Op::Load);
    let alive = stand.store.stop(Op::Load, When::After, "the request says that it is under way");
    // The old id is within its grace, and its request lasts longer than that.
    let upload = long(&stand, &old, &gate);
    alive.reached().await;
    alive.open_for_all();
    stand.wait(50);
    assert_eq!(alice.user().await.as_deref(), Some("alice"), "it is the renewed session that is kept alive");
    gate.open();
    upload.answer().await.ok();
    held.release().await.ok();
    assert!(alice.read::<i64>("uploaded").await.is_some());
    assert_eq!(alice.read::<u32>("a").await, Some(1));
    assert!(!old.is_known().await);
}

async fn s13_a_long_handler_does_not_bring_back_a_session_that_was_logged_out(kind: Kind) {
    let stand = short(kind).await;
    let alice = stand.user("alice").await;
    stand.store.spare(Op::Load);
    let alive = stand.store.stop(Op::Load, When::Before, "the request is about to say that it is under way");
    let gate = Gate::new("the handler goes on");
    let upload = long(&stand, &alice, &gate);
    alive.reached().await;
    let log_out = async |session: Session| {
        session.log_out();
        Ok(())
    };
    alice.start(log_out).answer().await.ok();
    alive.open();
    stand.wait(1);
    gate.open();
    assert!(upload.answer().await.ok().leaves_cookie());
    assert!(!alice.is_known().await);
    assert_eq!(stand.owned_records().await, 0);
}

/// A session whose response was sent, as that of a WebSocket.
async fn socket(browser: &Browser) -> Session {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let script = async move |session: Session| {
        *keep.lock().unwrap() = Some(session);
        Ok(())
    };
    browser.start(script).answer().await.ok();
    let session = kept.lock().unwrap().take();
    session.unwrap()
}

async fn often_renewed(kind: Kind) -> (Stand, Browser, Session) {
    let stand = Stand::with(kind, |config| config.renew_every(Duration::from_secs(600))).await;
    let mut alice = stand.user("alice").await;
    let session = socket(&alice).await;
    for round in 0..20 {
        stand.wait(601);
        let before = alice.cookie().map(str::to_owned);
        let visit = async move |session: Session| Ok(session.insert("round", round)?);
        alice.run(visit).await.ok();
        assert_ne!(alice.cookie().map(str::to_owned), before, "the id is renewed");
    }
    (stand, alice, session)
}

async fn s13_a_quiet_handle_finds_its_session_however_often_others_renew_the_id(kind: Kind) {
    let (stand, alice, session) = often_renewed(kind).await;
    session.insert("from the socket", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(alice.read::<u32>("from the socket").await, Some(1));
    assert_eq!(session.get::<u32>("round").unwrap(), Some(19), "a save brings what others have written");
    stand.wait(20 * 60);
    session.save().await.unwrap();
    stand.wait(20 * 60);
    assert_eq!(alice.user().await.as_deref(), Some("alice"), "a save is activity");
}

async fn s13_a_quiet_handle_says_that_a_session_which_was_renewed_often_has_ended(kind: Kind) {
    let (stand, mut alice, session) = often_renewed(kind).await;
    let log_out = async |session: Session| {
        session.log_out();
        Ok(())
    };
    alice.run(log_out).await.ok();
    session.insert("from the socket", 1).unwrap();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Gone);
    assert_eq!(stand.owned_records().await, 0);
}
