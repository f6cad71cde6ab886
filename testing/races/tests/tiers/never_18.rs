//! Never again: a cache tier that fills itself with an operation which only replaces existing entries is never
//! hydrated; one that fills itself with a plain set brings a logged-out session back.

use cloakroom_store::{Record, Store, UpdateOutcome};

use crate::pairs::{Process, Processes, STALENESS, key, on_servers_too, owner};
use crate::watched::Held;

on_servers_too![
    never_18_a_tier_that_is_never_hydrated,
    never_18_a_late_fill_brings_a_deleted_session_back,
    never_18_a_late_fill_brings_a_session_back_that_an_update_ended,
    never_18_a_late_fill_brings_a_revoked_session_back,
    never_18_a_late_fill_brings_a_cleared_session_back,
    never_18_a_late_fill_hides_a_write,
    never_18_a_log_out_elsewhere_is_undone,
];

/// How the session of a test ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Delete,
    Update,
    Revoke,
    Clear,
}

impl End {
    async fn at(self, process: &Process) {
        let capabilities = process.store.capabilities();
        match self {
            Self::Delete => assert!(process.store.delete(&key()).await.unwrap().is_some()),
            Self::Update => {
                let version = process.store.load(&key(), None).await.unwrap().unwrap().version;
                let expired = Record::new("", cloakroom_store::Timestamp::EPOCH);
                let updated = process.store.update(&key(), version, &expired).await.unwrap();
                assert!(matches!(updated, UpdateOutcome::Updated(_)));
            }
            Self::Revoke => {
                let at = cloakroom_store::Timestamp::NEVER;
                assert_eq!(capabilities.owners.unwrap().revoke(&owner(), at).await.unwrap(), 1);
            }
            Self::Clear => assert_eq!(capabilities.scan.unwrap().clear().await.unwrap(), 1),
        }
    }
}

async fn never_18_a_tier_that_is_never_hydrated(on: Processes) {
    let version = on.create().await;
    for process in [&on.one, &on.two] {
        assert_eq!(process.load().await.unwrap().version, version);
        let (found, spared) = process.load_and_see().await;
        assert_eq!(found.unwrap().record, on.record());
        assert!(spared, "the second load is answered by the fast tier");
    }
}

/// A load that the durable tier has answered, and whose fill is yet to come.
async fn started(process: &Process) -> (Held, tokio::task::JoinHandle<()>) {
    let mut held = process.durable.hold();
    let loader = process.clone();
    let load = tokio::spawn(async move { assert!(loader.load().await.is_some(), "it was loaded before") });
    held.reached().await;
    (held, load)
}

async fn late_fill(on: Processes, end: End) {
    on.create().await;
    let late = [started(&on.one).await, started(&on.two).await];
    end.at(&on.one).await;
    assert_eq!(on.one.load().await, None, "as soon as it is answered");
    for (held, load) in late {
        held.release();
        load.await.unwrap();
    }
    assert_eq!(on.one.load().await, None, "where it ended it stays dead");
    // A clear takes the marks of a shared fast tier along; the other process then knows no better than if each had its own.
    if on.pair.shared && !matches!(end, End::Clear) {
        assert_eq!(on.two.load().await, None, "and for a process that shares the fast tier");
    }
    on.clock.advance(STALENESS);
    assert_eq!(on.two.load().await, None, "and everywhere, when the bound has passed");
    on.clock.advance(50 * STALENESS);
    assert_eq!((on.one.load().await, on.two.load().await), (None, None));
    assert_eq!(on.durable.load(&key(), None).await.unwrap(), None);
}

async fn never_18_a_late_fill_brings_a_deleted_session_back(on: Processes) {
    late_fill(on, End::Delete).await;
}

async fn never_18_a_late_fill_brings_a_session_back_that_an_update_ended(on: Processes) {
    late_fill(on, End::Update).await;
}

async fn never_18_a_late_fill_brings_a_revoked_session_back(on: Processes) {
    late_fill(on, End::Revoke).await;
}

async fn never_18_a_late_fill_brings_a_cleared_session_back(on: Processes) {
    late_fill(on, End::Clear).await;
}

async fn never_18_a_late_fill_hides_a_write(on: Processes) {
    let version = on.create().await;
    let (held, load) = started(&on.one).await;
    let hat = on.record().with_payload("hat");
    let UpdateOutcome::Updated(version) = on.one.store.update(&key(), version, &hat).await.unwrap() else {
        panic!()
    };
    held.release();
    load.await.unwrap();
    let found = on.one.load().await.unwrap();
    assert_eq!((found.record, found.version), (hat, version));
}

/// Two that have a copy, and one of them logs out: the other can neither write nor touch the session back to life.
async fn never_18_a_log_out_elsewhere_is_undone(on: Processes) {
    let version = on.create().await;
    assert!(on.one.load().await.is_some() && on.two.load().await.is_some());
    End::Delete.at(&on.one).await;
    assert_eq!(on.two.store.update(&key(), version, &on.record()).await.unwrap(), UpdateOutcome::NotFound);
    assert_eq!(on.two.load().await, None, "a write has learned of it");
    assert!(!on.two.store.touch(&key(), on.now() + STALENESS).await.unwrap());
    assert_eq!(on.two.store.delete(&key()).await.unwrap(), None);
    assert_eq!((on.one.load().await, on.two.load().await), (None, None));
}
