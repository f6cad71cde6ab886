//! A user's sessions: seen, ended, and held to a number.

use std::time::Duration;

use axum::http::StatusCode;
use cloakroom::{Clock, PublicId};
use cloakroom_races::{Browser, Held, Kind, Op, Stand, When, races};
use cloakroom_tower::{ErrorKind, Session, SessionInfo};

use crate::{Handled, ask, log_in};

races! {
    @owned
    r12_all_sessions_of_a_disabled_account_end_and_a_log_in_under_way_is_dead,
    r12_revoke_others_after_a_change_of_password_keeps_exactly_the_caller,
    r12_an_administrator_ends_one_session_or_all,
    r13_a_user_sees_each_session_by_a_name_that_is_neither_id_nor_key,
    r13_a_user_ends_own_sessions_and_no_others,
    r14_a_limit_holds_when_log_ins_on_two_servers_meet,
}

async fn alive(browsers: &[Browser]) -> Vec<usize> {
    let mut alive = Vec::new();
    for (place, browser) in browsers.iter().enumerate() {
        if browser.user().await.is_some() {
            alive.push(place);
        }
    }
    alive
}

async fn r12_all_sessions_of_a_disabled_account_end_and_a_log_in_under_way_is_dead(kind: Kind) {
    let stand = Stand::new(kind).await;
    let (phone, desk, bob) = (stand.user("alice").await, stand.user("alice").await, stand.user("bob").await);
    let mut third = stand.guest().await;
    let step = stand.store.stop(Op::Create, When::Before, "the log-in's create");
    let under_way = third.start(log_in);
    step.reached().await;
    stand.wait(1);
    assert_eq!(stand.engine.sessions().revoke_all("alice").await.unwrap(), 2);
    step.open();
    third.obey(&under_way.answer().await.ok());
    assert_eq!(alive(&[phone, desk, third, bob]).await, [3]);
    assert_eq!(stand.sessions_of("alice").await.len(), 0);
    stand.wait(1);
    assert_eq!(stand.user("alice").await.user().await.as_deref(), Some("alice"), "who logs in later is in");
}

async fn r12_revoke_others_after_a_change_of_password_keeps_exactly_the_caller(kind: Kind) {
    let stand = Stand::new(kind).await;
    let browsers = [stand.user("alice").await, stand.user("alice").await, stand.user("alice").await];
    let bob = stand.user("bob").await;
    let mut caller = browsers[1].clone();
    let sessions = stand.engine.sessions();
    let script = async move |session: Session| {
        session.log_in("alice")?;
        Ok(sessions.revoke_others(&session).await?.to_string())
    };
    assert_eq!(caller.run(script).await.ok().body, "2");
    assert_eq!(alive(&[browsers.to_vec(), vec![caller, bob]].concat()).await, [3, 4]);
    let sessions = stand.engine.sessions();
    let nobody = stand.guest().await.start(async move |session: Session| {
        Ok((sessions.revoke_others(&session).await.unwrap_err().kind() == ErrorKind::Invalid).to_string())
    });
    assert_eq!(nobody.answer().await.ok().body, "true");
}

async fn r12_an_administrator_ends_one_session_or_all(kind: Kind) {
    let stand = Stand::new(kind).await;
    let browsers = [stand.user("alice").await, stand.user("alice").await, stand.user("bob").await];
    let sessions = stand.engine.sessions();
    let handle = handle_of(&browsers[1]).await;
    assert!(sessions.revoke_by_id(&handle).await.unwrap());
    assert!(!sessions.revoke_by_id(&handle).await.unwrap(), "once is enough");
    assert_eq!(alive(&browsers).await, [0, 2]);
    assert_eq!(sessions.revoke_all("alice").await.unwrap(), 1);
    assert_eq!(alive(&browsers).await, [2]);
}

async fn handle_of(browser: &Browser) -> PublicId {
    let script = async |session: Session| Ok(session.public_id().unwrap().to_string());
    browser.start(script).answer().await.ok().body.parse().unwrap()
}

