//! S12: a request that brings the ids of several sessions ends all of them, if it ends any.

use cloakroom_races::{Browser, Kind, Op, Stand, When, races, until};
use cloakroom_tower::{EndReason, Event, Session};

races! {
    s12_what_ends_a_session_ends_every_one_whose_id_the_request_brought,
    s12_a_log_out_ends_the_sessions_of_six_ids_in_three_headers,
    s12_a_log_out_ends_the_session_behind_ids_that_lead_nowhere,
    s12_a_log_out_ends_the_session_behind_an_id_that_a_log_in_replaced,
    s12_a_log_out_ends_another_session_that_is_renewed_meanwhile,
    s12_a_log_out_ends_another_session_at_each_step_of_its_renewal,
    s12_a_writer_of_another_session_is_dropped_by_a_log_out,
    s12_a_log_out_whose_answers_are_lost_ends_every_session,
    s12_a_log_out_that_cannot_reach_one_of_its_sessions_is_an_error,
    s12_a_request_that_ends_nothing_leaves_every_session_alone,
    @cut
    s12_a_log_out_that_is_cut_ends_every_session,
}

type Change = fn(&Session) -> cloakroom::Result<()>;

/// What ends a session, and what of a session there is afterwards.
const ENDS: [(&str, Change, usize); 5] = [
    ("log_out", log_out, 0),
    (
        "destroy",
        |session| {
            session.destroy();
            Ok(())
        },
        0,
    ),
    (
        "reset",
        |session| {
            session.reset();
            Ok(())
        },
        1,
    ),
    ("log_in", |session| session.log_in("carol"), 1),
    (
        "a log-out with a message",
        |session| {
            session.log_out();
            session.flash("notice", "good bye")
        },
        1,
    ),
];

fn log_out(session: &Session) -> cloakroom::Result<()> {
    session.log_out();
    Ok(())
}

fn renew(session: &Session) -> cloakroom::Result<()> {
    session.cycle_id();
    Ok(())
}

async fn three(stand: &Stand) -> [Browser; 3] {
    [stand.user("alice").await, stand.guest().await, stand.user("bob").await]
}

/// Does `change` in a request of its own, and takes its answer.
async fn does(browser: &mut Browser, change: Change) {
    browser.run(async move |session: Session| Ok(change(&session)?)).await.ok();
}

async fn assert_dead(browsers: &[Browser], what: &str) {
    for (place, browser) in browsers.iter().enumerate() {
        assert!(!browser.is_known().await, "{what}: number {place} lives on");
    }
}

/// How many sessions ended by a log-out, by the events that the application received.
fn logged_out(stand: &Stand) -> u64 {
    let counts = stand.events.all().into_iter().map(|event| match event {
        Event::Ended { reason: EndReason::LogOut, count, .. } => count,
        _ => 0,
    });
    counts.sum()
}

async fn s12_what_ends_a_session_ends_every_one_whose_id_the_request_brought(kind: Kind) {
    let spellings: [fn(Browser) -> Browser; 3] =
        [|browser| browser, Browser::in_one_header, |browser| browser.in_one_header().over_http2()];
    let stand = Stand::new(kind).await;
    for (what, end, left) in ENDS {
        for spelling in spellings {
            let [a, b, c] = three(&stand).await;
            let mut all = spelling(a.clone().also_sending(&b).also_sending(&c));
            stand.events.forget();
            let before = sessions(&stand).await;
            does(&mut all, end).await;
            assert_dead(&[a, b, c], what).await;
            assert_eq!(sessions(&stand).await, before - 3 + left, "{what}");
            if what.starts_with("log_out") {
                assert_eq!(logged_out(&stand), 3);
            }
        }
    }
}

/// How many sessions there are, without what is left of old ids.
async fn sessions(stand: &Stand) -> usize {
    stand.store.records().await.iter().filter(|entry| entry.stored.record.sliding).count()
}

async fn s12_a_log_out_ends_the_sessions_of_six_ids_in_three_headers(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browsers = Vec::new();
    for _ in 0..6 {
        browsers.push(stand.guest().await);
    }
    let pair = |at: usize| browsers[at].clone().also_sending(&browsers[at + 1]).in_one_header();
    let mut all = pair(0).also_sending(&pair(2)).also_sending(&pair(4));
    does(&mut all, log_out).await;
    assert_dead(&browsers, "log_out").await;
    assert_eq!(stand.records().await, 0);
    assert_eq!(logged_out(&stand), 6);
}

async fn s12_a_log_out_ends_the_session_behind_ids_that_lead_nowhere(kind: Kind) {
    for many in [1, 3, 5] {
        let stand = Stand::new(kind).await;
        let mut dead = Vec::new();
        for _ in 0..many {
            let browser = stand.guest().await;
            does(&mut browser.clone(), log_out).await;
            dead.push(browser);
        }
        let last = stand.user("alice").await;
        let mut all = dead.remove(0);
        for browser in dead.iter().chain([&last]) {
            all = all.also_sending(browser);
        }
        let answer = all.run(async |session: Session| Ok(log_out(&session)?)).await.ok();
        assert!(answer.removes_cookie(), "{many} ids before it");
        assert!(!last.is_known().await, "{many} ids before it");
    }
}

