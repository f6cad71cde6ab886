//! F10: a write whose answer was lost is applied exactly once, though the clocks of the machines differ by an hour.

use cloakroom::{Config, Session};

use crate::browser::{Browser, Handler};
use crate::clock::minutes;
use crate::stage::Stage;
use crate::store::{Deed, Gate, Op, Rule};

/// How many seconds a machine's clock is ahead.
const SKEWS: [i64; 7] = [0, 121, 181, 3_600, -121, -181, -3_600];

/// Writes that are applied twice if they are carried out twice.
const WRITES: [Handler; 3] = [
    |session| drop(session.increment("mine", 1)),
    |session| drop(session.push("list", "mine")),
    |session| session.update("mine", |n: Option<u64>| n.unwrap_or(0) + 1).unwrap(),
];

fn patient(config: Config) -> Config {
    config.idle_timeout(minutes(24 * 60))
}

fn times(session: &Session) -> usize {
    let counted = session.get::<usize>("mine").unwrap().unwrap_or(0);
    let listed = session.get::<Vec<String>>("list").unwrap().unwrap_or_default();
    counted + listed.len()
}

/// One machine's write loses its answer; machines with other clocks commit before it looks again.
async fn lost_answer(mine: i64, others: &[i64], write: Handler) -> Result<usize, String> {
    let stage = Stage::new(patient);
    let mut browser = Browser::anonymous(&stage.engine).await;
    let machine = stage.ahead(mine, patient);
    let gate = Gate::new();
    machine.store.add(Rule::once(&[Op::Update], Deed::LoseAt(gate.clone())));
    let pending = browser.begin(&machine.engine);
    write(&pending.load().await.unwrap());
    let commit = tokio::spawn(async move { pending.commit().await });
    gate.reached().await;
    for skew in others {
        let other = stage.ahead(*skew, patient);
        browser.visit(&other.engine, |session| session.increment("others", 1).unwrap()).await;
    }
    gate.open();
    let committed = commit.await.unwrap();
    let (mine, theirs) =
        browser.visit(&stage.engine, |session| (times(session), session.get("others").unwrap())).await;
    assert_eq!(theirs.unwrap_or(0), others.len());
    committed.map(|_| mine).map_err(|error| error.to_string())
}

#[tokio::test(start_paused = true)]
async fn f10_a_lost_answer_is_applied_once_whatever_the_clocks_of_two_others_say() {
    let mut wrong = Vec::new();
    for mine in SKEWS {
        for first in SKEWS {
            for second in SKEWS {
                for write in WRITES {
                    let times = lost_answer(mine, &[first, second], write).await;
                    if times != Ok(1) {
                        wrong.push(format!("{mine} s, others {first} s and {second} s: {times:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), SKEWS.len().pow(3) * WRITES.len());
}

#[tokio::test(start_paused = true)]
async fn f10_a_lost_answer_is_applied_once_however_many_others_with_other_clocks_commit() {
    let mut wrong = Vec::new();
    for mine in [0, 181, -181, 3_600] {
        for many in [1, 3, 5, 10, 14] {
            let others: Vec<_> = SKEWS.into_iter().cycle().skip(1).take(many).collect();
            let times = lost_answer(mine, &others, WRITES[0]).await;
            if times != Ok(1) {
                wrong.push(format!("{mine} s, {many} others: {times:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f10_a_save_that_was_dropped_half_way_is_applied_once_by_the_next_one() {
    let mut wrong = Vec::new();
    for mine in SKEWS {
        for other in SKEWS {
            let stage = Stage::new(patient);
            let mut browser = Browser::anonymous(&stage.engine).await;
            let machine = stage.ahead(mine, patient);
            let gate = Gate::new();
            machine.store.add(Rule::once(&[Op::Update], Deed::LoseAt(gate.clone())));
            let session = browser.begin(&machine.engine).load().await.unwrap();
            session.increment("mine", 1).unwrap();
            let saving = tokio::spawn({
                let session = session.clone();
                async move { session.save().await }
            });
            gate.reached().await;
            saving.abort();
            let _ = saving.await;
            for skew in [other, 0] {
                let other = stage.ahead(skew, patient);
                browser.visit(&other.engine, |session| session.increment("others", 1).unwrap()).await;
            }
            let saved = session.save().await.map_err(|error| error.to_string());
            let times = browser.visit(&stage.engine, times).await;
            if saved.is_err() || times != 1 {
                wrong.push(format!("{mine} s, another {other} s: {saved:?}, applied {times} times"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f10_a_write_that_did_not_arrive_is_made_once_whatever_the_clocks_say() {
    for mine in SKEWS {
        for other in SKEWS {
            let stage = Stage::new(patient);
            let mut browser = Browser::anonymous(&stage.engine).await;
            let machine = stage.ahead(mine, patient);
            let fails = Deed::Fail(cloakroom::store::ErrorKind::Unavailable);
            machine.store.add(Rule::once(&[Op::Update], fails));
            let pending = browser.begin(&machine.engine);
            pending.load().await.unwrap().increment("mine", 1).unwrap();
            let elsewhere = stage.ahead(other, patient);
            browser.visit(&elsewhere.engine, |session| session.increment("others", 1).unwrap()).await;
            let _ = pending.commit().await.unwrap();
            assert_eq!(browser.visit(&stage.engine, times).await, 1, "{mine} s, another {other} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f10_what_changes_the_id_or_ends_the_session_survives_a_lost_answer_whatever_the_clocks_say() {
    let deeds: [(&str, Handler, bool); 3] = [
        ("a renewal", Session::cycle_id, true),
        ("a log-in", |session| session.log_in("alice").unwrap(), true),
        ("a log-out", Session::log_out, false),
    ];
    for (what, deed, alive) in deeds {
        for op in [Op::Create, Op::Update] {
            for mine in SKEWS {
                for other in SKEWS {
                    let stage = Stage::new(patient);
                    let mut browser = Browser::anonymous(&stage.engine).await;
                    let machine = stage.ahead(mine, patient);
                    machine.store.add(Rule::once(&[op], Deed::Lose));
                    let elsewhere = stage.ahead(other, patient);
                    browser.visit(&elsewhere.engine, |session| session.insert("other", 1).unwrap()).await;
                    let _ = browser.outcome(&machine.engine, deed).await;
                    let when = format!("{what}, {mine} s, another {other} s, {op:?} unanswered");
                    assert_eq!(browser.has_session(&stage.engine).await, alive, "{when}");
                    assert_eq!(stage.store.sessions().await, usize::from(alive), "{when}");
                }
            }
        }
    }
}
