//! The outages, and what must hold in each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::proxy::{Fault, Proxy};
use cloakroom_store::{ErrorKind, Store, StoreKey, UpdateOutcome};

use super::{Durable, created, held, holding, key};

const TASKS: u64 = 8;

/// Adds one to the number, until the server is in the way; what was acknowledged last.
async fn increment(store: &dyn Store, key: &StoreKey, acknowledged: &AtomicU64, stop: &AtomicBool) {
    let Ok(Some(mut stored)) = store.load(key, None).await else { return };
    while !stop.load(Ordering::SeqCst) {
        let number = held(&stored.record) + 1;
        match store.update(key, stored.version, &holding(number)).await {
            Ok(UpdateOutcome::Updated(version)) => {
                acknowledged.store(number, Ordering::SeqCst);
                stored.version = version;
                stored.record = holding(number);
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert!(error.is_uncertain(), "{error:?}");
                return;
            }
        }
    }
}

/// Checks that a server that is killed under load has every acknowledged write when it is back.
pub async fn a_server_killed_under_load_has_every_acknowledged_write_when_it_is_back(durable: &Durable) {
    let mut server = durable.start();
    let store = durable.open(&server.url()).await;
    for task in 0..TASKS {
        created(store.create(&key(task), &holding(0)).await.unwrap());
    }
    // Goes on from round to round: a task may get no write in before the server is killed again.
    let acknowledged: Arc<Vec<AtomicU64>> = Arc::new((0..TASKS).map(|_| AtomicU64::new(0)).collect());
    for round in 1..=2 {
        let stop = Arc::new(AtomicBool::new(false));
        let working: Vec<_> = (0..TASKS)
            .map(|task| {
                let (store, acknowledged, stop) =
                    (Arc::clone(&store), Arc::clone(&acknowledged), Arc::clone(&stop));
                let at = usize::try_from(task).unwrap();
                tokio::spawn(async move { increment(&*store, &key(task), &acknowledged[at], &stop).await })
            })
            .collect();
        while acknowledged.iter().map(|count| count.load(Ordering::SeqCst)).sum::<u64>() < 200 * round {
            assert!(
                !working.iter().all(|work| work.is_finished()),
                "no request succeeded while the server was there"
            );
            tokio::task::yield_now().await;
        }
        tokio::task::block_in_place(|| server.kill().unwrap());
        stop.store(true, Ordering::SeqCst);
        for work in working {
            work.await.unwrap();
        }
        tokio::task::block_in_place(|| server.restart().unwrap());
        for (task, last) in (0..).zip(acknowledged.iter()) {
            // The very first question is answered: what broke while it was idle is not used again.
            let kept = held(&store.load(&key(task), None).await.unwrap().unwrap().record);
            let last = last.swap(kept, Ordering::SeqCst);
            assert!(kept == last || kept == last + 1, "acknowledged {last}, kept {kept}");
        }
    }
}

/// Checks that a server that was stopped is unavailable, and used again when it is back.
pub async fn a_stopped_server_is_unavailable_and_used_again_when_it_is_back(durable: &Durable) {
    let mut server = durable.start();
    let store = durable.open(&server.url()).await;
    created(store.create(&key(1), &holding(1)).await.unwrap());
    tokio::task::block_in_place(|| server.stop().unwrap());
    for _ in 0..3 {
        assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    tokio::task::block_in_place(|| server.restart().unwrap());
    assert!(store.load(&key(1), None).await.unwrap().is_some());
    created(store.create(&key(2), &holding(2)).await.unwrap());
}

/// Checks that a frozen server is unavailable in time, and used again when it goes on.
pub async fn a_frozen_server_is_unavailable_in_time_and_used_again_when_it_goes_on(durable: &Durable) {
    let mut server = durable.start();
    let store = durable.open(&server.url()).await;
    created(store.create(&key(1), &holding(1)).await.unwrap());
    server.pause().unwrap();
    let begin = Instant::now();
    assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(store.create(&key(2), &holding(2)).await.unwrap_err().is_uncertain());
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    server.resume().unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_some());
    created(store.create(&key(3), &holding(3)).await.unwrap());
}

/// Checks that a write whose answer was lost is uncertain, and was done once.
pub async fn a_write_whose_answer_was_lost_is_uncertain_and_was_done_once(durable: &Durable) {
    let server = durable.start();
    let direct = durable.open(&server.url()).await;
    let proxy = tokio::task::block_in_place(|| Proxy::to(&server.url()).unwrap());
    let store = durable.open(proxy.url()).await;
    let version = created(store.create(&key(1), &holding(1)).await.unwrap());
    // Prepared before the fault, so that what is lost is the answer to the write itself.
    let UpdateOutcome::Updated(version) = store.update(&key(1), version, &holding(2)).await.unwrap() else {
        panic!()
    };
    proxy.set(Fault::LoseAnswer { to: b"lose this".to_vec() });
    let mut marked = holding(3);
    marked.payload = [&marked.payload[..], b"lose this"].concat().into();
    let error = store.update(&key(1), version, &marked).await.unwrap_err();
    assert!(error.is_uncertain(), "{error:?}");
    assert_eq!(proxy.losses(), 1);
    let kept = direct.load(&key(1), None).await.unwrap().unwrap();
    assert_eq!(held(&kept.record), 3);
    let again = store.update(&key(1), version, &marked).await.unwrap();
    assert!(matches!(again, UpdateOutcome::Conflict(there) if there == kept), "the version was used up");
}

/// Checks that idle connections that were cut are not used again.
pub async fn connections_that_were_cut_while_idle_are_not_used_again(durable: &Durable) {
    let server = durable.start();
    let proxy = tokio::task::block_in_place(|| Proxy::to(&server.url()).unwrap());
    let store = durable.open(proxy.url()).await;
    created(store.create(&key(1), &holding(1)).await.unwrap());
    let loads: Vec<_> = (0..16)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.load(&key(1), None).await })
        })
        .collect();
    for load in loads {
        assert!(load.await.unwrap().unwrap().is_some());
    }
    proxy.cut();
    for _ in 0..12 {
        assert!(store.load(&key(1), None).await.unwrap().is_some());
    }
}