/// The list is the same however a page shows it, and contains no secret.
fn assert_opaque(stand: &Stand, browser: &Browser, info: &SessionInfo) {
    let (id, handle) = (browser.cookie().unwrap(), info.public_id.to_string());
    assert_eq!(handle.len(), 22);
    assert!(!format!("{info:?} {handle}").contains(&id[..8]) && !id.contains(&handle[..8]));
    for key in stand.store.keys() {
        let shown = format!("{:?}", key.as_bytes());
        assert!(!format!("{info:?}").contains(&shown[1..shown.len() - 1]));
    }
}

async fn r13_a_user_sees_each_session_by_a_name_that_is_neither_id_nor_key(kind: Kind) {
    let stand = Stand::new(kind).await;
    let began = stand.clock.now();
    let phone = stand.user("alice").await;
    stand.wait(60);
    let mut desk = stand.guest().await;
    let script = async |session: Session| {
        session.log_in("alice")?;
        session.set_device("Firefox on a desk");
        Ok(())
    };
    desk.run(script).await.ok();
    stand.wait(10 * 60);
    assert!(phone.is_known().await);

    let list = stand.sessions_of("alice").await;
    assert_eq!(list.len(), 2, "the newest is the first");
    let (at_desk, on_phone) = (&list[0], &list[1]);
    assert_eq!(at_desk.device.as_deref(), Some("Firefox on a desk"));
    assert_eq!((on_phone.started_at, at_desk.started_at), (began, began + Duration::from_secs(60)));
    assert_eq!(on_phone.authenticated_at, Some(began));
    assert_eq!(on_phone.last_seen, stand.clock.now());
    assert_eq!(at_desk.last_seen, at_desk.started_at);
    assert_eq!(at_desk.expires_at, at_desk.started_at + Duration::from_secs(30 * 60));
    assert_eq!(on_phone.user.as_deref(), Some("alice"));
    assert_eq!(handle_of(&phone).await, on_phone.public_id, "the current one is known by its name");
    assert_eq!(handle_of(&desk).await, at_desk.public_id);
    assert_opaque(&stand, &phone, on_phone);
    assert_opaque(&stand, &desk, at_desk);
    let as_a_cookie = ask(&stand, "/look", &[on_phone.public_id.to_string().into_bytes()]).await;
    assert_eq!(as_a_cookie.body, "new");
}

async fn r13_a_user_ends_own_sessions_and_no_others(kind: Kind) {
    let stand = Stand::new(kind).await;
    let browsers = [stand.user("alice").await, stand.user("alice").await, stand.user("bob").await];
    let bobs = handle_of(&browsers[2]).await;
    let own = handle_of(&browsers[1]).await;
    let sessions = stand.engine.sessions();
    let page = async move |session: Session| -> Handled<(StatusCode, String)> {
        let user = session.user().unwrap();
        let ended = [sessions.revoke(&user, &bobs).await?, sessions.revoke(&user, &own).await?];
        Ok((StatusCode::OK, format!("{ended:?}")))
    };
    assert_eq!(browsers[0].start(page).answer().await.ok().body, "[false, true]");
    assert_eq!(alive(&browsers).await, [0, 2]);
}

async fn r14_a_limit_holds_when_log_ins_on_two_servers_meet(kind: Kind) {
    let one = Stand::with(kind, |config| config.max_sessions_per_user(3)).await;
    let other = one.beside(|config| config.max_sessions_per_user(3)).await;
    let (mut browsers, mut held) = (Vec::new(), Vec::new());
    for place in 0..8 {
        one.wait(1);
        let browser = if place % 2 == 0 { one.guest().await } else { other.browser() };
        held.push(browser.hold(|session| session.log_in("alice")).await);
        browsers.push(browser);
    }
    let under_way: Vec<_> = held.into_iter().map(Held::let_go).collect();
    for (exchange, browser) in under_way.into_iter().zip(&mut browsers) {
        browser.obey(&exchange.answer().await.ok());
    }
    assert_eq!(alive(&browsers).await, [5, 6, 7]);
    assert_eq!(one.sessions_of("alice").await.len(), 3);
}
