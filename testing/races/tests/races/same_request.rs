//! One request's own handles on its session, used at once: clones, tasks that outlive the response, saves that are given up.

use std::sync::{Arc, Mutex};

use cloakroom_races::{Gate, Kind, Op, Stand, When, races, soon};
use cloakroom_tower::{ErrorKind, Event, Session};

races! {
    clone_a_log_out_during_a_save_is_not_lost,
    clone_a_log_in_during_a_save_is_whole,
    clone_a_renewal_during_a_save_is_made,
    clone_changes_during_a_save_are_kept_once,
    clone_changes_between_the_tries_of_a_create_are_kept_once,
    clone_changes_between_the_tries_of_an_update_are_kept_once,
    clone_a_save_that_is_given_up_and_made_again_counts_once,
    clone_a_first_save_that_is_given_up_and_made_again_makes_one_session,
    clone_a_task_that_outlives_the_response_can_write,
    clone_a_task_that_outlives_the_response_can_log_out,
    clone_a_task_that_outlives_the_response_cannot_begin_a_session,
    clone_a_task_that_outlives_the_response_follows_a_renewal,
    clone_a_task_that_outlives_the_response_does_not_renew_an_id_that_no_client_would_receive,
    clone_a_task_that_outlives_a_log_out_writes_nothing,
    clone_a_save_that_waits_for_the_response_cannot_change_the_cookie_behind_it,
    clone_two_saves_at_once_count_once,
    clone_a_saved_log_in_reaches_the_client_even_if_the_response_fails,
    clone_a_reload_forgets_changes_and_sees_those_of_others,
}

/// What a script hands out to the test: its session, to use as a task that it spawned would.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Option<Session>>>);

impl Kept {
    fn keep(&self, session: &Session) {
        *self.0.lock().unwrap() = Some(session.clone());
    }
    fn session(&self) -> Session {
        self.0.lock().unwrap().clone().unwrap()
    }
}

/// A script that saves `n = 1` and is stopped in the store; then `change` happens to its session.
async fn change_during_a_save(
    kind: Kind,
    change: fn(&Session) -> cloakroom::Result<()>,
) -> (Stand, cloakroom_races::Browser, cloakroom_races::Browser) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let kept = Kept::default();
    let keep = kept.clone();
    let save = stand.store.stop(Op::Update, When::After, "the save");
    let exchange = old.start(async move |session: Session| {
        keep.keep(&session);
        session.increment("n", 1)?;
        session.save().await?;
        Ok(())
    });
    save.reached().await;
    change(&kept.session()).unwrap();
    save.open();
    let mut new = old.clone();
    new.obey(&exchange.answer().await.ok());
    (stand, old, new)
}

async fn clone_a_log_out_during_a_save_is_not_lost(kind: Kind) {
    let log_out = |session: &Session| {
        session.log_out();
        Ok(())
    };
    let (stand, old, new) = change_during_a_save(kind, log_out).await;
    assert!(!old.is_known().await);
    assert_eq!(new.cookie(), None);
    assert_eq!(stand.records().await, 0);
}

async fn clone_a_log_in_during_a_save_is_whole(kind: Kind) {
    let (stand, old, new) = change_during_a_save(kind, |session| session.log_in("alice")).await;
    assert_eq!(old.user().await, None, "the old id must not be logged in: others may know it");
    assert!(!old.is_known().await);
    assert_eq!(new.user().await.as_deref(), Some("alice"));
    assert_eq!(new.read::<u32>("n").await, Some(1));
    assert_eq!(stand.owned_records().await, 1);
}

async fn clone_a_renewal_during_a_save_is_made(kind: Kind) {
    let renew = |session: &Session| {
        session.cycle_id();
        Ok(())
    };
    let (stand, old, new) = change_during_a_save(kind, renew).await;
    assert_ne!(old.cookie(), new.cookie());
    stand.wait(60);
    assert!(!old.is_known().await);
    assert_eq!(new.read::<u32>("n").await, Some(1));
}

async fn clone_changes_during_a_save_are_kept_once(kind: Kind) {
    let change = |session: &Session| {
        session.increment("n", 1)?;
        session.insert("b", 2)
    };
    let (_stand, _old, new) = change_during_a_save(kind, change).await;
    assert_eq!(new.read::<u32>("n").await, Some(2));
    assert_eq!(new.read::<u32>("b").await, Some(2));
}

