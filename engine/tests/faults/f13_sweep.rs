//! F13: the sweep in the background never dies and never spins; what makes no sense does not build.

use std::cell::Cell;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cloakroom::{Config, Event, SessionManager};

use crate::browser::Browser;
use crate::clock::{minutes, pass};
use crate::stage::Stage;
use crate::store::{Deed, Op, Rule};

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// How many panics there were on this thread, those in tasks of its runtime included. Call it first, too.
fn panics() -> usize {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
    PANICS.get()
}

/// Returns whether the engine of `stage` still sweeps.
async fn sweeps(stage: &Stage) -> bool {
    stage.store.forget_trips();
    pass(minutes(10)).await;
    stage.store.trips(&[Op::Sweep]) >= 5
}

fn every_minute(config: Config) -> Config {
    config.idle_timeout(minutes(5)).sweep_interval(minutes(1))
}

#[tokio::test(start_paused = true)]
async fn f13_the_sweep_goes_on_after_an_observer_panics() {
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    let panics = |event: &Event| {
        if matches!(event, Event::Expired { .. }) {
            TOLD.fetch_add(1, Ordering::SeqCst);
            panic!("the observer panics, as the test wants it");
        }
    };
    let stage = Stage::new(|config| every_minute(config).observer(panics));
    for _ in 0..3 {
        let _browser = Browser::anonymous(&stage.engine).await;
        assert!(sweeps(&stage).await, "after {} panics", TOLD.load(Ordering::SeqCst));
    }
    assert!(sweeps(&stage).await);
    assert_eq!(TOLD.load(Ordering::SeqCst), 3, "it got an event for each of the sessions");
}

#[tokio::test(start_paused = true)]
async fn f13_the_sweep_goes_on_after_an_observer_panics_at_a_failure() {
    let panics = |event: &Event| {
        assert!(!matches!(event, Event::Failed { .. } | Event::StoreUnavailable), "as the test wants it");
    };
    let stage = Stage::new(|config| every_minute(config).observer(panics));
    stage.store.add(Rule::once(&[Op::Sweep], Deed::Fail(cloakroom::store::ErrorKind::Unavailable)));
    assert!(sweeps(&stage).await);
    assert!(sweeps(&stage).await);
}

#[tokio::test(start_paused = true)]
async fn f13_the_sweep_goes_on_after_the_store_panics() {
    let stage = Stage::new(every_minute);
    stage.store.add(Rule::once(&[Op::Sweep], Deed::Panic));
    assert!(sweeps(&stage).await);
    assert!(sweeps(&stage).await);
}

#[tokio::test(start_paused = true)]
async fn f13_the_sweep_goes_on_after_the_store_hangs() {
    let stage = Stage::new(every_minute);
    stage.store.add(Rule::once(&[Op::Sweep], Deed::Hang));
    pass(minutes(10)).await;
    assert!(sweeps(&stage).await);
}

#[tokio::test(start_paused = true)]
async fn f13_the_longest_times_between_sweeps_do_not_panic() {
    let before = panics();
    for every in
        [Duration::MAX, Duration::MAX / 2, Duration::from_secs(u64::MAX), Duration::from_secs(1 << 60)]
    {
        let stage = Stage::new(|config| config.sweep_interval(every));
        let mut browser = Browser::anonymous(&stage.engine).await;
        pass(minutes(60)).await;
        browser.has_session(&stage.engine).await;
        pass(Duration::from_secs(1)).await;
        assert_eq!(panics(), before, "with {every:?}");
        assert_eq!(stage.store.trips(&[Op::Sweep]), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn f13_sweeping_without_a_pause_does_not_build() {
    let store = cloakroom::stores::MemoryStore::new();
    let error = SessionManager::new(store, Config::default().sweep_interval(Duration::ZERO)).unwrap_err();
    assert_eq!(error.options(), ["sweep_interval"]);
}

#[tokio::test(start_paused = true)]
async fn f13_sweeping_very_often_does_not_spin() {
    let stage = Stage::new(|config| config.sweep_interval(Duration::from_nanos(1)));
    pass(Duration::from_secs(1)).await;
    assert!(stage.store.trips(&[Op::Sweep]) <= 2_000, "{} sweeps", stage.store.trips(&[Op::Sweep]));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

#[test]
fn f13_the_sweep_goes_on_in_the_next_runtime_after_its_own_has_ended() {
    let first = runtime();
    let (stage, mut browser) = first.block_on(async {
        let stage = Stage::new(|config| config.sweep_interval(minutes(1)));
        let browser = Browser::anonymous(&stage.engine).await;
        assert!(sweeps(&stage).await);
        (stage, browser)
    });
    drop(first);
    for _ in 0..2 {
        let next = runtime();
        next.block_on(async {
            browser.has_session(&stage.engine).await;
            assert!(sweeps(&stage).await);
        });
    }
}

#[test]
fn f13_an_engine_that_was_made_without_a_runtime_sweeps_in_the_first_that_it_meets() {
    let stage = Stage::new(|config| config.sweep_interval(minutes(1)));
    runtime().block_on(async {
        let mut browser = Browser::default();
        browser.has_session(&stage.engine).await;
        browser.visit(&stage.engine, |session| session.insert("a", 1).unwrap()).await;
        assert!(sweeps(&stage).await);
    });
}

#[test]
fn f13_one_engine_sweeps_once_though_two_runtimes_use_it() {
    let stage = Stage::new(|config| config.sweep_interval(minutes(1)));
    let (first, second) = (runtime(), runtime());
    for runtime in [&first, &second] {
        runtime.block_on(async {
            let _browser = Browser::anonymous(&stage.engine).await;
        });
    }
    stage.store.forget_trips();
    for runtime in [&first, &second] {
        runtime.block_on(pass(minutes(10)));
    }
    assert!(stage.store.trips(&[Op::Sweep]) <= 14, "{} sweeps", stage.store.trips(&[Op::Sweep]));
}
