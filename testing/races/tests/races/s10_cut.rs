//! S10: the client goes away in the middle of anything.

use cloakroom_races::{Browser, Gate, Kind, Op, Stand, When, races, until};
use cloakroom_tower::{Event, Session};

races! {
    @cut
    s10_a_writer_cut_before_it_commits_leaves_the_record_as_it_was,
    s10_a_log_in_cut_before_it_commits_leaves_everything_as_it_was,
    s10_a_renewal_cut_before_it_commits_leaves_everything_as_it_was,
    s10_a_log_out_cut_before_it_commits_is_not_lost,
    s10_a_log_out_that_writes_cut_before_it_commits_is_not_lost_and_leaves_nothing,
    s10_a_log_out_and_log_in_cut_before_it_commits_leaves_no_session_without_a_client,
    s10_a_request_cut_while_it_loads_changes_nothing,
    s10_a_writer_cut_at_each_step_leaves_before_or_after,
    s10_a_first_writer_cut_at_each_step_leaves_nothing_with_an_owner,
    s10_a_renewal_that_writes_cut_at_each_step_is_whole,
    s10_a_log_out_cut_at_each_step_is_not_lost,
    s10_a_log_out_that_met_a_renewal_and_was_cut_is_not_lost,
    s10_a_touch_cut_at_each_step_leaves_the_session,
    s10_a_cut_between_a_lost_answer_and_the_next_try_counts_at_most_once,
    s10_fifty_cut_requests_leak_nothing,
    @owned_cut
    s10_a_renewal_cut_at_each_step_logs_no_user_out,
    s10_a_log_in_cut_at_each_step_is_whole,
    s10_a_first_log_in_cut_at_each_step_is_whole,
    s10_a_cut_while_a_cap_is_held_leaves_the_cap_held,
}

const WHENS: [When; 3] = [When::Before, When::Within, When::After];

fn steps() -> impl Iterator<Item = (Op, When)> {
    [Op::Create, Op::Update].into_iter().flat_map(|op| WHENS.into_iter().map(move |when| (op, when)))
}

fn renew(session: &Session) -> cloakroom::Result<()> {
    session.cycle_id();
    Ok(())
}

fn log_out(session: &Session) -> cloakroom::Result<()> {
    session.log_out();
    Ok(())
}

/// Sends a request, cuts it at a step of its commit, and lets go on whatever goes on.
async fn cut_at(
    stand: &Stand,
    browser: &Browser,
    ops: &[Op],
    when: When,
    change: fn(&Session) -> cloakroom::Result<()>,
) {
    let step = stand.store.stop_any(ops, when, "a step of the commit");
    let exchange = browser.start(async move |session: Session| Ok(change(&session)?));
    step.reached().await;
    exchange.cut().await;
    step.open_for_all();
}

async fn sessions(stand: &Stand) -> usize {
    stand.store.records().await.iter().filter(|entry| entry.stored.record.sliding).count()
}

async fn s10_a_writer_cut_before_it_commits_leaves_the_record_as_it_was(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let before = stand.store.records().await;
    guest.hold(|session| session.insert("coat", "green")).await.cut().await;
    assert_eq!(stand.store.records().await, before);
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
}

async fn s10_a_log_in_cut_before_it_commits_leaves_everything_as_it_was(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    guest.hold(|session| session.log_in("alice")).await.cut().await;
    stand.browser().hold(|session| session.log_in("alice")).await.cut().await;
    assert!(guest.is_known().await);
    assert_eq!(guest.user().await, None);
    assert_eq!((stand.records().await, stand.owned_records().await), (1, 0));
}

async fn s10_a_renewal_cut_before_it_commits_leaves_everything_as_it_was(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    guest.hold(renew).await.cut().await;
    stand.wait(60);
    assert!(guest.is_known().await);
    assert_eq!(stand.records().await, 1);
}

async fn until_dead(stand: &Stand, browser: &Browser) {
    until("the session is dead", async || !browser.is_known().await).await;
    assert_eq!(stand.owned_records().await, 0);
}

async fn s10_a_log_out_cut_before_it_commits_is_not_lost(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await;
    alice.hold(log_out).await.cut().await;
    until_dead(&stand, &alice).await;
    until("the end is reported", async || {
        stand.events.count(|event| matches!(event, Event::Ended { .. })) == 1
    })
    .await;
}