/// A write whose answer is lost; before the next try, the request changes more.
async fn change_between_tries(kind: Kind, first: bool) {
    let stand = Stand::new(kind).await;
    let mut browser = if first { stand.browser() } else { stand.guest().await };
    let op = if first { Op::Create } else { Op::Update };
    let kept = Kept::default();
    let keep = kept.clone();
    let wrote = stand.store.stop(op, When::Before, "the first try");
    let exchange = browser.start(async move |session: Session| {
        keep.keep(&session);
        session.increment("n", 1)?;
        session.save().await?;
        Ok(())
    });
    wrote.reached().await;
    // Encoded, on its way, and not known to be lost: what comes now is not in it.
    stand.store.fail(op, When::After);
    kept.session().increment("n", 10).unwrap();
    wrote.open();
    let answer = exchange.answer().await.ok();
    browser.obey(&answer);
    assert_eq!(browser.read::<u32>("n").await, Some(11));
    assert_eq!(stand.records().await, 1);
}

async fn clone_changes_between_the_tries_of_a_create_are_kept_once(kind: Kind) {
    change_between_tries(kind, true).await;
    change_between_lost_tries(kind, true).await;
}

async fn clone_changes_between_the_tries_of_an_update_are_kept_once(kind: Kind) {
    change_between_tries(kind, false).await;
    change_between_lost_tries(kind, false).await;
}

async fn change_between_lost_tries(kind: Kind, first: bool) {
    let stand = Stand::new(kind).await;
    let mut browser = if first { stand.browser() } else { stand.guest().await };
    let kept = Kept::default();
    let keep = kept.clone();
    let lost =
        stand.store.lose(if first { Op::Create } else { Op::Update }, "the answer is about to be lost");
    let exchange = browser.start(async move |session: Session| {
        keep.keep(&session);
        session.increment("n", 1)?;
        session.save().await?;
        Ok(())
    });
    lost.reached().await;
    kept.session().increment("n", 10).unwrap();
    lost.open();
    browser.obey(&exchange.answer().await.ok());
    assert_eq!(browser.read::<u32>("n").await, Some(11));
    assert_eq!(stand.records().await, 1);
}

/// What a time limit around a save does: the future is dropped while the store is at it.
async fn give_up_a_save(kind: Kind, first: bool) {
    for when in [When::Before, When::Within, When::After] {
        let stand = Stand::new(kind).await;
        let mut browser = if first { stand.browser() } else { stand.guest().await };
        let op = if first { Op::Create } else { Op::Update };
        let save = stand.store.stop(op, when, "the save that is given up");
        let stopped = save.clone();
        let script = async move |session: Session| {
            session.increment("n", 1)?;
            tokio::select! {
                _ = session.save() => unreachable!("it is stopped"),
                () = stopped.reached() => {}
            }
            session.increment("n", 10)?;
            session.save().await?;
            Ok(session.increment("n", 100).map(drop)?)
        };
        browser.run(script).await.ok();
        assert_eq!(browser.read::<u32>("n").await, Some(111), "{when:?}");
        assert_eq!(stand.records().await, 1, "{when:?}");
    }
}

async fn clone_a_save_that_is_given_up_and_made_again_counts_once(kind: Kind) {
    give_up_a_save(kind, false).await;
}

async fn clone_a_first_save_that_is_given_up_and_made_again_makes_one_session(kind: Kind) {
    give_up_a_save(kind, true).await;
}

/// A session whose request was answered.
async fn outliving(stand: &Stand, browser: &cloakroom_races::Browser) -> Session {
    let kept = Kept::default();
    let keep = kept.clone();
    let script = async move |session: Session| {
        keep.keep(&session);
        Ok(())
    };
    browser.start(script).answer().await.ok();
    let _alive = stand.records().await;
    kept.session()
}

async fn clone_a_task_that_outlives_the_response_can_write(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let session = outliving(&stand, &guest).await;
    guest.clone().run(async |session: Session| Ok(session.increment("n", 1).map(drop)?)).await.ok();
    for _ in 0..2 {
        session.increment("n", 1).unwrap();
        session.save().await.unwrap();
    }
    assert_eq!(guest.read::<u32>("n").await, Some(3));
}

async fn clone_a_task_that_outlives_the_response_can_log_out(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await;
    let session = outliving(&stand, &alice).await;
    session.log_out();
    let _answer = session.save().await;
    assert!(!alice.is_known().await, "the cookie cannot be removed any more, the session can be ended");
    assert_eq!(stand.owned_records().await, 0);
}

async fn clone_a_task_that_outlives_the_response_cannot_begin_a_session(kind: Kind) {
    let stand = Stand::new(kind).await;
    let session = outliving(&stand, &stand.browser()).await;
    session.insert("a", 1).unwrap();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::ResponseSent);
    let session = outliving(&stand, &stand.guest().await).await;
    session.log_in("alice").unwrap();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::ResponseSent);
    assert_eq!(stand.owned_records().await, 0);
}

