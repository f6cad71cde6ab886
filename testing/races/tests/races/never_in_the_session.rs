//! Mistakes that session libraries have really made, 1 to 11: ids, loads, renewals.

use axum::http::StatusCode;
use cloakroom_races::{Browser, Kind, Op, Stand, When, races, until};
use cloakroom_tower::{LazySession, OutageFallback, Session, StoreOutage};

races! {
    never_01_any_string_in_the_cookie_is_an_id,
    never_03_a_log_out_on_one_server_is_undone_by_another,
    never_04_a_failed_load_becomes_an_empty_session_that_is_saved,
    never_04_an_outage_under_the_anonymous_policy_writes_nothing,
    never_05_forgetting_everything_and_inserting_keeps_the_old_id,
    never_06_a_clear_before_any_read_adopts_an_id,
    never_07_a_renewal_is_lost_because_the_response_is_an_error,
    never_08_the_old_cookie_sees_the_new_log_in,
    never_09_a_renewal_in_a_middleware_is_undone_by_the_handler,
    never_10_an_update_or_a_removal_after_a_read_is_not_saved,
    never_11_a_renewal_that_races_a_log_out_creates_the_session_again,
    @cut
    never_02_an_aborted_request_keeps_a_log_out_from_working,
}

async fn never_01_any_string_in_the_cookie_is_an_id(kind: Kind) {
    let stand = Stand::new(kind).await;
    let well_formed = "A".repeat(43);
    for planted in ["hello", "0", "../../etc/passwd", well_formed.as_str()] {
        let mut victim = stand.browser();
        victim.plant(planted);
        let attacker = victim.clone();
        let answer = victim.run(async |session: Session| Ok(session.insert("a", 1)?)).await.ok();
        assert_ne!(answer.new_cookie().as_deref(), Some(planted));
        assert!(victim.is_known().await);
        assert!(!attacker.is_known().await);
    }
    assert_eq!(stand.records().await, 4);
}

async fn never_02_an_aborted_request_keeps_a_log_out_from_working(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.user("alice").await;
    for _ in 0..3 {
        alice.hold(|session| session.insert("a", 1)).await.cut().await;
        let panics = alice.start(async |session: Session| {
            session.insert("a", 1)?;
            if session.contains("a") {
                std::panic::resume_unwind(Box::new("a handler that panics"));
            }
            Ok(())
        });
        panics.fails().await;
    }
    let before = alice.clone();
    let log_out = async |session: Session| {
        session.log_out();
        Ok(())
    };
    assert!(alice.run(log_out).await.ok().removes_cookie());
    assert!(!before.is_known().await);
    assert_eq!(stand.owned_records().await, 0);
}

async fn never_03_a_log_out_on_one_server_is_undone_by_another(kind: Kind) {
    let one = Stand::new(kind).await;
    let other = one.beside(|config| config).await;
    let alice = one.user("alice").await;
    let mut there = other.browser();
    there.plant(alice.cookie().unwrap());
    assert_eq!(there.user().await.as_deref(), Some("alice"));
    let writer = there.hold(|session| session.insert("a", 1)).await;
    let toucher = there
        .hold(|session| {
            session.touch();
            Ok(())
        })
        .await;
    alice
        .clone()
        .run(async |session: Session| {
            session.log_out();
            Ok(())
        })
        .await
        .ok();
    writer.release().await.ok();
    toucher.release().await.ok();
    assert!(!there.is_known().await && !alice.is_known().await);
    assert_eq!(one.owned_records().await, 0);
}

async fn never_04_a_failed_load_becomes_an_empty_session_that_is_saved(kind: Kind) {
    let impatient =
        StoreOutage::default().retry_for(std::time::Duration::ZERO).fallback(OutageFallback::FailClosed);
    let stand = Stand::with(kind, |config| config.outage(impatient)).await;
    let guest = stand.guest().await;
    let before = stand.store.records().await;
    stand.store.fail(Op::Load, When::Before);
    let script = async |lazy: LazySession| {
        // The handler swallows the error and goes on; the store is back by then.
        let failed = lazy.load().await.is_err();
        Ok(failed.to_string())
    };
    let answer = guest.start_lazily(script).answer().await.ok();
    assert_eq!(answer.body, "true");
    assert!(answer.leaves_cookie(), "an outage never clears a cookie");
    stand.store.fail(Op::Load, When::Before);
    let asked = guest.start(async |session: Session| Ok(session.insert("a", 1)?)).answer().await;
    assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(asked.leaves_cookie());
    assert_eq!(stand.store.records().await, before);
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
}

async fn never_04_an_outage_under_the_anonymous_policy_writes_nothing(kind: Kind) {
    let outage = StoreOutage::default()
        .retry_for(std::time::Duration::ZERO)
        .fallback(OutageFallback::AnonymousReadOnly);
    let stand = Stand::with(kind, |config| config.outage(outage)).await;
    let guest = stand.guest().await;
    let before = stand.store.records().await;
    let scripts: [fn(&Session) -> cloakroom::Result<()>; 5] = [
        |session| session.insert("coat", "green"),
        |session| session.log_in("alice"),
        |session| {
            session.log_out();
            Ok(())
        },
        |session| {
            session.clear();
            session.reset();
            session.insert("coat", "green")
        },
        |session| session.csrf_token().map(drop),
    ];
    for (place, script) in scripts.into_iter().enumerate() {
        stand.store.fail(Op::Load, When::Before);
        let answer = guest.start(async move |session: Session| Ok(script(&session)?)).answer().await;
        // What is to end a session, and cannot, is not acknowledged.
        let ends = place == 2 || place == 3;
        assert_eq!(answer.status.as_u16(), if ends { 503 } else { 200 }, "{place}");
        assert!(answer.leaves_cookie(), "{place}: {:?}", answer.headers);
        assert_eq!(stand.store.records().await, before, "{place}");
    }
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
}

