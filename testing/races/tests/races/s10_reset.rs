//! S10 over HTTP/2: one stream is reset in the middle of anything, and the connection stays.

use cloakroom_races::{Browser, Kind, Op, Stand, When, races, until};
use cloakroom_tower::Session;

races! {
    @cut
    s10_http2_a_writer_reset_in_its_handler_leaves_the_record_as_it_was,
    s10_http2_a_log_out_reset_in_its_handler_is_not_lost,
    s10_http2_a_writer_reset_at_each_step_leaves_before_or_after,
    s10_http2_a_log_out_reset_at_each_step_is_not_lost,
    s10_http2_the_other_requests_of_the_connection_go_on,
    @owned_cut
    s10_http2_a_renewal_reset_at_each_step_logs_no_user_out,
    s10_http2_a_log_in_reset_at_each_step_is_whole,
}

const WHENS: [When; 3] = [When::Before, When::Within, When::After];

type Change = fn(&Session) -> cloakroom::Result<()>;

fn count(session: &Session) -> cloakroom::Result<()> {
    session.increment("n", 1).map(drop)
}

fn renew(session: &Session) -> cloakroom::Result<()> {
    session.cycle_id();
    Ok(())
}

fn log_out(session: &Session) -> cloakroom::Result<()> {
    session.log_out();
    Ok(())
}

/// Sends a request, resets its stream at a step of its commit, and lets go on whatever goes on.
async fn reset_at(stand: &Stand, browser: &Browser, ops: &[Op], when: When, change: Change) {
    let step = stand.store.stop_any(ops, when, "a step of the commit");
    let exchange = browser.start(async move |session: Session| Ok(change(&session)?));
    step.reached().await;
    exchange.cut().await;
    step.open_for_all();
}

async fn until_dead(stand: &Stand, browser: &Browser) {
    until("the session is dead", async || !browser.is_known().await).await;
    assert_eq!(stand.owned_records().await, 0);
}

async fn s10_http2_a_writer_reset_in_its_handler_leaves_the_record_as_it_was(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await.over_http2();
    let before = stand.store.records().await;
    guest.hold(|session| session.insert("coat", "green")).await.cut().await;
    assert_eq!(stand.store.records().await, before);
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
}

async fn s10_http2_a_log_out_reset_in_its_handler_is_not_lost(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await.over_http2();
    alice.hold(log_out).await.cut().await;
    until_dead(&stand, &alice).await;
}

async fn s10_http2_a_writer_reset_at_each_step_leaves_before_or_after(kind: Kind) {
    for when in WHENS {
        let stand = Stand::new(kind).await;
        let guest = stand.guest().await.over_http2();
        reset_at(&stand, &guest, &[Op::Update], when, count).await;
        guest.clone().run(async |session: Session| Ok(count(&session)?)).await.ok();
        let counted: u32 = guest.read("n").await.unwrap();
        match when {
            When::Before => assert_eq!(counted, 1),
            When::Within => assert!(counted == 1 || counted == 2, "{counted}"),
            When::After => assert_eq!(counted, 2),
        }
        assert_eq!(stand.records().await, 1);
    }
}

async fn s10_http2_a_renewal_reset_at_each_step_logs_no_user_out(kind: Kind) {
    for op in [Op::Create, Op::Update] {
        for when in WHENS {
            let stand = Stand::new(kind).await;
            let old = stand.user("alice").await.over_http2();
            reset_at(&stand, &old, &[op], when, renew).await;
            until("the renewal is whole", async || stand.sessions_of("alice").await.len() == 1).await;
            assert_eq!(old.user().await.as_deref(), Some("alice"), "{op:?} {when:?}");
            assert_eq!(old.read::<String>("coat").await.as_deref(), Some("red"));
        }
    }
}

async fn s10_http2_a_log_in_reset_at_each_step_is_whole(kind: Kind) {
    for op in [Op::Create, Op::Update] {
        for when in WHENS {
            let stand = Stand::new(kind).await;
            let old = stand.guest().await.over_http2();
            reset_at(&stand, &old, &[op], when, |session| session.log_in("alice")).await;
            until("the log-in is whole", async || !old.is_known().await).await;
            assert_eq!(stand.owned_records().await, 1, "{op:?} {when:?}");
            assert_eq!(stand.engine.sessions().revoke_all("alice").await.unwrap(), 1);
            assert_eq!(stand.owned_records().await, 0);
        }
    }
}

async fn s10_http2_a_log_out_reset_at_each_step_is_not_lost(kind: Kind) {
    for when in WHENS {
        let stand = Stand::new(kind).await;
        let alice = stand.user("alice").await.over_http2();
        reset_at(&stand, &alice, &Op::ENDING, when, log_out).await;
        until_dead(&stand, &alice).await;
    }
}

async fn s10_http2_the_other_requests_of_the_connection_go_on(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await.over_http2();
    let other = guest.hold(count).await;
    guest.hold(|session| session.insert("coat", "green")).await.cut().await;
    other.release().await.ok();
    assert_eq!(guest.read::<u32>("n").await, Some(1));
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
}