async fn s10_a_log_out_that_writes_cut_before_it_commits_is_not_lost_and_leaves_nothing(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let farewell = |session: &Session| {
        session.log_out();
        session.flash("notice", "good bye")
    };
    guest.hold(farewell).await.cut().await;
    until_dead(&stand, &guest).await;
    // Whatever is done in the background has begun with the end of the session; let it come to its own end.
    guest.clone().run(async |_: Session| Ok(())).await.ok();
    assert_eq!(stand.records().await, 0, "no client holds a session that would show the message");
}

async fn s10_a_log_out_and_log_in_cut_before_it_commits_leaves_no_session_without_a_client(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await;
    let create = stand.store.stop(Op::Create, When::Before, "a session that no client holds");
    create.open_for_all();
    let switch = |session: &Session| {
        session.log_out();
        session.log_in("bob")
    };
    alice.hold(switch).await.cut().await;
    until("the session is dead", async || !alice.is_known().await).await;
    // What goes on in the background would go on to a create; a few requests later it would be there.
    for _ in 0..10 {
        alice.is_known().await;
    }
    assert_eq!(stand.owned_records().await, 0);
    assert!(!stand.store.has_no_traps(), "nothing was created");
}

async fn s10_a_request_cut_while_it_loads_changes_nothing(kind: Kind) {
    for when in WHENS {
        let stand = Stand::new(kind).await;
        let guest = stand.guest().await;
        cut_at(&stand, &guest, &[Op::Load], when, log_out).await;
        assert!(guest.is_known().await, "nothing was decided");
        guest.clone().run(async |session: Session| Ok(log_out(&session)?)).await.ok();
        until_dead(&stand, &guest).await;
    }
}

async fn s10_a_writer_cut_at_each_step_leaves_before_or_after(kind: Kind) {
    for when in WHENS {
        let stand = Stand::new(kind).await;
        let guest = stand.guest().await;
        let count = |session: &Session| session.increment("n", 1).map(drop);
        cut_at(&stand, &guest, &[Op::Update], when, count).await;
        for _ in 0..2 {
            guest.clone().run(async move |session: Session| Ok(count(&session)?)).await.ok();
        }
        let counted: u32 = guest.read("n").await.unwrap();
        match when {
            When::Before => assert_eq!(counted, 2),
            When::Within => assert!(counted == 2 || counted == 3, "{counted}"),
            When::After => assert_eq!(counted, 3),
        }
        assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
        assert_eq!(stand.records().await, 1);
    }
}

async fn s10_a_first_writer_cut_at_each_step_leaves_nothing_with_an_owner(kind: Kind) {
    for when in WHENS {
        let stand = Stand::new(kind).await;
        cut_at(&stand, &stand.browser(), &[Op::Create], when, |session| session.insert("a", 1)).await;
        assert!(stand.records().await <= 1);
        assert_eq!(stand.owned_records().await, 0);
        stand.wait(31 * 60);
        assert_eq!(stand.records().await, 0, "it expires by itself");
    }
}

async fn s10_a_renewal_cut_at_each_step_logs_no_user_out(kind: Kind) {
    for (op, when) in steps() {
        let stand = Stand::new(kind).await;
        let old = stand.user("alice").await;
        cut_at(&stand, &old, &[op], when, renew).await;
        until("the renewal is whole", async || sessions(&stand).await == 1).await;
        assert_eq!(old.user().await.as_deref(), Some("alice"), "{op:?} {when:?}: its client has the old id");
        assert_eq!(old.read::<String>("coat").await.as_deref(), Some("red"));
        until("the renewal is whole", async || stand.sessions_of("alice").await.len() == 1).await;
    }
}

async fn s10_a_renewal_that_writes_cut_at_each_step_is_whole(kind: Kind) {
    for (op, when) in steps() {
        let stand = Stand::new(kind).await;
        let old = stand.user("alice").await;
        let change = |session: &Session| {
            session.increment("n", 1)?;
            renew(session)
        };
        cut_at(&stand, &old, &[op], when, change).await;
        until("the renewal is whole", async || old.read::<u32>("n").await == Some(1)).await;
        old.clone().run(async |session: Session| Ok(session.increment("n", 1).map(drop)?)).await.ok();
        assert_eq!(old.read::<u32>("n").await, Some(2));
        assert_eq!((sessions(&stand).await, stand.owned_records().await), (1, 1), "{op:?} {when:?}");
    }
}