async fn never_05_forgetting_everything_and_inserting_keeps_the_old_id(kind: Kind) {
    let stand = Stand::new(kind).await;
    let ends: [fn(&Session); 3] =
        [|session| session.log_out(), |session| session.destroy(), |session| session.reset()];
    for end in ends {
        let old = stand.user("alice").await;
        let mut new = old.clone();
        let script = async move |session: Session| {
            end(&session);
            assert!(session.user().is_none() && !session.contains("coat"));
            Ok(session.insert("a", 1)?)
        };
        new.run(script).await.ok();
        assert_ne!(new.cookie(), old.cookie());
        assert_eq!(new.read::<u32>("a").await, Some(1));
        assert_eq!(new.read::<String>("coat").await, None);
        assert_eq!(new.user().await, None);
        assert!(!old.is_known().await);
    }
    assert_eq!(stand.owned_records().await, 0);
}

async fn never_06_a_clear_before_any_read_adopts_an_id(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut victim = stand.browser();
    victim.plant("A".repeat(43));
    let attacker = victim.clone();
    let cleared = victim.run(async |session: Session| {
        session.clear();
        Ok(())
    });
    assert!(cleared.await.ok().leaves_cookie());
    assert_eq!(stand.records().await, 0);
    let script = async |session: Session| {
        session.clear();
        Ok(session.insert("a", 1)?)
    };
    victim.run(script).await.ok();
    assert_ne!(victim.cookie(), attacker.cookie());
    assert!(!attacker.is_known().await);
}

async fn never_07_a_renewal_is_lost_because_the_response_is_an_error(kind: Kind) {
    let stand = Stand::new(kind).await;
    for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::BAD_GATEWAY, StatusCode::NOT_FOUND] {
        for log_in in [false, true] {
            let old = stand.guest().await;
            let mut new = old.clone();
            let script = async move |session: Session| {
                if log_in {
                    session.log_in("alice")?;
                } else {
                    session.cycle_id();
                }
                session.insert("a", 1)?;
                Ok((status, "the handler failed"))
            };
            let answer = new.run(script).await;
            assert_eq!(answer.status, status);
            stand.wait(60);
            assert_ne!(new.cookie(), old.cookie());
            assert_eq!(new.read::<u32>("a").await, Some(1));
            assert_eq!(new.user().await.is_some(), log_in);
        }
    }
}

async fn never_08_the_old_cookie_sees_the_new_log_in(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let gate = cloakroom_races::Gate::new("a request under the old id");
    let here = gate.clone();
    let held = old.start(async move |session: Session| {
        here.pass().await;
        Ok(format!("{:?} {:?}", session.user(), session.get::<String>("secret")?))
    });
    gate.reached().await;
    let mut alice = old.clone();
    let script = async |session: Session| {
        session.log_in("alice")?;
        Ok(session.insert("secret", "of alice")?)
    };
    alice.run(script).await.ok();
    alice.run(async |session: Session| Ok(session.insert("secret", "of alice again")?)).await.ok();
    gate.open();
    assert_eq!(held.answer().await.ok().body, "None None");
    assert_eq!(old.user().await, None);
    assert_eq!(old.read::<String>("secret").await, None);
}

async fn never_09_a_renewal_in_a_middleware_is_undone_by_the_handler(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let mut new = old.clone().at("/renewed");
    new.run(async |session: Session| Ok(session.insert("a", 1)?)).await.ok();
    assert_ne!(new.cookie(), old.cookie());
    let new = new.at("/");
    stand.wait(60);
    assert_eq!(new.read::<u32>("a").await, Some(1));
    assert_eq!(new.read::<String>("coat").await.as_deref(), Some("red"));
    assert!(!old.is_known().await);
}

async fn never_10_an_update_or_a_removal_after_a_read_is_not_saved(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let script = async |session: Session| {
        let _read: Option<String> = session.get("coat")?;
        Ok(session.update("coat", |coat: Option<String>| coat.unwrap_or_default() + "dish")?)
    };
    guest.run(script).await.ok();
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("reddish"));
    let script = async |session: Session| {
        let _read: Option<String> = session.get("coat")?;
        assert!(session.remove("coat"));
        Ok(())
    };
    guest.run(script).await.ok();
    assert_eq!(guest.read::<String>("coat").await, None);
    guest.run(async |session: Session| Ok(session.insert("hat", "blue")?)).await.ok();
    let taken = guest.run(async |session: Session| Ok(session.take::<String>("hat")?.unwrap_or_default()));
    assert_eq!(taken.await.ok().body, "blue");
    assert_eq!(guest.read::<String>("hat").await, None);
}

async fn never_11_a_renewal_that_races_a_log_out_creates_the_session_again(kind: Kind) {
    for (op, when) in [(Op::Create, When::Before), (Op::Create, When::After), (Op::Update, When::After)] {
        let stand = Stand::new(kind).await;
        let old = stand.user("alice").await;
        let step = stand.store.stop(op, when, "a step of the renewal");
        let renewal = old.start(async |session: Session| {
            session.insert("a", 1)?;
            session.cycle_id();
            Ok(())
        });
        step.reached().await;
        old.hold(|session| {
            session.log_out();
            Ok(())
        })
        .await
        .release()
        .await
        .ok();
        step.open();
        let mut renewed: Browser = old.clone();
        renewed.obey(&renewal.answer().await.ok());
        until("nothing of it is left", async || stand.owned_records().await == 0).await;
        assert!(!renewed.is_known().await && !old.is_known().await, "{op:?} {when:?}");
    }
}
