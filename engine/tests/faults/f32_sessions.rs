//! F32: calls of `UserSessions` are retried and reported as events, like all others.

use cloakroom::store::ErrorKind as StoreErrorKind;
use cloakroom::{Event, PublicId, Session};

use crate::browser::Browser;
use crate::stage::{Stage, plain};
use crate::store::{Deed, Op, Rule};

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    List,
    Count,
    Revoke,
    RevokeAll,
    RevokeOthers,
    RevokeAny,
}

use Call::{Count, List, Revoke, RevokeAll, RevokeAny, RevokeOthers};

/// Each call, and the operations that it needs.
const CALLS: [(Call, &[Op]); 6] = [
    (List, &[Op::List]),
    (Count, &[Op::List]),
    (Revoke, &[Op::List, Op::Update]),
    (RevokeAll, &[Op::Revoke, Op::List]),
    (RevokeOthers, &[Op::Load, Op::Update, Op::Revoke, Op::List]),
    (RevokeAny, &[Op::Scan, Op::List, Op::Update]),
];

struct World {
    stage: Stage,
    /// The caller's own device.
    own: Browser,
    session: Session,
    /// Another device of the same user, and its name.
    other: Browser,
    handle: PublicId,
}

impl World {
    async fn new() -> Self {
        let stage = Stage::new(plain);
        let mut other = Browser::logged_in(&stage.engine, "alice").await;
        let handle = other.visit(&stage.engine, Session::public_id).await.unwrap();
        let own = Browser::logged_in(&stage.engine, "alice").await;
        let session = own.begin(&stage.engine).load().await.unwrap();
        stage.events.forget();
        Self { stage, own, session, other, handle }
    }

    /// Makes the call; a number that says what it answered.
    async fn make(&self, call: Call) -> cloakroom::Result<u64> {
        let sessions = self.stage.engine.sessions();
        match call {
            List => sessions.list("alice").await.map(|listed| listed.len() as u64),
            Count => sessions.count("alice").await.map(|count| count as u64),
            Revoke => sessions.revoke("alice", &self.handle).await.map(u64::from),
            RevokeAll => sessions.revoke_all("alice").await,
            RevokeOthers => sessions.revoke_others(&self.session).await,
            RevokeAny => sessions.revoke_by_id(&self.handle).await.map(u64::from),
        }
    }

    /// Returns whether the own and the other device are as they must be after a call that succeeded.
    async fn is_right_after(&mut self, call: Call) -> bool {
        let own = self.own.has_session(&self.stage.engine).await;
        let other = self.other.has_session(&self.stage.engine).await;
        let expected = match call {
            List | Count => (true, true),
            Revoke | RevokeOthers | RevokeAny => (true, false),
            RevokeAll => (false, false),
        };
        (own, other) == expected
    }
}

const fn answer(call: Call) -> u64 {
    match call {
        List | Count | RevokeAll => 2,
        Revoke | RevokeOthers | RevokeAny => 1,
    }
}

#[tokio::test(start_paused = true)]
async fn f32_a_call_is_tried_again_after_an_operation_that_failed_and_tells_of_the_outage() {
    let mut wrong = Vec::new();
    for (call, ops) in CALLS {
        for op in ops {
            let mut world = World::new().await;
            world.stage.store.add(Rule::once(&[*op], Deed::Fail(StoreErrorKind::Unavailable)));
            let answered = world.make(call).await.map_err(|error| error.kind());
            if answered != Ok(answer(call)) {
                wrong.push(format!("{call:?}, {op:?} fails once: {answered:?}"));
            } else if !world.is_right_after(call).await {
                wrong.push(format!("{call:?}, {op:?} fails once: did not do it"));
            }
            for event in [Event::StoreUnavailable, Event::StoreRecovered] {
                if !world.stage.events.has(&event) {
                    wrong.push(format!("{call:?}, {op:?} fails once: no {event:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f32_a_call_is_tried_again_after_an_answer_was_lost() {
    let mut wrong = Vec::new();
    for (call, ops) in CALLS {
        for op in ops {
            let mut world = World::new().await;
            world.stage.store.add(Rule::once(&[*op], Deed::Lose));
            // How many sessions a lost revocation ended cannot be told.
            let answered = world.make(call).await;
            if answered.is_err() || !world.is_right_after(call).await {
                wrong.push(format!("{call:?}, the answer to {op:?} is lost: {answered:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f32_a_revocation_whose_answer_was_lost_says_that_there_was_such_a_session() {
    for call in [Revoke, RevokeAny] {
        let world = World::new().await;
        world.stage.store.add(Rule::once(&[Op::Update], Deed::Lose));
        assert_eq!(world.make(call).await.map_err(|error| error.kind()), Ok(1), "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f32_a_call_during_an_outage_is_an_error_in_time_and_an_event() {
    for (call, _) in CALLS {
        let world = World::new().await;
        world.stage.store.add(Rule::always(&Op::ALL, Deed::Fail(StoreErrorKind::Unavailable)));
        let (answered, took) = crate::clock::timed(world.make(call)).await;
        assert_eq!(answered.unwrap_err().kind(), cloakroom::ErrorKind::Unavailable);
        assert!(took.as_secs() < 6, "{call:?} took {took:?}");
        assert_eq!(world.stage.events.count(|event| *event == Event::StoreUnavailable), 1, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f32_a_call_that_is_answered_ends_an_outage() {
    for (call, _) in CALLS {
        let world = World::new().await;
        world.stage.store.add(Rule::always(&Op::ALL, Deed::Fail(StoreErrorKind::Unavailable)));
        assert!(world.own.begin(&world.stage.engine).load().await.is_err());
        world.stage.store.recover();
        crate::clock::pass(std::time::Duration::from_secs(2)).await;
        world.make(call).await.unwrap();
        assert_eq!(world.stage.events.count(|event| *event == Event::StoreRecovered), 1, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f32_an_error_that_asking_again_cannot_mend_is_not_asked_again() {
    for (call, ops) in CALLS {
        let world = World::new().await;
        world.stage.store.add(Rule::always(&[ops[0]], Deed::Fail(StoreErrorKind::Setup)));
        world.stage.store.forget_trips();
        assert_eq!(world.make(call).await.unwrap_err().kind(), cloakroom::ErrorKind::Store);
        assert_eq!(world.stage.store.all_trips(), 1, "{call:?}");
    }
}