async fn s12_a_log_out_ends_the_session_behind_an_id_that_a_log_in_replaced(kind: Kind) {
    for many in [0, 2] {
        let stand = Stand::new(kind).await;
        let replaced = stand.guest().await;
        let mut alice = replaced.clone();
        does(&mut alice, |session| session.log_in("alice")).await;
        let mut all = replaced;
        for _ in 0..many {
            let dead = stand.guest().await;
            does(&mut dead.clone(), log_out).await;
            all = all.also_sending(&dead);
        }
        let bob = stand.user("bob").await;
        all = all.also_sending(&bob);
        does(&mut all, log_out).await;
        assert!(!bob.is_known().await, "{many} ids before it lead nowhere");
        assert_eq!(alice.user().await.as_deref(), Some("alice"), "an old id must not end what a log-in made");
    }
}

async fn s12_a_log_out_ends_another_session_that_is_renewed_meanwhile(kind: Kind) {
    let stand = Stand::new(kind).await;
    for renewed in 0..3 {
        let mut browsers = three(&stand).await;
        let [a, b, c] = browsers.clone();
        let ender = a.also_sending(&b).also_sending(&c).hold(log_out).await;
        does(&mut browsers[renewed], renew).await;
        does(&mut browsers[renewed], |session| session.insert("later", 1)).await;
        assert!(ender.release().await.ok().removes_cookie());
        assert_dead(&browsers, "a renewal came in between").await;
    }
}

async fn s12_a_log_out_ends_another_session_at_each_step_of_its_renewal(kind: Kind) {
    let steps = [
        (Op::Create, When::Before),
        (Op::Create, When::After),
        (Op::Update, When::Before),
        (Op::Update, When::After),
    ];
    for (op, when) in steps {
        let stand = Stand::new(kind).await;
        let (a, b) = (stand.user("alice").await, stand.user("bob").await);
        let step = stand.store.stop(op, when, "a step of the renewal");
        let renewal = b.start(async |session: Session| Ok(renew(&session)?));
        step.reached().await;
        let mut both = a.clone().also_sending(&b);
        does(&mut both, log_out).await;
        step.open();
        let mut renewed = b.clone();
        renewed.obey(&renewal.answer().await.ok());
        assert_dead(&[a, b, renewed], "log_out").await;
        assert_eq!(stand.owned_records().await, 0, "{op:?} {when:?}");
    }
}

async fn s12_a_writer_of_another_session_is_dropped_by_a_log_out(kind: Kind) {
    let stand = Stand::new(kind).await;
    let [a, b, c] = three(&stand).await;
    let writer = c.hold(|session| session.insert("late", 1)).await;
    let mut all = a.clone().also_sending(&b).also_sending(&c);
    does(&mut all, log_out).await;
    assert!(writer.release().await.ok().leaves_cookie());
    assert_dead(&[a, b, c], "log_out").await;
    assert_eq!(stand.events.count(|event| *event == Event::WriteDropped), 1);
}

async fn s12_a_log_out_whose_answers_are_lost_ends_every_session(kind: Kind) {
    for when in [When::Before, When::After] {
        for place in 0..3 {
            let stand = Stand::new(kind).await;
            let [a, b, c] = three(&stand).await;
            for _ in 0..place {
                stand.store.spare(Op::Update);
            }
            stand.store.fail_any(&Op::ENDING, when);
            let mut all = a.clone().also_sending(&b).also_sending(&c);
            let answer = all.run(async |session: Session| Ok(log_out(&session)?)).await.ok();
            assert!(answer.removes_cookie(), "{when:?}, number {place}");
            assert!(stand.store.has_no_traps());
            assert_dead(&[a, b, c], "log_out").await;
        }
    }
}

async fn s12_a_log_out_that_cannot_reach_one_of_its_sessions_is_an_error(kind: Kind) {
    for place in 0..3 {
        let stand = Stand::new(kind).await;
        let [a, b, c] = three(&stand).await;
        for _ in 0..place {
            stand.store.spare(Op::Update);
        }
        stand.store.fail_with(Op::Update, When::Before, cloakroom::store::ErrorKind::Full);
        let mut all = a.clone().also_sending(&b).also_sending(&c);
        let answer = all.start(async |session: Session| Ok(log_out(&session)?)).answer().await;
        assert!(answer.status.is_server_error(), "number {place}");
        assert!(stand.store.has_no_traps(), "number {place}");
        does(&mut all, log_out).await;
        assert_dead(&[a, b, c], "the next log-out").await;
    }
}

async fn s12_a_log_out_that_is_cut_ends_every_session(kind: Kind) {
    let stand = Stand::new(kind).await;
    let [a, b, c] = three(&stand).await;
    a.clone().also_sending(&b).also_sending(&c).hold(log_out).await.cut().await;
    for browser in [&a, &b, &c] {
        until("the session is dead", async || !browser.is_known().await).await;
    }

    let [a, b, c] = three(&stand).await;
    let all = a.clone().also_sending(&b).also_sending(&c);
    let step = stand.store.stop_any(&Op::ENDING, When::After, "the first of the sessions has ended");
    let ender = all.start(async |session: Session| Ok(log_out(&session)?));
    step.reached().await;
    ender.cut().await;
    step.open();
    for browser in [&a, &b, &c] {
        until("the session is dead", async || !browser.is_known().await).await;
    }
}

async fn s12_a_request_that_ends_nothing_leaves_every_session_alone(kind: Kind) {
    let stand = Stand::new(kind).await;
    let browsers = three(&stand).await;
    let [a, b, c] = browsers.clone();
    let changes: [Change; 4] = [
        |session| session.insert("a", 1),
        |session| session.get::<String>("coat").map(drop),
        |session| {
            session.touch();
            Ok(())
        },
        renew,
    ];
    for change in changes {
        does(&mut a.clone().also_sending(&b).also_sending(&c), change).await;
        for browser in &browsers {
            assert!(browser.is_known().await);
        }
    }
}