async fn clone_a_task_that_outlives_the_response_follows_a_renewal(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let session = outliving(&stand, &guest).await;
    let renew = async |session: Session| {
        session.cycle_id();
        Ok(())
    };
    for round in 1..4 {
        guest.run(renew).await.ok();
        stand.wait(60);
        session.increment("n", 1).unwrap();
        session.save().await.unwrap();
        assert_eq!(guest.read::<u32>("n").await, Some(round));
    }
    guest.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
    session.increment("n", 1).unwrap();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Gone);
    assert_eq!(guest.read::<u32>("n").await, Some(3));
}

async fn clone_a_task_that_outlives_the_response_does_not_renew_an_id_that_no_client_would_receive(
    kind: Kind,
) {
    let every = std::time::Duration::from_secs(300);
    let stand = Stand::with(kind, |config| config.renew_every(every)).await;
    let guest = stand.guest().await;
    let kept = Kept::default();
    let keep = kept.clone();
    stand.wait(200);
    let load = async move |session: Session| {
        keep.keep(&session);
        Ok(())
    };
    guest.start(load).answer().await.ok();
    stand.wait(200);
    let session = kept.session();
    session.insert("a", 1).unwrap();
    session.save().await.unwrap();
    session.cycle_id();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::ResponseSent);
    assert_eq!(stand.records().await, 1);
    assert_eq!(guest.read::<u32>("a").await, Some(1));
}

async fn clone_a_task_that_outlives_a_log_out_writes_nothing(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let session = outliving(&stand, &guest).await;
    let log_out = async |session: Session| {
        session.log_out();
        Ok(())
    };
    guest.clone().run(log_out).await.ok();
    for _ in 0..2 {
        session.insert("a", 1).unwrap();
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Gone);
    }
    assert_eq!(stand.records().await, 0);
    assert_eq!(stand.events.count(|event| *event == Event::WriteDropped), 2);
}

/// The response's commit is at the store; a task of the same request wants a new id and waits for its turn.
async fn clone_a_save_that_waits_for_the_response_cannot_change_the_cookie_behind_it(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let kept = Kept::default();
    let keep = kept.clone();
    let commit = stand.store.stop(Op::Update, When::Before, "the response's commit");
    let exchange = guest.start(async move |session: Session| {
        keep.keep(&session);
        Ok(session.log_in("alice")?)
    });
    commit.reached().await;
    let session = kept.session();
    let waits = Gate::new("the task waits for its turn");
    let here = waits.clone();
    let task = tokio::spawn(async move {
        let mut save = Box::pin(async move {
            session.insert("a", 1)?;
            session.cycle_id();
            session.save().await
        });
        // Polled once, it stands in line.
        std::future::poll_fn(|cx| {
            let _pending = save.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
        here.pass().await;
        save.await
    });
    waits.reached().await;
    waits.open();
    commit.open();
    guest.obey(&exchange.answer().await.ok());
    let _saved = soon("the task's save", task).await.unwrap();
    stand.wait(60);
    assert_eq!(
        guest.user().await.as_deref(),
        Some("alice"),
        "the id that the client received is the one that lasts"
    );
}

async fn clone_two_saves_at_once_count_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let script = async |session: Session| {
        session.increment("n", 1)?;
        let (a, b) = tokio::join!(session.save(), session.save());
        a?;
        b?;
        Ok(())
    };
    guest.run(script).await.ok();
    assert_eq!(guest.read::<u32>("n").await, Some(1));
}

/// The new id is in the store, the old one is dead: an error page that keeps it from the client logs the user out.
async fn clone_a_saved_log_in_reaches_the_client_even_if_the_response_fails(kind: Kind) {
    let stand = Stand::with(kind, |config| config.max_size(2_000)).await;
    let mut guest = stand.guest().await;
    let script = async |session: Session| {
        session.log_in("alice")?;
        session.save().await?;
        Ok(session.insert("large", "x".repeat(3_000))?)
    };
    let answer = guest.run(script).await;
    assert_eq!(answer.status, 413);
    assert_eq!(guest.user().await.as_deref(), Some("alice"));
    assert_eq!(guest.read::<String>("large").await, None);
}

async fn clone_a_reload_forgets_changes_and_sees_those_of_others(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let gate = Gate::new("the request has loaded");
    let here = gate.clone();
    let exchange = guest.start(async move |session: Session| {
        session.insert("coat", "green")?;
        here.pass().await;
        session.reload().await?;
        Ok(session.get::<String>("coat")?.unwrap_or_default())
    });
    gate.reached().await;
    guest.clone().run(async |session: Session| Ok(session.insert("coat", "blue")?)).await.ok();
    gate.open();
    assert_eq!(exchange.answer().await.ok().body, "blue");
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("blue"));
}