async fn s10_a_log_in_cut_at_each_step_is_whole(kind: Kind) {
    for (op, when) in steps() {
        let stand = Stand::new(kind).await;
        let old = stand.guest().await;
        cut_at(&stand, &old, &[op], when, |session| session.log_in("alice")).await;
        until("the log-in is whole", async || !old.is_known().await).await;
        assert_eq!((sessions(&stand).await, stand.owned_records().await), (1, 1), "{op:?} {when:?}");
        assert_eq!(stand.sessions_of("alice").await.len(), 1);
        assert_eq!(stand.engine.sessions().revoke_all("alice").await.unwrap(), 1);
        assert_eq!(stand.owned_records().await, 0);
    }
}

async fn s10_a_first_log_in_cut_at_each_step_is_whole(kind: Kind) {
    for when in WHENS {
        let stand = Stand::new(kind).await;
        cut_at(&stand, &stand.browser(), &[Op::Create], when, |session| session.log_in("alice")).await;
        until("the log-in is whole", async || stand.owned_records().await == 1).await;
        // Where a record is written in several steps, the revocation may find it before the last one, and refuses it.
        assert!(stand.engine.sessions().revoke_all("alice").await.unwrap() <= 1);
        until("the log-in is revoked", async || stand.owned_records().await == 0).await;
    }
}

async fn s10_a_log_out_cut_at_each_step_is_not_lost(kind: Kind) {
    for when in WHENS {
        let stand = Stand::new(kind).await;
        let alice = stand.user("alice").await;
        cut_at(&stand, &alice, &Op::ENDING, when, log_out).await;
        until_dead(&stand, &alice).await;
        let ended = async || stand.events.count(|event| matches!(event, Event::Ended { .. })) == 1;
        until("the end is reported", ended).await;
    }
}

async fn s10_a_log_out_that_met_a_renewal_and_was_cut_is_not_lost(kind: Kind) {
    for when in WHENS {
        let stand = Stand::new(kind).await;
        let old = stand.user("alice").await;
        let ender = old.hold(log_out).await;
        let mut renewed = old.clone();
        renewed.run(async |session: Session| Ok(renew(&session)?)).await.ok();
        let step = stand.store.stop_any(&Op::ENDING, when, "the log-out finds out where the session went");
        let ender = ender.let_go();
        step.reached().await;
        ender.cut().await;
        step.open();
        until_dead(&stand, &renewed).await;
    }
}

async fn s10_a_touch_cut_at_each_step_leaves_the_session(kind: Kind) {
    for when in WHENS {
        let stand = Stand::new(kind).await;
        let guest = stand.guest().await;
        let touch = |session: &Session| {
            session.touch();
            Ok(())
        };
        // The touch at the end rides on a load, which is the request's second one.
        stand.store.spare(Op::Load);
        cut_at(&stand, &guest, &[Op::Load], when, touch).await;
        assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
    }
}

async fn s10_a_cut_between_a_lost_answer_and_the_next_try_counts_at_most_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    stand.store.fail(Op::Update, When::After);
    stand.store.spare(Op::Load);
    let look = stand.store.stop(Op::Load, When::Before, "the writer looks for its write");
    let writer = guest.start(async |session: Session| Ok(session.increment("n", 1).map(drop)?));
    look.reached().await;
    writer.cut().await;
    assert_eq!(guest.read::<u32>("n").await, Some(1));
}

async fn s10_a_cut_while_a_cap_is_held_leaves_the_cap_held(kind: Kind) {
    for ops in [&[Op::List][..], &Op::ENDING] {
        let stand = Stand::with(kind, |config| config.max_sessions_per_user(1)).await;
        let _first = stand.user("alice").await;
        stand.wait(1);
        let guest = stand.guest().await;
        // The trail is the first update; the second, or a delete, ends the session beyond the cap.
        stand.store.spare(Op::Update);
        cut_at(&stand, &guest, ops, When::Before, |session| session.log_in("alice")).await;
        until("the cap holds", async || stand.owned_records().await == 1).await;
        assert!(!guest.is_known().await);
    }
}

/// A request that is aborted leaves nothing behind that would keep a log-out from working, or its session from ending.
async fn s10_fifty_cut_requests_leak_nothing(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await;
    for round in 0..50 {
        let gate = Gate::new("a request is about to go away");
        let here = gate.clone();
        let exchange = alice.start(async move |session: Session| {
            session.insert("round", round)?;
            if round % 3 == 0 {
                session.save().await?;
            }
            here.pass().await;
            Ok(())
        });
        gate.reached().await;
        exchange.cut().await;
    }
    assert_eq!(alice.read::<u32>("round").await, Some(48));
    assert_eq!(stand.owned_records().await, 1);
    alice.clone().run(async |session: Session| Ok(log_out(&session)?)).await.ok();
    until_dead(&stand, &alice).await;
}
